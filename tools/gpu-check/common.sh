# What the stages share; each sources it first. From tools/gpu-check.sh they have MNR_ROOT (the repository), MNR_WORK (to work in), MNR_RESULTS (what is put
# there is in the archive), MNR_NOTES (their part of the page), MNR_GPU (empty when there is none), MNR_LIMIT (their seconds) and
# the function last_line.
set -euo pipefail
cd "$MNR_ROOT"
bin="$MNR_WORK/bin"
began=$SECONDS
# A stage that is stopped still writes down what it has, in its EXIT trap.
trap 'exit 143' TERM

# skip REASON: the stage can't run here.
skip() {
  echo "$1"
  exit 77
}

# partial WHAT: the stage did as much of its work as it had time for, and nothing of that is wrong.
partial() {
  echo "partial: $1"
  exit 76
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
# has_modules NAME...: whether python3 has them; importing torch to see takes ten seconds.
has_modules() { python3 -c 'import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, sys.argv[1:])))' "$@" 2>/dev/null; }
need() { command -v "$1" >/dev/null || skip "no $1 here"; }

# left: seconds until the limit, less a margin to write things down.
left() { echo $((MNR_LIMIT - (SECONDS - began) - 3)); }

# within SECONDS COMMAND...: the command, for so long or as long as is left; 124 when it was stopped.
within() {
  local seconds=$1 most
  shift
  most=$(left)
  [ "$seconds" -le "$most" ] || seconds=$most
  [ "$seconds" -gt 0 ] || return 124
  timeout --kill-after=3 "$seconds" "$@"
}

# counts FILE: what a suite's output says of its tests.
counts() { grep -E '^ *(total|failed|succeeded|skipped):' "$1" | xargs; }

# tests SECONDS PROGRAM FILTER TEXT: tests of a suite on the GPU, noted. Fails when one failed, or when they did not come to an end.
tests() {
  local code=0 log="$MNR_RESULTS/$(echo "$4" | tr -c 'a-z0-9\n' '-' | cut -c 1-40).txt"
  if [ ! -x "$bin/$2" ]; then
    note "$4: did not run, the programs have no $2"
    return 0
  fi
  MNR_KERNELS=cuda within "$1" "$bin/$2" --filter "$3" --output Detailed >"$log" 2>&1 || code=$?
  case $code in
    0) note "$4: $(counts "$log")" ;;
    124 | 137) note "$4: **stopped** after $1 s or for want of time, $(grep -c '^passed ' "$log" || true) tests passed and $(grep -c '^failed ' "$log" || true) failed until then" ;;
    *) note "$4: **exit code $code**; $(counts "$log")" ;;
  esac
  grep '^failed ' "$log" | head -n 10 | while read -r line; do note "$line"; done || true
  [ "$code" -eq 0 ]
}

# losses FILE: the loss of each step of a metrics.jsonl, "nan" where it is null.
losses() { grep -o '"loss":[-+0-9.eE]*' "$1" | cut -d : -f 2 | sed 's/^$/nan/'; }

# model_config SHAPE: a new model of a known one's shape, as a config's "model".
model_config() {
  local sizes
  case "$1" in
    minilm) sizes='"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536' ;;
    bert-base) sizes='"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072' ;;
  esac
  echo "{ \"new\": { \"vocabulary\": \"$MNR_ROOT/examples/data/vocab/vocab.txt\", $sizes, \"max_position_embeddings\": 512 }, \"pooling\": \"mean\", \"max_seq_length\": 128 }"
}

# seeded_model SHAPE: the folder of a model of that shape with random weights, made once for all stages, on the CPU.
seeded_model() {
  local run="$MNR_WORK/seeded/$1"
  if [ ! -d "$run/run/model" ]; then
    mkdir -p "$run"
    echo "{ \"model\": $(model_config "$1"), \"data\": \"$MNR_ROOT/examples/data/nli-entailment.tsv.gz\", \"device\": \"cpu\", \"seed\": 1, \"batch_size\": 2, \"max_steps\": 1, \"output\": \"run\", \"overwrite\": true }" >"$run/config.json"
    "$bin/MnrEngine" train "$run/config.json" >"$run/log" 2>&1 || { cat "$run/log" >&2; return 1; }
  fi
  echo "$run/run/model"
}

# value FILE KEY [LINE]: a number of a line of metrics.jsonl that has the key, the last one by default.
value() { grep -o "\"$2\":[-+0-9.eE]*" "$1" | sed -n "${3:-\$}p" | cut -d : -f 2-; }
