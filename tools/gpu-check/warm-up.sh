# What would otherwise be paid for inside a stage, done beside the first ones: warm-up.sh kernels, or peer.
source "$(dirname "$0")/common.sh"
# As long as this file is there, the part is at work, perhaps on the GPU.
touch "$MNR_WORK/warming-$1"
trap 'rm -f "$MNR_WORK/warming-$1"' EXIT
case $1 in
  kernels)
    # A run of one step has NVRTC compile the kernels and keeps them in MNR_CACHE.
    mkdir -p "$MNR_WORK/warm"
    echo "{ \"model\": $(model_config minilm), \"data\": \"$MNR_ROOT/examples/data/nli-entailment.tsv.gz\", \"device\": \"cuda\", \"precision\": \"bf16\", \"batch_size\": 2, \"max_steps\": 1, \"output\": \"run\", \"overwrite\": true }" >"$MNR_WORK/warm/config.json"
    "$bin/MnrEngine" train "$MNR_WORK/warm/config.json"
    note "warm-up, kernels: compiled in $((SECONDS - began)) s"
    ;;
  peer)
    has_modules torch sentence_transformers || { echo "no sentence-transformers here"; exit 0; }
    models=()
    for shape in bert-base minilm; do models+=("$shape=$(seeded_model "$shape")"); done
    nice python3 bench/peers/sentence_transformers_speed.py "$MNR_ROOT/examples/data/nli-entailment.tsv.gz" "${models[@]}" --prepare --seconds "$(left)"
    note "warm-up, torch's compiler: $((SECONDS - began)) s"
    ;;
esac
