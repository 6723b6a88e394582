# compute-sanitizer's four tools, each on the few small tests of sanitizer-tests.txt that launch every kernel between them; what time is left then goes to memcheck on more.
source "$(dirname "$0")/common.sh"
need_gpu
need_programs
[ -x /usr/local/cuda/bin/compute-sanitizer ] && PATH="$PATH:/usr/local/cuda/bin"
need compute-sanitizer
status=0
ran=0
reason=""
stopped=""
every_kernel=$(bash tools/gpu-check/sanitizer_filter.sh cuda)

# kernels FILE: how many of the engine's kernels the tests of a MNR_LAUNCHES file launched.
kernels() {
  { cat "$1" 2>/dev/null || true; } | awk -F '\t' '
    { n = split($3, names, " "); for (i = 1; i <= n; i++) if ($1 == "*") all[names[i]]; else launched[names[i]] }
    END { for (k in launched) covered++; for (k in all) total++; printf "%d of %d kernels", covered, total }'
}

# check TOOL SECONDS FILTER [NAME]: a tool on tests, noted.
check() {
  local tool=$1 share=$2 name=${4:-$1} code=0 log suite errors findings passed failed done_tests
  log="$MNR_RESULTS/$name.txt"
  suite="$MNR_RESULTS/$name-tests.txt"
  MNR_KERNELS=cuda MNR_LAUNCHES="$MNR_RESULTS/$name-launches.tsv" within "$share" compute-sanitizer --tool "$tool" --target-processes all --print-limit 20 --error-exitcode 99 --log-file "$log" \
    "$bin/MnrEngine.Kernels.Tests" --output Detailed --filter "$3" >"$suite" 2>&1 || code=$?
  errors=$(grep -hoE 'ERROR SUMMARY: .*|RACECHECK SUMMARY: .*' "$log" 2>/dev/null | tail -n 1 || true)
  findings=$(grep -cE '^=+ +(Error|Warning|Invalid|Race|Uninitialized|Barrier|Program hit)' "$log" 2>/dev/null || true)
  passed=$(grep -c '^passed ' "$suite" || true)
  failed=$(grep -c '^failed ' "$suite" || true)
  done_tests="$passed tests passed and $failed failed, $(kernels "$MNR_RESULTS/$name-launches.tsv")"
  # A tool has run when tests came to an end under it, or when it said something of the program. Anything else is the tool itself: no counters, no permission, a driver it does not know.
  if [ "$((passed + failed))" -eq 0 ] && [ "${findings:-0}" -eq 0 ] && [ "$code" -ne 99 ]; then
    reason="$( { cat "$log" "$suite" 2>/dev/null || true; } | grep -v '^=* *$' | grep -v 'COMPUTE-SANITIZER$' | head -n 1 | cut -c 1-150 || true)"
    case $code in
      124 | 137) reason="no test came to an end within $share s" ;;
      *) reason="exit code $code, ${reason:-and it says nothing}" ;;
    esac
    note "$name: did not run: $reason"
    return 0
  fi
  ran=$((ran + 1))
  case $code in
    0) note "$name: ${errors:-no summary}; $done_tests" ;;
    124 | 137)
      stopped="$stopped $name"
      note "$name: stopped after $share s, ${findings:-0} findings until then; $done_tests"
      ;;
    *) note "**$name: ${errors:-no summary}, exit code $code**; $done_tests" ;;
  esac
  case $code in
    0 | 124 | 137) [ "${findings:-0}" -eq 0 ] && [ "$failed" -eq 0 ] || status=1 ;;
    *) status=1 ;;
  esac
}

# rest: seconds left, less what a tool may take to end when it is told to, and its log to be read.
rest() { echo $(($(left) - 6)); }

tools=(memcheck initcheck synccheck racecheck)
for i in "${!tools[@]}"; do check "${tools[$i]}" "$(($(rest) / (4 - i)))" "$every_kernel"; done
unfinished=$stopped
# Larger ones: whole layers, long sentences, a batch of 4,096 sentences.
[ "$ran" -eq 0 ] || [ "$(rest)" -lt 15 ] || check memcheck "$(rest)" 'FullyQualifiedName~FixtureOperationsTests|FullyQualifiedName~FixtureLossesTests|FullyQualifiedName~WholeAttentionTests' memcheck-larger
[ "$status" -eq 0 ] || { echo "compute-sanitizer found something, or tests failed under it; see the page"; exit 1; }
[ "$ran" -gt 0 ] || skip "compute-sanitizer can't work here: $reason"
[ -z "$unfinished" ] || partial "not all tests were run under$unfinished"
