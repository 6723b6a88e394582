# What build.sh does, for PowerShell.
#   ./build.ps1              builds everything, warnings as errors
#   ./build.ps1 test         builds and runs the whole suite
#   ./build.ps1 publish      a ReadyToRun program for this machine, with the runtime in it, under out/publish
#   ./build.ps1 native       with CMake, each where its tools are: the kernels as out/native/kernels.fatbin (nvcc), NVTX ranges (the toolkit's header).
#                            Builds and publishes after it take them along
#   ./build.ps1 host         the kernels on the host (g++, Linux only), with what the tests run them behind, under out/host-cuda
#   ./build.ps1 check        every kernel as machine code for sm_80 and sm_90, without a GPU (NVRTC, Linux only): warnings are errors, a table of what each needs
#   ./build.ps1 --gpu-bundle out/gpu-bundle.tar.gz: program and suites with the runtime in them, for tools/gpu-check.sh on a machine with a GPU and no .NET
param([ValidateSet('build', 'test', 'publish', 'native', 'host', 'check', '--gpu-bundle')] [string] $Target = 'build')

$ErrorActionPreference = 'Stop'

# Ends the script with the exit code of a program that failed.
function Invoke-Program
{
    $program, $arguments = $args
    & $program @arguments
    if ($LASTEXITCODE -ne 0)
    {
        exit $LASTEXITCODE
    }
}

Push-Location $PSScriptRoot
try
{
    switch ($Target)
    {
        'build' { Invoke-Program dotnet build -c Release }
        'test' { Invoke-Program dotnet test -c Release }
        'publish' { Invoke-Program dotnet publish src/Trainer -c Release --use-current-runtime --self-contained '-p:PublishReadyToRun=true' -o out/publish }
        'native'
        {
            Invoke-Program cmake -S . -B out/native '-DCMAKE_BUILD_TYPE=Release'
            Invoke-Program cmake --build out/native --parallel --config Release
        }
        'host'
        {
            Invoke-Program cmake -S tests/HostCuda -B out/host-cuda '-DCMAKE_BUILD_TYPE=Release'
            Invoke-Program cmake --build out/host-cuda --parallel --config Release
        }
        'check' { Invoke-Program sh tools/compile-kernels/run.sh }
        '--gpu-bundle'
        {
            Remove-Item -Recurse -Force -ErrorAction Ignore out/gpu-bundle, out/gpu-bundle.tar.gz
            Invoke-Program dotnet publish tests/Trainer.Tests -c Release -r linux-x64 --self-contained '-p:GpuBundle=true' '-p:DebugType=none' '-p:GenerateDocumentationFile=false' -o out/gpu-bundle/bin
            # All programs are in the one folder and share the runtime, so what says that the last one brings it with it holds for each.
            foreach ($program in 'MnrEngine.Kernels.Tests', 'MnrEngine.Engine.Tests')
            {
                Copy-Item out/gpu-bundle/bin/MnrEngine.Trainer.Tests.runtimeconfig.json "out/gpu-bundle/bin/$program.runtimeconfig.json"
                Copy-Item out/gpu-bundle/bin/MnrEngine.Trainer.Tests.deps.json "out/gpu-bundle/bin/$program.deps.json"
            }

            # Half of the bundle, and nothing that a check needs: code coverage, debugging, other garbage collectors, fixtures (the repository has them), and what
            # draws charts (runs do without and say so).
            foreach ($unneeded in 'Microsoft.CodeCoverage', 'libmscordaccore.so', 'libmscordbi.so', 'libclrgc.so', 'libclrgcexp.so', 'createdump', 'tests', 'libSkiaSharp.so', 'libHarfBuzzSharp.so')
            {
                Remove-Item -Recurse -Force -ErrorAction Ignore "out/gpu-bundle/bin/$unneeded"
            }


            Invoke-Program tar -czf out/gpu-bundle.tar.gz -C out gpu-bundle
            Get-Item out/gpu-bundle.tar.gz
        }
    }
}
finally
{
    Pop-Location
}
