# Everything the article does: trains the two MNR models and the softmax model, and compares them with an MPNet.
#
#   examples/article/run.ps1                 full size: bert-base-uncased on SNLI and MultiNLI from the Hugging Face hub, for a machine with a GPU
#   examples/article/run.ps1 -Scale small    small networks on the data in this repository, minutes on a CPU
#
# MNR_ENGINE names a program that is built already; without it, the sources are built and run.
param([ValidateSet('small', 'full')][string]$Scale = 'full')
$ErrorActionPreference = 'Stop'
$root = (Resolve-Path "$PSScriptRoot/../..").Path

if (-not $env:MNR_ENGINE) {
    dotnet build -c Release -v quiet --nologo "$root/src/Trainer"
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

function Invoke-Engine {
    if ($env:MNR_ENGINE) { & $env:MNR_ENGINE @args } else { dotnet run -c Release --no-build --project "$root/src/Trainer" -- @args }
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

foreach ($config in Get-ChildItem "$PSScriptRoot/$Scale/*.json" | Sort-Object Name) {
    Write-Output "== $($config.BaseName)"
    Invoke-Engine train $config.FullName
}

$runs = "$root/runs/article/$Scale"
$mpnet = if ($Scale -eq 'small') { "$runs/mpnet/model" } else { 'sentence-transformers/all-mpnet-base-v2' }

Write-Output '== comparison'
Invoke-Engine compare `
    "MNR, the article's loop=$runs/mnr-loop/model" `
    "MNR, fit()=$runs/mnr-fit/model" `
    "softmax=$runs/softmax/model" `
    "MPNet, MNR=$mpnet" `
    --sts "$root/examples/data/stsb-en-dev.csv" --name 'STSb dev' `
    --markdown "$runs/comparison.md" --json "$runs/comparison.json" --chart "$runs/comparison.png"
