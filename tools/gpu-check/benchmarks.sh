# Training steps and encoding, beside sentence-transformers: the same shapes, seeded weights, data, dropout, clipping and optimizer. Each row is written down as soon
# as it is measured, what is worth most first; a stage that has no time for all says how many rows it came to.
source "$(dirname "$0")/common.sh"
need_gpu
need_programs
readonly data="$MNR_ROOT/examples/data/nli-entailment.tsv.gz" peer=bench/peers/sentence_transformers_speed.py steps=40 sentences=4096
rows="$MNR_RESULTS/rows.jsonl"
plan="$MNR_RESULTS/plan.txt"
: >"$rows"
status=0

models=()
for shape in bert-base minilm; do models+=("$shape=$(seeded_model "$shape")"); done

# The kinds of ours: precision and batch size, and where encoding is timed as well.
readonly ours=("bf16 128 $sentences" "fp32 128 $sentences" "bf16 32 0" "tf32 128 0" "fp32 32 0" "tf32 32 0")
for kind in "${ours[@]}"; do
  for model in "${models[@]}"; do
    read -r precision batch encode <<<"$kind"
    printf 'ours\t%s\ttraining\t%s\t%s\n' "${model%%=*}" "$batch" "$precision"
    [ "$encode" = 0 ] || printf 'ours\t%s\tencoding\t%s\t%s\n' "${model%%=*}" "$batch" "$precision"
  done
done >"$plan"
has_peer=
if has_modules torch sentence_transformers; then
  has_peer=1
  python3 "$peer" "$data" "${models[@]}" --plan >>"$plan"
else
  note "sentence-transformers is not here: only ours is timed"
fi

# The table is written whatever happens, of the figures there are.
table() { python3 tools/gpu-check/benchmark_table.py "$MNR_RESULTS" >>"$MNR_NOTES" || note "figures in benchmarks/*"; }
trap table EXIT

for kind in "${ours[@]}"; do
  for model in "${models[@]}"; do
    read -r precision batch encode <<<"$kind"
    file="$MNR_RESULTS/engine-${model%%=*}-$precision-$batch"
    code=0
    within 60 "$bin/MnrEngine" bench "${model#*=}" "$data" --device cuda --precision "$precision" --batch-size "$batch" --steps "$steps" --encode "$encode" --json >"$file.json" 2>"$file.err" || code=$?
    case $code in
      0) ;;
      124 | 137 | 143) echo "no time was left for ${model%%=*} in $precision at batch $batch" ;;
      *)
        status=1
        note "**bench of ${model%%=*} in $precision at batch $batch: exit code $code**: $(last_line "$file.err")"
        ;;
    esac
    [ "$code" -eq 0 ] || rm "$file.json"
  done
done
if [ -n "$has_peer" ] && [ "$(left)" -gt 10 ]; then
  # It knows how long it may take; the limit is for what hangs.
  code=0
  within "$(left)" python3 "$peer" "$data" "${models[@]}" --rows "$rows" --seconds "$(($(left) - 4))" || code=$?
  case $code in
    0 | 124 | 137 | 143) ;;
    *) note "the peer ended with exit code $code; see benchmarks/log" ;;
  esac
fi
trap - EXIT
table
[ "$status" -eq 0 ] || { echo "a benchmark failed; see the page"; exit 1; }
read -r written planned <"$MNR_RESULTS/count.txt"
[ "$written" -gt 0 ] || { echo "no row was measured"; exit 1; }
[ "$written" -eq "$planned" ] || partial "$written of $planned rows"
