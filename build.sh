#!/usr/bin/env bash
# What build.ps1 does, for a shell without PowerShell.
#   ./build.sh            builds everything, warnings as errors
#   ./build.sh test       builds and runs the whole suite
#   ./build.sh publish    a ReadyToRun program for this machine, with the runtime in it, under out/publish
set -euo pipefail
cd "$(dirname "$0")"

case "${1:-build}" in
  build) dotnet build -c Release ;;
  test) dotnet test -c Release ;;
  publish) dotnet publish src/Trainer -c Release --use-current-runtime --self-contained -p:PublishReadyToRun=true -o out/publish ;;
  *)
    echo "usage: ./build.sh [build|test|publish]; '$1' is none of them" >&2
    exit 2
    ;;
esac
