# Training steps and encoding, beside PyTorch: the same shapes, seeded weights, data, dropout, clipping and optimizer.
source "$(dirname "$0")/common.sh"
need_gpu
need_programs
data="$MNR_ROOT/examples/data/nli-entailment.tsv.gz"
status=0
# The table is written whatever happens, of the figures there are.
table() { python3 tools/gpu-check/benchmark_table.py "$MNR_RESULTS" >>"$MNR_NOTES" 2>/dev/null || note "figures in benchmarks/*.json"; }
trap table EXIT
for shape in minilm bert-base; do
  model="$MNR_WORK/models/$shape-fp32/run/model"
  if [ ! -d "$model" ]; then
    mkdir -p "$MNR_WORK/bench-$shape"
    echo "{ \"model\": $(model_config "$shape"), \"data\": \"$data\", \"batch_size\": 8, \"max_steps\": 1, \"output\": \"run\", \"overwrite\": true }" >"$MNR_WORK/bench-$shape/config.json"
    "$bin/MnrEngine" train "$MNR_WORK/bench-$shape/config.json"
    model="$MNR_WORK/bench-$shape/run/model"
  fi
  for batch in 32 128; do
    for precision in fp32 tf32 bf16; do
      file="$MNR_RESULTS/engine-$shape-$precision-$batch"
      "$bin/MnrEngine" bench "$model" "$data" --device cuda --precision "$precision" --batch-size "$batch" --steps 100 --encode 0 --json >"$file.json" 2>"$file.err" || { status=1; cat "$file.err"; }
    done
    if python3 -c 'import torch, sentence_transformers, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
      timeout "$(left)" python3 bench/peers/sentence_transformers_steps.py "$model" "$data" --batch-size "$batch" --steps 50 --json "$MNR_RESULTS/peers-$shape-$batch.json" --seconds "$(($(left) / 4))" || echo "the peers of $shape at $batch: exit code $?"
    fi
  done
done
[ "$status" -eq 0 ] || { echo "a benchmark failed"; exit 1; }
