# compute-sanitizer's four tools, each on as many tests of the operations as its share of the time allows.
source "$(dirname "$0")/common.sh"
need_gpu
need_programs
[ -x /usr/local/cuda/bin/compute-sanitizer ] && PATH="$PATH:/usr/local/cuda/bin"
need compute-sanitizer
status=0
ran=0
reason=""
tools=(memcheck racecheck initcheck synccheck)
for i in "${!tools[@]}"; do
  tool=${tools[$i]}
  share=$(($(left) / (4 - i)))
  log="$MNR_RESULTS/$tool.txt"
  suite="$MNR_RESULTS/$tool-tests.txt"
  code=0
  MNR_KERNELS=cuda within "$share" compute-sanitizer --tool "$tool" --target-processes all --print-limit 20 --error-exitcode 99 --log-file "$log" \
    "$bin/MnrEngine.Kernels.Tests" --output Detailed --filter 'FullyQualifiedName~CudaKernelsTests|FullyQualifiedName~FixtureOperationsTests|FullyQualifiedName~FixtureLossesTests|FullyQualifiedName~WholeAttentionTests' >"$suite" 2>&1 || code=$?
  errors=$(grep -hoE 'ERROR SUMMARY: .*|RACECHECK SUMMARY: .*' "$log" 2>/dev/null | tail -n 1 || true)
  findings=$(grep -cE '^=+ +(Error|Warning|Invalid|Race|Uninitialized|Barrier|Program hit)' "$log" 2>/dev/null || true)
  passed=$(grep -c '^passed ' "$suite" || true)
  failed=$(grep -c '^failed ' "$suite" || true)
  done_tests="$passed tests passed and $failed failed"
  # A tool has run when tests came to an end under it, or when it said something of the program. Anything else is the tool itself: no counters, no permission, a driver it does not know.
  if [ "$((passed + failed))" -eq 0 ] && [ "${findings:-0}" -eq 0 ] && [ "$code" -ne 99 ]; then
    reason="$( { cat "$log" "$suite" 2>/dev/null || true; } | grep -v '^=* *$' | grep -v 'COMPUTE-SANITIZER$' | head -n 1 | cut -c 1-150 || true)"
    case $code in
      124 | 137) reason="no test came to an end within $share s" ;;
      *) reason="exit code $code, ${reason:-and it says nothing}" ;;
    esac
    note "$tool: did not run: $reason"
    continue
  fi
  ran=$((ran + 1))
  case $code in
    0) note "$tool: ${errors:-no summary}; $done_tests" ;;
    124 | 137) note "$tool: stopped after $share s, ${findings:-0} findings until then; $done_tests" ;;
    *) note "**$tool: ${errors:-no summary}, exit code $code**; $done_tests" ;;
  esac
  case $code in
    0 | 124 | 137) [ "${findings:-0}" -eq 0 ] && [ "$failed" -eq 0 ] || status=1 ;;
    *) status=1 ;;
  esac
done
[ "$status" -eq 0 ] || { echo "compute-sanitizer found something, or tests failed under it; see the page"; exit 1; }
[ "$ran" -gt 0 ] || skip "compute-sanitizer can't work here: $reason"
