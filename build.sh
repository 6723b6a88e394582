#!/usr/bin/env bash
# What build.ps1 does, for a shell without PowerShell.
#   ./build.sh               builds everything, warnings as errors
#   ./build.sh test          builds and runs the whole suite
#   ./build.sh publish       a ReadyToRun program for this machine, with the runtime in it, under out/publish
#   ./build.sh native        with CMake, each where its tools are: the kernels as out/native/kernels.fatbin (nvcc), NVTX ranges (the toolkit's header).
#                            Builds and publishes after it take them along
#   ./build.sh host          the kernels on the host (g++), with what the tests run them behind, under out/host-cuda
#   ./build.sh check         every kernel as machine code for sm_80 and sm_90, without a GPU (NVRTC): warnings are errors, a table of what each needs
#   ./build.sh --gpu-bundle  out/gpu-bundle.tar.gz: program and suites with the runtime in them, for tools/gpu-check.sh on a machine with a GPU and no .NET
set -euo pipefail
cd "$(dirname "$0")"

case "${1:-build}" in
  build) dotnet build -c Release ;;
  test) dotnet test -c Release ;;
  publish) dotnet publish src/Trainer -c Release --use-current-runtime --self-contained -p:PublishReadyToRun=true -o out/publish ;;
  native)
    cmake -S . -B out/native -DCMAKE_BUILD_TYPE=Release
    cmake --build out/native --parallel --config Release
    ;;
  host)
    cmake -S tests/HostCuda -B out/host-cuda -DCMAKE_BUILD_TYPE=Release
    cmake --build out/host-cuda --parallel --config Release
    ;;
  check) tools/compile-kernels/run.sh ;;
  --gpu-bundle)
    rm -rf out/gpu-bundle out/gpu-bundle.tar.gz
    dotnet publish tests/Trainer.Tests -c Release -r linux-x64 --self-contained -p:GpuBundle=true -p:DebugType=none -p:GenerateDocumentationFile=false -o out/gpu-bundle/bin
    # All programs are in the one folder and share the runtime, so what says that the last one brings it with it holds for each.
    for program in MnrEngine.Kernels.Tests MnrEngine.Engine.Tests; do
      cp out/gpu-bundle/bin/MnrEngine.Trainer.Tests.runtimeconfig.json "out/gpu-bundle/bin/$program.runtimeconfig.json"
      cp out/gpu-bundle/bin/MnrEngine.Trainer.Tests.deps.json "out/gpu-bundle/bin/$program.deps.json"
    done
    # Half of the bundle, and nothing that a check needs: code coverage, debugging, other garbage collectors, what the repository has (fixtures, vocabulary,
    # STSb; programs.sh puts them back), and what draws charts (runs do without and say so).
    (cd out/gpu-bundle/bin && rm -rf Microsoft.CodeCoverage libmscordaccore.so libmscordbi.so libclrgc.so libclrgcexp.so libcoreclrtraceptprovider.so createdump \
      NUnit3.TestAdapter.pdb tests vocab stsb libSkiaSharp.so libHarfBuzzSharp.so)
    tar -cf - -C out gpu-bundle | gzip -9 >out/gpu-bundle.tar.gz
    tools/gpu-check/bundle_size.sh out/gpu-bundle.tar.gz
    ;;
  *)
    echo "usage: ./build.sh [build|test|publish|native|host|check|--gpu-bundle]; '$1' is none of them" >&2
    exit 2
    ;;
esac
