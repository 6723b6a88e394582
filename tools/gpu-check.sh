#!/usr/bin/env bash
# Checks and measures the engine on a machine with an NVIDIA GPU, in nine and a half minutes and without a network:
#
#   tools/gpu-check.sh OUT_DIR [STAGE...]
#
# leaves OUT_DIR/summary.md, a page, and OUT_DIR/gpu-check.tar.gz, the logs, traces, reports and figures behind it (less than 16 MB). Both are written anew
# behind every stage, so that a check that is cut short leaves what it had. Without names of stages all run, in order of worth:
#
#   environment  the machine, GPU, driver, libraries, and what `doctor` says
#   fatbin       the kernels compiled by nvcc for all generations it knows, what each needs, and a run with them
#   suite        the tests of every operation on the GPU
#   training     the quickstart and the recorded runs on the GPU, beside the CPU
#   models       seeded models of MiniLM's and BERT-base's shape, trained in fp32 and bf16
#   python       a model saved by `models`, loaded by sentence-transformers and transformers: the same embeddings
#   benchmarks   steps and encoding, beside PyTorch
#   sanitizer    compute-sanitizer on the tests of the operations
#   profilers    where the time goes: bench --breakdown, a trace, Nsight
#
# The page says of each stage that it passed, failed, came to a part of its work only, or did not run, and why. One that fails or takes too long does not keep the
# others from running. The exit code is 1 if any failed, 2 for wrong usage.
#
# Where the time goes, in seconds. Beside `environment` and `fatbin` the kernels are compiled (26 on an H200, by one thread), and beside all before `models` torch's
# compiler fills its caches for the benchmarks (warm-up.sh); what they still need when their turn comes is waited for, outside of any stage's limit.
#
#   stage        limit  measured  on an H200 with 16 processors on 2026-11-26
#   environment     20         3
#   fatbin          70        42
#   suite          130       125  with 33 for the CPU's own tests, which it leaves out since
#   training       100        78
#   models          60        42
#   python          40        28  it imports torch once less since, and so does the next
#   benchmarks     185       160
#   sanitizer       65        50
#   profilers       75        24  cut off by MNR_TOTAL; 68 beside other work
#
# The limits are together more than MNR_TOTAL, the 560 s that all stages have, since few stages need theirs.
#
# The programs are those of ./build.sh --gpu-bundle (out/gpu-bundle.tar.gz, or what MNR_BUNDLE names: a .tar.gz or its unpacked folder); without a bundle
# they are built, if .NET is here. MNR_LIMITS="suite=200 models=30" sets other time limits, in seconds; MNR_TOTAL all of them together.
set -uo pipefail

readonly all_stages=(environment fatbin suite training models python benchmarks sanitizer profilers)
# Seconds, as in the table above; together more than the total, since few need their limit.
declare -A limits=([environment]=20 [fatbin]=70 [suite]=130 [training]=100 [models]=60 [python]=40 [benchmarks]=185 [sanitizer]=65 [profilers]=75 [warmup]=150)
readonly total=${MNR_TOTAL:-560}
readonly most_bytes=$((15 * 1024 * 1024))

usage() {
  echo "usage: tools/gpu-check.sh OUT_DIR [STAGE...]; $1. Stages: ${all_stages[*]}" >&2
  exit 2
}

[ $# -ge 1 ] || usage "the folder for the results is missing"
case "$1" in -*) usage "'$1' is no folder" ;; esac
mkdir -p "$1" || usage "'$1' can't be made"
out=$(cd "$1" && pwd)
shift
stages=("$@")
[ $# -gt 0 ] || stages=("${all_stages[@]}")
for stage in "${stages[@]}"; do
  [[ " ${all_stages[*]} " == *" $stage "* ]] || usage "there is no stage '$stage'"
done
for limit in ${MNR_LIMITS:-}; do
  [[ "$limit" =~ ^([a-z]+)=([0-9]+)$ && -n "${limits[${BASH_REMATCH[1]}]:-}" ]] || usage "MNR_LIMITS has '$limit', expected STAGE=SECONDS"
  limits[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}
done

MNR_ROOT=$(cd "$(dirname "$0")/.." && pwd)
MNR_WORK=$(mktemp -d "${TMPDIR:-/tmp}/gpu-check.XXXXXX")
declare -A warming=()
trap '[ ${#warming[@]} -eq 0 ] || kill "${warming[@]}" 2>/dev/null; rm -rf "$MNR_WORK"' EXIT
trap 'exit 130' INT TERM
MNR_GPU=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null | head -n 1)
[[ "$MNR_GPU" == *,* ]] || MNR_GPU=""
export MNR_ROOT MNR_WORK MNR_GPU
# Nothing here may look for a network.
export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 TOKENIZERS_PARALLELISM=false DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
export MNR_FIXTURES="$MNR_ROOT/tests/fixtures" MNR_CACHE="$MNR_WORK/kernel-cache"
mkdir -p "$MNR_WORK/results" "$MNR_WORK/notes"
# Where CUDA's libraries came with Python packages only, the loader finds them there.
packages=$(timeout 20 python3 -c 'import glob, nvidia; print(":".join(f for p in nvidia.__path__ for f in sorted(glob.glob(p + "/*/lib"))))' 2>/dev/null) &&
  export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$packages"

# last_line FILE: its last line that is not blank, which is where a program says why it ended.
last_line() { { grep -v '^[[:space:]]*$' "$1" 2>/dev/null || true; } | tail -n 1 | cut -c 1-200; }
export -f last_line

# reason CODE FILE: the same, or the exit code of a program that says nothing.
reason() {
  local line
  line=$(last_line "$2")
  echo "${line:-exit code $1, and it says nothing}"
}

# warm_up PART: begins it, if it is not begun.
warm_up() {
  [ -n "$MNR_GPU" ] && [ -x "$MNR_WORK/bin/MnrEngine" ] && [ -z "${warming[$1]:-}" ] || return 0
  mkdir -p "$MNR_WORK/results/warm-up"
  MNR_RESULTS="$MNR_WORK/results/warm-up" MNR_NOTES="$MNR_WORK/notes/warm-up" MNR_LIMIT=${limits[warmup]} \
    timeout --kill-after=5 "${limits[warmup]}" bash "$MNR_ROOT/tools/gpu-check/warm-up.sh" "$1" >"$MNR_WORK/results/warm-up/$1.log" 2>&1 &
  warming[$1]=$!
}

# warm PART...: waits for what was begun of them; that they failed is no failure of a stage, which then does the work itself.
warm() {
  local part before code
  for part in "$@"; do
    [ -n "${warming[$part]:-}" ] || continue
    before=$SECONDS code=0
    wait "${warming[$part]}" || code=$?
    [ "$code" -eq 0 ] || echo "- warm-up, $part: exit code $code, $(last_line "$MNR_WORK/results/warm-up/$part.log")" >>"$MNR_WORK/notes/warm-up"
    echo "- warm-up, $part: $((SECONDS - before)) s were waited for it" >>"$MNR_WORK/notes/warm-up"
    unset "warming[$part]"
  done
}

# summary: the page from what the stages left so far.
summary() {
  {
    echo "# GPU check"
    echo
    echo "- $(date -u '+%Y-%m-%d %H:%M') UTC, $(uname -srm), $(nproc) processors"
    echo "- GPU: ${MNR_GPU:-none was found}"
    echo "- sources: $(git -C "$MNR_ROOT" log -1 --format='%h %s' 2>/dev/null || echo 'not a git checkout')"
    cat "$MNR_WORK/notes/warm-up" 2>/dev/null || true
    echo
    echo "| stage | result | seconds |"
    echo "|---|---|---|"
    cat "$MNR_WORK/table"
    for stage in "${all_stages[@]}"; do
      if [ -s "$MNR_WORK/notes/$stage" ]; then
        echo
        echo "## $stage"
        echo
        cat "$MNR_WORK/notes/$stage"
      fi
    done
  } >"$out/.summary.new" && mv "$out/.summary.new" "$out/summary.md"
}

# pack: everything behind the page; what is too large is left out, the largest first, and named.
pack() {
  cp "$out/summary.md" "$MNR_WORK/results/"
  local archive="$out/.gpu-check.new" largest
  while
    tar -czf "$archive" -C "$MNR_WORK" results
    [ "$(stat -c %s "$archive")" -gt "$most_bytes" ]
  do
    largest=$(find "$MNR_WORK/results" -type f -printf '%s %P\n' | sort -rn | head -n 1 | cut -d ' ' -f 2-)
    rm "$MNR_WORK/results/$largest"
    echo "$largest was too large for the archive" >>"$MNR_WORK/results/left-out.txt"
  done
  mv "$archive" "$out/gpu-check.tar.gz"
}

: >"$MNR_WORK/table"
timeout 150 bash "$MNR_ROOT/tools/gpu-check/programs.sh" >"$MNR_WORK/results/programs.log" 2>&1 || { rm -rf "$MNR_WORK/bin"; echo "no programs: $(last_line "$MNR_WORK/results/programs.log")" >&2; }
failures=0
for stage in "${stages[@]}"; do
  case $stage in
    suite | training | models | sanitizer | profilers) warm_up kernels ;;
    benchmarks) warm_up kernels && warm_up peer ;;
  esac
done
for stage in "${stages[@]}"; do
  # Whatever is timed has the machine to itself.
  case $stage in
    suite | training) warm kernels ;;
    models | python | benchmarks | sanitizer | profilers) warm kernels peer ;;
  esac
  limit=${limits[$stage]}
  left=$((total - SECONDS))
  [ "$limit" -le "$left" ] || limit=$left
  began=$SECONDS
  if [ "$limit" -lt 3 ]; then
    result="did not run: the time for all stages was used up"
  else
    echo "== $stage (at most $limit s)"
    mkdir -p "$MNR_WORK/results/$stage"
    MNR_RESULTS="$MNR_WORK/results/$stage" MNR_NOTES="$MNR_WORK/notes/$stage" MNR_LIMIT=$limit \
      timeout --kill-after=5 "$limit" bash "$MNR_ROOT/tools/gpu-check/$stage.sh" >"$MNR_WORK/results/$stage/log" 2>&1
    case $? in
      0) result=passed ;;
      76) result=$(last_line "$MNR_WORK/results/$stage/log") ;;
      77) result="did not run: $(last_line "$MNR_WORK/results/$stage/log")" ;;
      124 | 137 | 143) result="**failed**: stopped after $limit s" && failures=$((failures + 1)) ;;
      *) result="**failed**: $(reason $? "$MNR_WORK/results/$stage/log")" && failures=$((failures + 1)) ;;
    esac
  fi
  echo "$stage: $result"
  echo "| $stage | ${result//|/\\|} | $((SECONDS - began)) |" >>"$MNR_WORK/table"
  summary
  pack
done
echo "$out/summary.md"
[ "$failures" -eq 0 ]
