# Every test of the operations on the GPU: the suite that also runs on the CPU and on the host build. Those of the CPU's own parts have nothing to do with a GPU.
source "$(dirname "$0")/common.sh"
need_gpu
need_programs
[ -x "$bin/MnrEngine.Kernels.Tests" ] || skip "the programs have no MnrEngine.Kernels.Tests"
status=0
MNR_KERNELS=cuda within "$MNR_LIMIT" "$bin/MnrEngine.Kernels.Tests" --filter 'FullyQualifiedName!~MnrEngine.Kernels.Tests.Cpu.' --output Detailed >"$MNR_RESULTS/kernels.txt" 2>&1 || status=$?
grep -E '^ *(total|failed|succeeded|skipped|duration):' "$MNR_RESULTS/kernels.txt" >"$MNR_RESULTS/counts.txt" || true
[ ! -s "$MNR_RESULTS/counts.txt" ] || quote "$MNR_RESULTS/counts.txt"
grep -E '^failed ' "$MNR_RESULTS/kernels.txt" | head -n 40 >"$MNR_RESULTS/failed.txt" || true
[ ! -s "$MNR_RESULTS/failed.txt" ] || quote "$MNR_RESULTS/failed.txt"
case $status in
  0) ;;
  124 | 137)
    note "stopped; $(grep -c '^passed ' "$MNR_RESULTS/kernels.txt" || true) tests passed and $(grep -c '^failed ' "$MNR_RESULTS/kernels.txt" || true) failed until then"
    echo "the suite did not come to an end within its time"
    exit 1
    ;;
  *)
    echo "the suite ended with exit code $status"
    exit 1
    ;;
esac
