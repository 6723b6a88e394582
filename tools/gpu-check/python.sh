# A saved model in Python's libraries: the same embeddings as ours.
source "$(dirname "$0")/common.sh"
need_programs
need python3
has_modules sentence_transformers transformers numpy || skip "python3 has no sentence-transformers here"
model="$MNR_WORK/models/minilm-fp32/run/model"
# The stage that trains was left out or failed: one step makes a model as well.
[ -d "$model" ] || model=$(seeded_model minilm)
head -n 200 examples/data/stsb-en-dev.csv | cut -d , -f 1 >"$MNR_WORK/sentences.txt"
"$bin/MnrEngine" encode "$model" "$MNR_WORK/sentences.txt" -o "$MNR_WORK/embeddings.npy"
python3 tools/gpu-check/compare_embeddings.py "$model" "$MNR_WORK/sentences.txt" "$MNR_WORK/embeddings.npy" | tee "$MNR_RESULTS/compared.txt"
quote "$MNR_RESULTS/compared.txt"
