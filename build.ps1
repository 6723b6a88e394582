# What build.sh does, for PowerShell.
#   ./build.ps1            builds everything, warnings as errors
#   ./build.ps1 test       builds and runs the whole suite
#   ./build.ps1 publish    a ReadyToRun program for this machine, with the runtime in it, under out/publish
param([ValidateSet('build', 'test', 'publish')] [string] $Target = 'build')

$ErrorActionPreference = 'Stop'
Push-Location $PSScriptRoot
try
{
    switch ($Target)
    {
        'build' { dotnet build -c Release }
        'test' { dotnet test -c Release }
        'publish' { dotnet publish src/Trainer -c Release --use-current-runtime --self-contained -p:PublishReadyToRun=true -o out/publish }
    }

    exit $LASTEXITCODE
}
finally
{
    Pop-Location
}
