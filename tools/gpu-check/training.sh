# Whole runs: the recorded ones of the suites on the GPU, and the quickstart on the GPU beside the CPU, which draw the same dropout masks.
source "$(dirname "$0")/common.sh"
need_programs
devices=(cpu)
[ -z "$MNR_GPU" ] || devices=(cuda cpu)
status=0
if [ -n "$MNR_GPU" ]; then
  MNR_KERNELS=cuda "$bin/MnrEngine.Engine.Tests" --filter 'FullyQualifiedName~Training|FullyQualifiedName~Models' >"$MNR_RESULTS/recorded.txt" 2>&1 || status=$?
  note "models and the first steps of the recorded runs on the GPU: $(grep -E '^ *(failed|succeeded|skipped):' "$MNR_RESULTS/recorded.txt" | xargs)"
  MNR_KERNELS=cuda "$bin/MnrEngine.Engine.Tests" --filter 'TestCategory=Long' >"$MNR_RESULTS/recorded-long.txt" 2>&1 || status=$?
  note "the recorded runs to their end: $(grep -E '^ *(failed|succeeded|skipped):' "$MNR_RESULTS/recorded-long.txt" | xargs)"
  MNR_KERNELS=cuda "$bin/MnrEngine.Trainer.Tests" --filter 'FullyQualifiedName~CudaRunTests' >"$MNR_RESULTS/runs.txt" 2>&1 || status=$?
  note "the program's runs on the GPU beside the CPU, and what is said of errors: $(grep -E '^ *(failed|succeeded|skipped):' "$MNR_RESULTS/runs.txt" | xargs)"
fi
for device in "${devices[@]}"; do
  timeout "$(left)" "$bin/MnrEngine" train examples/quickstart.json --set "device=$device" --set "output=$MNR_WORK/quickstart-$device" >"$MNR_RESULTS/quickstart-$device.txt" 2>&1 || status=$?
  cp "$MNR_WORK/quickstart-$device/metrics.jsonl" "$MNR_RESULTS/quickstart-$device.jsonl" 2>/dev/null || true
  note "quickstart on $device: $(grep -E '^(trained|STSb)' "$MNR_RESULTS/quickstart-$device.txt" | xargs || true)"
done
if [ -s "$MNR_RESULTS/quickstart-cuda.jsonl" ] && [ -s "$MNR_RESULTS/quickstart-cpu.jsonl" ]; then
  for device in cuda cpu; do grep -o '"loss":[-+0-9.eE]*' "$MNR_RESULTS/quickstart-$device.jsonl" | cut -d : -f 2 >"$MNR_WORK/losses-$device"; done
  note "$(paste "$MNR_WORK/losses-cuda" "$MNR_WORK/losses-cpu" | awk '
    { d = ($1 - $2) / $2; if (d < 0) d = -d; if (NR <= 50 && d > early) early = d; if (d > most) most = d }
    END { printf "losses of the GPU and the CPU differ by at most %.1e of their size in the first 50 steps, %.1e in all %d", early, most, NR }')"
fi
[ "$status" -eq 0 ] || { echo "a run ended with exit code $status"; exit 1; }
[ -n "$MNR_GPU" ] || skip "no GPU (the quickstart ran on the CPU)"
