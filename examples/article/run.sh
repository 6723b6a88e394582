#!/usr/bin/env bash
# Everything the article does: trains the two MNR models and the softmax model, and compares them with an MPNet.
#
#   examples/article/run.sh                 full size: bert-base-uncased on SNLI and MultiNLI from the Hugging Face hub, for a machine with a GPU
#   examples/article/run.sh --scale small   small networks on the data in this repository, minutes on a CPU
#
# MNR_ENGINE names a program that is built already; without it, the sources are built and run.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

case "$*" in
  "" | "--scale full" | "--scale=full") scale=full ;;
  "--scale small" | "--scale=small") scale=small ;;
  *) echo "usage: $0 [--scale small|full]" >&2; exit 2 ;;
esac

if [ -n "${MNR_ENGINE:-}" ]; then
  engine() { "$MNR_ENGINE" "$@"; }
else
  dotnet build -c Release -v quiet --nologo "$root/src/Trainer"
  engine() { dotnet run -c Release --no-build --project "$root/src/Trainer" -- "$@"; }
fi

for config in "$here/$scale"/*.json; do
  echo "== $(basename "$config" .json)"
  engine train "$config"
done

runs=$root/runs/article/$scale
mpnet=$runs/mpnet/model
[ "$scale" = small ] || mpnet=sentence-transformers/all-mpnet-base-v2

echo "== comparison"
engine compare \
  "MNR, the article's loop=$runs/mnr-loop/model" \
  "MNR, fit()=$runs/mnr-fit/model" \
  "softmax=$runs/softmax/model" \
  "MPNet, MNR=$mpnet" \
  --sts "$root/examples/data/stsb-en-dev.csv" --name "STSb dev" \
  --markdown "$runs/comparison.md" --json "$runs/comparison.json" --chart "$runs/comparison.png"
