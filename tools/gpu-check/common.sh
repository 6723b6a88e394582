# What the stages share; each sources it first. From tools/gpu-check.sh they have MNR_ROOT (the repository), MNR_WORK (to work in), MNR_RESULTS (what is put
# there is in the archive), MNR_NOTES (their part of the page), MNR_GPU (empty when there is none) and MNR_LIMIT (their seconds).
set -euo pipefail
cd "$MNR_ROOT"
bin="$MNR_WORK/bin"
began=$SECONDS

# skip REASON: the stage can't run here.
skip() {
  echo "$1"
  exit 77
}

# note TEXT: an item of the page's list, or a row of a table.
note() {
  case "$1" in
    '|'*) echo "$1" ;;
    *) echo "- $1" ;;
  esac | tee -a "$MNR_NOTES"
}

# quote FILE: a listing on the page.
quote() {
  {
    echo
    echo '```text'
    cat "$1"
    echo '```'
    echo
  } >>"$MNR_NOTES"
}

need_gpu() { [ -n "$MNR_GPU" ] || skip "no GPU"; }
need_programs() { [ -x "$bin/MnrEngine" ] || skip "no programs: carry out/gpu-bundle.tar.gz (./build.sh --gpu-bundle), or have .NET here"; }
need() { command -v "$1" >/dev/null || skip "no $1 here"; }

# left: seconds until the limit, less a margin to write things down.
left() { echo $((MNR_LIMIT - (SECONDS - began) - 3)); }

# model_config SHAPE: a new model of a known one's shape, as a config's "model".
model_config() {
  local sizes
  case "$1" in
    minilm) sizes='"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536' ;;
    bert-base) sizes='"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072' ;;
  esac
  echo "{ \"new\": { \"vocabulary\": \"$MNR_ROOT/examples/data/vocab/vocab.txt\", $sizes, \"max_position_embeddings\": 512 }, \"pooling\": \"mean\", \"max_seq_length\": 128 }"
}

# value FILE KEY [LINE]: a number of a line of metrics.jsonl that has the key, the last one by default.
value() { grep -o "\"$2\":[-+0-9.eE]*" "$1" | sed -n "${3:-\$}p" | cut -d : -f 2-; }
