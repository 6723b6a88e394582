# Seeded models of known shapes, trained for some hundred steps in fp32 and bf16: the losses of the two have to stay together, and fall.
source "$(dirname "$0")/common.sh"
need_gpu
need_programs
# The losses of the last steps, on average, may differ by so much of fp32's; the batches and dropout's masks are the same.
readonly tolerance=0.05 last=20
status=0
note "| model | precision | steps | first loss | last loss | pairs a second | seconds a step |"
note "|---|---|---|---|---|---|---|"
runs=6
for shape in minilm bert-base; do
  for precision in fp32 tf32 bf16; do
    run="$MNR_WORK/models/$shape-$precision"
    mkdir -p "$run"
    cat >"$run/config.json" <<EOF
{
  "model": $(model_config "$shape"),
  "data": "$MNR_ROOT/examples/data/nli-entailment.tsv.gz",
  "device": "cuda", "precision": "$precision", "seed": 1,
  "batch_size": 64, "batch_sampler": "no_duplicates", "drop_last": true, "max_steps": 200,
  "learning_rate": 1e-4, "weight_decay": 0.01, "max_grad_norm": 1, "warmup_ratio": 0.1,
  "output": "run", "overwrite": true
}
EOF
    # What is left is shared out evenly among the runs that are to come; the kernels are compiled before any stage that needs them (warm-up.sh).
    share=$(($(left) / runs))
    runs=$((runs - 1))
    if within "$share" "$bin/MnrEngine" train "$run/config.json" >"$MNR_RESULTS/$shape-$precision.txt" 2>&1; then
      metrics="$run/run/metrics.jsonl"
      cp "$metrics" "$MNR_RESULTS/$shape-$precision.jsonl"
      seconds=$(grep -o '"seconds":[-+0-9.eE]*' "$metrics" | cut -d : -f 2 | sort -g | awk '{ s[NR] = $1 } END { printf "%.5f", s[int((NR + 1) / 2)] }')
      note "| $shape | $precision | 200 | $(value "$metrics" loss 1) | $(value "$metrics" loss) | $(awk "BEGIN { printf \"%.0f\", 64 / $seconds }") | $seconds (median) |"
      awk "BEGIN { exit !($(value "$metrics" loss) < $(value "$metrics" loss 1)) }" || { status=1; note "the loss of $shape in $precision did not fall"; }
    else
      status=1
      note "| $shape | $precision | failed or not done within $share s: $(last_line "$MNR_RESULTS/$shape-$precision.txt" | tr '|' '/') | | | | |"
    fi
  done
done

# average FILE: the mean loss of its last steps.
average() { losses "$1" | tail -n "$last" | awk '$1 == "nan" { sum = "nan" } sum != "nan" { sum += $1 } END { if (NR == 0) exit 1; if (sum == "nan") print sum; else printf "%.6g", sum / NR }'; }
echo >>"$MNR_NOTES"
for shape in minilm bert-base; do
  for precision in tf32 bf16; do
    if full=$(average "$MNR_RESULTS/$shape-fp32.jsonl" 2>/dev/null) && short=$(average "$MNR_RESULTS/$shape-$precision.jsonl" 2>/dev/null); then
      sentence="$shape: the last $last losses are $full on average in fp32 and $short in $precision"
      if awk "BEGIN { d = ($short - $full) / $full; exit !((d < 0 ? -d : d) <= $tolerance) }"; then
        note "$sentence"
      else
        note "**$sentence: more than $tolerance of it apart**"
        status=1
      fi
    fi
  done
done
[ "$status" -eq 0 ] || { echo "not all models were trained as they should; see the page"; exit 1; }
