#!/usr/bin/env bash
# Times reading and tokenising a million pairs, and counts the memory that they take: bench/tokenizing.sh MODEL [OPTIONS OF bench]
# The pairs are those of examples/data/nli-entailment.tsv.gz 56 times, each time with another number behind both sentences, so that none
# but the file's own repetitions are alike.
set -euo pipefail
cd "$(dirname "$0")/.."
model=$(realpath "${1:?usage: bench/tokenizing.sh MODEL [OPTIONS OF bench]}")
shift
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
zcat examples/data/nli-entailment.tsv.gz | awk -F'\t' -v OFS='\t' '
  NR == 1 { print; next }
  { premise[NR] = $1; hypothesis[NR] = $2 }
  END { for (k = 1; k <= 56; k++) for (i = 2; i <= NR; i++) print premise[i] " " k, hypothesis[i] " " k }' > "$folder/million.tsv"
dotnet run -c Release --project src/Trainer -- bench "$model" "$folder/million.tsv" --steps 0 --encode 0 --tokenize "$@"
