# Where the time goes: by the engine's own events, and by Nsight where it is and may read counters.
source "$(dirname "$0")/common.sh"
need_gpu
need_programs
shape=bert-base
run="$MNR_WORK/profilers"
mkdir -p "$run"
for tool in /usr/local/cuda/bin /opt/nvidia/nsight-compute/*/ /opt/nvidia/nsight-systems/*/bin; do [ ! -d "$tool" ] || PATH="$PATH:$tool"; done
cat >"$run/config.json" <<EOF
{
  "model": $(model_config "$shape"), "data": "$MNR_ROOT/examples/data/nli-entailment.tsv.gz", "device": "cuda", "precision": "bf16",
  "batch_size": 128, "max_steps": 30, "learning_rate": 1e-4, "max_grad_norm": 1, "output": "run", "overwrite": true
}
EOF
"$bin/MnrEngine" train "$run/config.json" --trace "$MNR_RESULTS/trace.json" --trace-steps 20..25
"$bin/MnrEngine" bench "$run/run/model" "$MNR_ROOT/examples/data/nli-entailment.tsv.gz" --device cuda --precision bf16 --batch-size 128 --steps 20 --encode 0 --breakdown >"$MNR_RESULTS/breakdown.txt"
quote "$MNR_RESULTS/breakdown.txt"
if command -v nsys >/dev/null; then
  if timeout "$(($(left) / 2))" nsys profile --capture-range=cudaProfilerApi --capture-range-end=stop --trace=cuda,nvtx --output "$MNR_RESULTS/steps" "$bin/MnrEngine" train "$run/config.json" --profile steps=20..25 &&
    nsys stats --report cuda_gpu_kern_sum "$MNR_RESULTS/steps.nsys-rep" | head -n 60 >"$MNR_RESULTS/nsys.txt"; then
    note "Nsight Systems: profilers/steps.nsys-rep and nsys.txt"
  else
    note "Nsight Systems did not work here; see profilers/log"
  fi
fi
if command -v ncu >/dev/null; then
  if timeout "$(left)" ncu --profile-from-start off --target-processes all --launch-count 60 --section SpeedOfLight --section MemoryWorkloadAnalysis --section LaunchStats --section Occupancy \
    "$bin/MnrEngine" train "$run/config.json" --set max_steps=6 --profile steps=5..5 >"$MNR_RESULTS/ncu.txt"; then
    note "Nsight Compute, the first 60 launches of a step: profilers/ncu.txt"
  else
    note "Nsight Compute did not work here; see profilers/ncu.txt"
  fi
fi
