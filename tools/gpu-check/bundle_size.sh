#!/usr/bin/env bash
# bundle_size.sh BUNDLE: whether bundle and repository, as they are taken to a machine with a GPU (what git tracks and what it does not ignore), stay within 60 MB. Run in the repository.
set -euo pipefail
readonly most=60000000
bundle=$(stat -c %s "$1")
repository=$(git ls-files -z --cached --others --exclude-standard | { xargs -0 -r stat -c %s 2>/dev/null || true; } | awk '{ sum += $1 } END { printf "%.0f", sum }')
sum=$((bundle + repository))
if [ "$sum" -gt "$most" ]; then
  echo "$1 ($bundle bytes) and the repository ($repository bytes) are $sum bytes together, but no more than $most can be taken to a machine with a GPU" >&2
  exit 1
fi
echo "$1: $bundle bytes, $sum with the repository, of $most"
