# What build.sh does, for PowerShell.
#   ./build.ps1              builds everything, warnings as errors
#   ./build.ps1 test         builds and runs the whole suite
#   ./build.ps1 publish      a ReadyToRun program for this machine, with the runtime in it, under out/publish
#   ./build.ps1 native       with CMake, each where its tools are: the kernels as out/native/kernels.fatbin (nvcc), NVTX ranges (the toolkit's header).
#                            Builds and publishes after it take them along
#   ./build.ps1 host         the kernels on the host (g++, Linux only), with what the tests run them behind, under out/host-cuda
#   ./build.ps1 check        every kernel as machine code for sm_80 and sm_90, without a GPU (NVRTC, Linux only): warnings are errors, a table of what each needs
#   ./build.ps1 --gpu-bundle out/gpu-bundle.tar.gz: program and suites with the runtime in them, for tools/gpu-check.sh on a machine with a GPU and no .NET
$ErrorActionPreference = 'Stop'

# A parameter of the script would not do: PowerShell takes --gpu-bundle for the name of one.
$targets = 'build', 'test', 'publish', 'native', 'host', 'check', '--gpu-bundle'
$target = if ($args.Count -gt 0) { $args[0] } else { 'build' }
if ($target -cnotin $targets)
{
    [Console]::Error.WriteLine("usage: ./build.ps1 [$($targets -join '|')]; '$target' is none of them")
    exit 2
}

# Ends the script with the exit code of a program that failed.
function Invoke-Program
{
    $program = $args[0]
    $arguments = @($args | Select-Object -Skip 1)
    & $program @arguments
    if ($LASTEXITCODE -ne 0)
    {
        exit $LASTEXITCODE
    }
}

Push-Location $PSScriptRoot
try
{
    switch ($target)
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

            # Half of the bundle, and nothing that a check needs: code coverage, debugging, other garbage collectors, what the repository has (fixtures, vocabulary,
            # STSb; programs.sh puts them back), and what draws charts (runs do without and say so).
            foreach ($unneeded in 'Microsoft.CodeCoverage', 'libmscordaccore.so', 'libmscordbi.so', 'libclrgc.so', 'libclrgcexp.so', 'libcoreclrtraceptprovider.so', 'createdump',
                'NUnit3.TestAdapter.pdb', 'tests', 'vocab', 'stsb', 'libSkiaSharp.so', 'libHarfBuzzSharp.so')
            {
                Remove-Item -Recurse -Force -ErrorAction Ignore "out/gpu-bundle/bin/$unneeded"
            }

            Invoke-Program tar -czf out/gpu-bundle.tar.gz -C out gpu-bundle
            $bundle = (Get-Item out/gpu-bundle.tar.gz).Length
            $repository = (git -c core.quotePath=false ls-files -c -o --exclude-standard | Where-Object { Test-Path -LiteralPath $_ -PathType Leaf } | ForEach-Object { (Get-Item -Force -LiteralPath $_).Length } | Measure-Object -Sum).Sum
            if ($bundle + $repository -gt 60000000)
            {
                [Console]::Error.WriteLine("out/gpu-bundle.tar.gz ($bundle bytes) and the repository ($repository bytes) are $($bundle + $repository) bytes together, but no more than 60000000 can be taken to a machine with a GPU")
                exit 1
            }

            Get-Item out/gpu-bundle.tar.gz
        }
    }
}
finally
{
    Pop-Location
}
