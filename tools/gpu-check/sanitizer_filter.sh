#!/usr/bin/env bash
# sanitizer_filter.sh host|cuda: sanitizer-tests.txt as a filter of MnrEngine.Kernels.Tests, for tests that run there.
set -euo pipefail
grep -v '^#' "$(dirname "$0")/sanitizer-tests.txt" |
  sed -e "s/TARGET/$1/" -e 's/[()&|=!~\\]/\\&/g' -e 's/^/FullyQualifiedName=MnrEngine.Kernels.Tests./' | paste -s -d '|'
