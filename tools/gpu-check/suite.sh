# Every test of the operations on the GPU: the suite that also runs on the CPU and on the host build.
source "$(dirname "$0")/common.sh"
need_gpu
need_programs
status=0
MNR_KERNELS=cuda "$bin/MnrEngine.Kernels.Tests" --output Detailed >"$MNR_RESULTS/kernels.txt" 2>&1 || status=$?
grep -E '^ *(total|failed|succeeded|skipped|duration):' "$MNR_RESULTS/kernels.txt" >"$MNR_RESULTS/counts.txt" || true
quote "$MNR_RESULTS/counts.txt"
grep -E '^failed ' "$MNR_RESULTS/kernels.txt" | head -n 40 >"$MNR_RESULTS/failed.txt" || true
[ ! -s "$MNR_RESULTS/failed.txt" ] || quote "$MNR_RESULTS/failed.txt"
[ "$status" -eq 0 ] || { echo "the suite ended with exit code $status"; exit 1; }
