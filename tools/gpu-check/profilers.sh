# Where the time goes: by the engine's own events, and by Nsight where it is and may read counters.
source "$(dirname "$0")/common.sh"
need_gpu
need_programs
shape=bert-base
run="$MNR_WORK/profilers"
mkdir -p "$run"
# The last has the nsys that Nsight Compute brings along.
for tool in /usr/local/cuda/bin /opt/nvidia/nsight-compute/*/ /opt/nvidia/nsight-systems/*/bin /opt/nvidia/nsight-compute/*/host/target-linux-x64; do [ ! -d "$tool" ] || PATH="$PATH:$tool"; done
cat >"$run/config.json" <<EOF
{
  "model": $(model_config "$shape"), "data": "$MNR_ROOT/examples/data/nli-entailment.tsv.gz", "device": "cuda", "precision": "bf16",
  "batch_size": 128, "max_steps": 30, "learning_rate": 1e-4, "max_grad_norm": 1, "output": "run", "overwrite": true
}
EOF
"$bin/MnrEngine" train "$run/config.json" --trace "$MNR_RESULTS/trace.json" --trace-steps 20..25
"$bin/MnrEngine" bench "$run/run/model" "$MNR_ROOT/examples/data/nli-entailment.tsv.gz" --device cuda --precision bf16 --batch-size 128 --steps 20 --encode 0 --breakdown >"$MNR_RESULTS/breakdown.txt"
quote "$MNR_RESULTS/breakdown.txt"

# NVTX's ranges need their library, which is fatbin's or made now.
native="$MNR_WORK/native"
[ -f "$native/libmnr_nvtx.so" ] || { cmake -S . -B "$native" -DCMAKE_BUILD_TYPE=Release && cmake --build "$native" --target mnr_nvtx; } || true
[ -f "$native/libmnr_nvtx.so" ] || note "NVTX: the library of ranges could not be built here; see profilers/log"

# with_ranges COMMAND...: with the library of ranges, where it is.
with_ranges() { LD_LIBRARY_PATH="$native${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$@"; }

# What there was no time for.
late=""

# finish: the end of the stage, which says what it lacks.
finish() {
  [ -z "$late" ] || partial "no time was left for $late"
  exit 0
}

if command -v nsys >/dev/null; then
  report="$MNR_RESULTS/steps"
  code=0
  with_ranges within "$(($(left) / 3))" nsys profile --trace=cuda,nvtx --sample=none --cpuctxsw=none --capture-range=cudaProfilerApi --capture-range-end=stop --output "$report" \
    "$bin/MnrEngine" train "$run/config.json" --profile steps=20..25 || code=$?
  if [ "$code" -eq 124 ] || [ "$code" -eq 137 ]; then
    late="nsys"
  elif [ -f "$report.nsys-rep" ] && within "$(($(left) / 3))" nsys stats --report nvtx_gpu_proj_sum --report cuda_gpu_kern_sum "$report.nsys-rep" >"$MNR_RESULTS/nsys.txt"; then
    note "Nsight Systems: profilers/steps.nsys-rep and nsys.txt"
  elif [ -f "$report.qdstrm" ]; then
    note "Nsight Systems recorded profilers/steps.qdstrm, of which it could make no report here; see profilers/log"
  else
    note "Nsight Systems did not work here; see profilers/log"
  fi
fi

command -v ncu >/dev/null || { note "Nsight Compute is not here"; finish; }
code=0
within "$(($(left) * 2 / 3))" ncu --clock-control none --profile-from-start off --target-processes all --launch-count 40 --section SpeedOfLight --section MemoryWorkloadAnalysis --section LaunchStats --section Occupancy \
  "$bin/MnrEngine" train "$run/config.json" --set max_steps=6 --profile steps=5..5 >"$MNR_RESULTS/ncu.txt" || code=$?
case $code in
  0) note "Nsight Compute, the first 40 launches of a step: profilers/ncu.txt" ;;
  124 | 137) partial "no time was left for ${late:+$late, }ncu and its ranges of NVTX" ;;
  *)
    note "Nsight Compute did not work here; see profilers/ncu.txt"
    finish
    ;;
esac

# NVTX: nothing but what one operation launches is to be left when ncu takes a range of ours alone.
[ -f "$native/libmnr_nvtx.so" ] || finish
code=0
with_ranges within "$(left)" ncu --clock-control none --nvtx --nvtx-include 'MnrEngine@backward/*/AttentionBackward]' --target-processes all --launch-count 8 --metrics gpu__time_duration.sum \
  "$bin/MnrEngine" train "$run/config.json" --set max_steps=3 >"$MNR_RESULTS/nvtx.txt" || code=$?
case $code in
  0) ;;
  124 | 137) partial "no time was left for ${late:+$late, }ncu with ranges of NVTX" ;;
  *)
    note "**NVTX: ncu ended with exit code $code**: $(last_line "$MNR_RESULTS/nvtx.txt")"
    echo "ncu failed with ranges, though it worked without"
    exit 1
    ;;
esac
# "  attention_row_dots_bf16 (1, 1, 1)x(256, 1, 1), Context 1, ..."
grep -oE '^ +[A-Za-z_][A-Za-z0-9_]* \([0-9]+, [0-9]+, [0-9]+\)x\(' "$MNR_RESULTS/nvtx.txt" | awk '{ print $1 }' >"$MNR_RESULTS/nvtx-kernels.txt" || true
inside=$(wc -l <"$MNR_RESULTS/nvtx-kernels.txt")
others=$(grep -vE '^(attention_|zero_spare_rows)' "$MNR_RESULTS/nvtx-kernels.txt" | sort -u | xargs || true)
note "NVTX: ncu took $inside launches in the range backward > AttentionBackward of the domain MnrEngine: $(sort -u "$MNR_RESULTS/nvtx-kernels.txt" | xargs)"
[ "$inside" -gt 0 ] || { echo "no launch lay in a range of NVTX"; exit 1; }
[ -z "$others" ] || { echo "launches of other operations lay in AttentionBackward's range: $others"; exit 1; }
finish
