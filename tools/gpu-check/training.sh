# Whole runs: the quickstart on the GPU beside the CPU, which draw the same dropout masks, and the recorded ones of the suites on the GPU. What is worth most
# comes first, each with a limit of its own.
source "$(dirname "$0")/common.sh"
need_programs
# How far the losses of the GPU may be from the CPU's, relatively; in the first `judged` steps, of which the CPU has to make `compared` at least in its time. (Two instruction sets of one CPU
# differ by 2e-7 in 50 steps and 4e-6 in 200; later, rounding errors grow by themselves.)
readonly tolerance=1e-4 compared=50 judged=200
status=0

# quickstart DEVICE SECONDS: 0 also when it was stopped behind the steps that are compared.
quickstart() {
  local device=$1 code=0 metrics="$MNR_WORK/quickstart-$1/metrics.jsonl"
  within "$2" "$bin/MnrEngine" train examples/quickstart.json --set "device=$device" --set "output=$MNR_WORK/quickstart-$device" >"$MNR_RESULTS/quickstart-$device.txt" 2>&1 || code=$?
  cp "$metrics" "$MNR_RESULTS/quickstart-$device.jsonl" 2>/dev/null || true
  case $code in
    0) note "quickstart on $device: $(grep -E '^(trained|STSb)' "$MNR_RESULTS/quickstart-$device.txt" | xargs || true)" ;;
    124 | 137 | 143) note "quickstart on $device: stopped after $(losses "$metrics" 2>/dev/null | wc -l) steps" ;;
    *) note "quickstart on $device: **exit code $code**: $(tail -n 1 "$MNR_RESULTS/quickstart-$device.txt")" ;;
  esac
  [ "$code" -eq 0 ] || { [ "$device" = cpu ] && [ "$code" -ge 124 ] && [ "$(losses "$metrics" 2>/dev/null | wc -l)" -ge "$compared" ]; }
}

# same_losses: whether the GPU's run follows the CPU's.
same_losses() {
  local result code=0
  for device in cuda cpu; do losses "$MNR_RESULTS/quickstart-$device.jsonl" >"$MNR_WORK/losses-$device" || return 1; done
  result=$(paste "$MNR_WORK/losses-cuda" "$MNR_WORK/losses-cpu" | awk -v compared="$compared" -v judged="$judged" -v tolerance="$tolerance" '
    NF == 2 { d = $1 == "nan" || $2 == "nan" || $2 == 0 ? 1 : ($1 - $2) / $2; if (d < 0) d = -d; steps++; if (!(d <= most)) most = d; if (NR <= judged && !(d <= early)) early = d }
    BEGIN { most = early = 0 }
    END {
      printf "losses of the GPU and the CPU differ by at most %.1e of their size in the first %d steps (%s is allowed), %.1e in all %d that both made", early, steps < judged ? steps : judged, tolerance, most, steps
      exit early > tolerance + 0 ? 1 : steps < compared ? 2 : 0
    }') || code=$?
  note "$result"
  case $code in
    0) ;;
    2) note "**fewer than $compared steps are too few to tell whether the run on the GPU follows the one on the CPU**" ;;
    *) note "**the run on the GPU does not follow the one on the CPU**" ;;
  esac
  return $code
}

if [ -n "$MNR_GPU" ]; then
  quickstart cuda 40 || status=1
fi
quickstart cpu 30 || status=1
[ -n "$MNR_GPU" ] || { [ "$status" -eq 0 ] || { echo "the quickstart failed on the CPU"; exit 1; }; skip "no GPU (the quickstart ran on the CPU)"; }
same_losses || status=1
tests 45 MnrEngine.Trainer.Tests 'FullyQualifiedName~CudaRunTests|FullyQualifiedName~CudaLibraryRunTests' "the program's runs on the GPU beside the CPU, and what is said of errors" || status=1
tests 35 MnrEngine.Engine.Tests '(FullyQualifiedName~Training|FullyQualifiedName~Models)&TestCategory!=Long' "models and the first steps of the recorded runs on the GPU" || status=1
tests 30 MnrEngine.Engine.Tests 'TestCategory=Long' "the recorded runs to their end" || status=1
# Last, since one of them fills the GPU: torch's compiler has to be off it (warm-up.sh).
while [ -e "$MNR_WORK/warming-peer" ] && [ "$(left)" -gt 20 ]; do sleep 1; done
tests "$(left)" MnrEngine.Trainer.Tests 'FullyQualifiedName~ResumedRunFaultTests' "runs that are resumed with a fault" || status=1
[ "$status" -eq 0 ] || { echo "not all runs went as they should; see the page"; exit 1; }
