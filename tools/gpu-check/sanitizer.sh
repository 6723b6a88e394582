# compute-sanitizer's four tools, each on as many tests of the operations as its share of the time allows.
source "$(dirname "$0")/common.sh"
need_gpu
need_programs
[ -x /usr/local/cuda/bin/compute-sanitizer ] && PATH="$PATH:/usr/local/cuda/bin"
need compute-sanitizer
status=0
tools=(memcheck racecheck initcheck synccheck)
for i in "${!tools[@]}"; do
  tool=${tools[$i]}
  share=$(($(left) / (4 - i)))
  code=0
  MNR_KERNELS=cuda timeout --kill-after=3 "$share" compute-sanitizer --tool "$tool" --target-processes all --print-limit 20 --error-exitcode 99 --log-file "$MNR_RESULTS/$tool.txt" \
    "$bin/MnrEngine.Kernels.Tests" --filter 'FullyQualifiedName~CudaKernelsTests|FullyQualifiedName~HalfPrecisionTests|FullyQualifiedName~FixtureOperationsTests|FullyQualifiedName~FixtureLossesTests' >"$MNR_RESULTS/$tool-tests.txt" 2>&1 || code=$?
  errors=$(grep -oE 'ERROR SUMMARY: .*|RACECHECK SUMMARY: .*' "$MNR_RESULTS/$tool.txt" 2>/dev/null | tail -n 1 || true)
  case $code in
    124 | 137) note "$tool: stopped after $share s; $(grep -cE '^=+ (Error|Warning|Invalid|Race|Uninitialized|Barrier)' "$MNR_RESULTS/$tool.txt" 2>/dev/null || true) findings until then" ;;
    *) note "$tool: ${errors:-no summary, exit code $code}; $(grep -E '^ *(failed|succeeded):' "$MNR_RESULTS/$tool-tests.txt" | xargs || true)" ;;
  esac
  [ "$code" -ne 99 ] || status=1
done
[ "$status" -eq 0 ] || { echo "compute-sanitizer found something"; exit 1; }
