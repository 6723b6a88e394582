#!/usr/bin/env bash
# Puts the programs where the stages look for them, $MNR_WORK/bin: from the bundle, else built.
set -euo pipefail
bundle=${MNR_BUNDLE:-$MNR_ROOT/out/gpu-bundle.tar.gz}
if [ -d "$bundle" ]; then
  ln -s "$(cd "$bundle" && pwd)/bin" "$MNR_WORK/bin"
elif [ -f "$bundle" ]; then
  # Inside the repository where that can be written: the suites find its fixtures then.
  unpacked="$MNR_ROOT/out/gpu-check"
  rm -rf "$unpacked"
  mkdir -p "$unpacked" 2>/dev/null || unpacked="$MNR_WORK"
  tar -xzf "$bundle" -C "$unpacked"
  # What the suites want beside themselves and the repository has.
  for file in vocab/vocab.txt=examples/data/vocab/vocab.txt vocab/tokenizer.json=tests/fixtures/vocab/tokenizer.json stsb/stsb-en-dev.csv=examples/data/stsb-en-dev.csv; do
    [ ! -f "$MNR_ROOT/${file#*=}" ] || install -D -m 644 "$MNR_ROOT/${file#*=}" "$unpacked/gpu-bundle/bin/${file%%=*}"
  done
  ln -s "$unpacked/gpu-bundle/bin" "$MNR_WORK/bin"
elif [ -n "${MNR_BUNDLE:-}" ]; then
  echo "MNR_BUNDLE is $MNR_BUNDLE, which is not there"
  exit 1
elif command -v dotnet >/dev/null; then
  cd "$MNR_ROOT"
  mkdir -p "$MNR_WORK/bin"
  for project in src/Trainer tests/Kernels.Tests tests/Engine.Tests tests/Trainer.Tests; do
    dotnet build "$project" -c Release
    folder="$PWD/$project/bin/Release/net10.0"
    for program in "$folder"/MnrEngine "$folder"/MnrEngine.*.Tests; do
      [ ! -x "$program" ] || printf '#!/bin/sh\nexec "%s" "$@"\n' "$program" >"$MNR_WORK/bin/$(basename "$program")"
    done
  done
  chmod +x "$MNR_WORK/bin/"*
else
  echo "no $bundle, and no .NET to build the programs with"
  exit 1
fi
ls -l "$MNR_WORK/bin/"
