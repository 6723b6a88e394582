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
            foreach ($project in 'src/Trainer', 'tests/Kernels.Tests', 'tests/Engine.Tests', 'tests/Trainer.Tests')
            {
                Invoke-Program dotnet publish $project -c Release -r linux-x64 --self-contained '-p:DebugType=none' '-p:GenerateDocumentationFile=false' -o out/gpu-bundle/bin
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
