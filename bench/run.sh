#!/usr/bin/env bash
# Makes every figure of docs/performance.md's part on the CPU again, in one go: bench/run.sh [OUTPUT_FOLDER]
# The folder (out/bench by default) gets what each measurement printed, report.md with the tables, and charts. It takes more than twenty minutes on two cores, which should
# have nothing else to do. Two things can be missing: all-MiniLM-L6-v2, looked for in the folder that MNR_MODELS names (a model of its shape with random weights
# takes its place), and the PyTorch peer, which needs root (bench/peers/torch/run.sh says why); MNR_PEERS=no leaves it out.
# MNR_BENCH_STEPS is the number of steps timed of a small batch (20; half of it in each turn of the batch sizes).
set -euo pipefail
cd "$(dirname "$0")/.."
output=$(realpath -m "${1:-out/bench}")
steps=${MNR_BENCH_STEPS:-20}
data=examples/data/nli-entailment.tsv.gz
mkdir -p "$output"

say() { echo "$(date +%H:%M:%S) $*" >&2; }

say "building"
./build.sh publish >&2
dotnet build bench/Kernels -c Release -v q --nologo >&2
program=$PWD/out/publish/MnrEngine
kernels=bench/Kernels/bin/Release/net10.0/MnrEngine.Kernels.Bench

# random_model NAME HIDDEN LAYERS HEADS: a model of a shape with random weights.
random_model() {
  local folder=$output/models/$1
  [ -e "$folder/run/model" ] && return
  mkdir -p "$folder"
  cat >"$folder/config.json" <<EOF
{
  "model": {
    "new": { "vocabulary": "$PWD/examples/data/vocab/vocab.txt", "hidden_size": $2, "num_hidden_layers": $3, "num_attention_heads": $4, "intermediate_size": $((4 * $2)), "max_position_embeddings": 512 },
    "pooling": "mean", "max_seq_length": 256
  },
  "data": "$PWD/$data", "device": "cpu", "seed": 1, "batch_size": 2, "max_steps": 1, "output": "run", "overwrite": true
}
EOF
  "$program" train "$folder/config.json" >"$folder/log.txt" 2>&1 || { tail -n 3 "$folder/log.txt" >&2; exit 1; }
}

say "models"
minilm=${MNR_MODELS:-../shared/models}/all-MiniLM-L6-v2
if [ ! -e "$minilm/modules.json" ]; then
  random_model minilm 384 6 12
  minilm=$output/models/minilm/run/model
fi
random_model bert-base 768 12 12
bert=$output/models/bert-base/run/model

{
  date -u +%Y-%m-%dT%H:%M:%SZ
  git rev-parse HEAD
  grep -m 1 'model name' /proc/cpuinfo | cut -d : -f 2- || uname -m
  "$program" doctor
} >"$output/machine.txt"

say "starting"
echo "A man is eating food." >"$output/sentence.txt"
: >"$output/start.txt"
for _ in $(seq 15); do
  for what in help encode; do
    before=$(date +%s%N)
    if [ "$what" = help ]; then
      "$program" --help >/dev/null
    else
      "$program" encode "$minilm" "$output/sentence.txt" -o "$output/sentence.npy" >/dev/null
    fi
    echo "$what $((($(date +%s%N) - before) / 1000))" >>"$output/start.txt"
  done
done

say "matrix products"
# OpenBLAS knows processors by name and takes its AVX2 kernels on those that are younger than itself.
if [ -z "${OPENBLAS_CORETYPE:-}" ]; then
  if grep -q avx512_bf16 /proc/cpuinfo; then export OPENBLAS_CORETYPE=Cooperlake; elif grep -q avx512f /proc/cpuinfo; then export OPENBLAS_CORETYPE=SkylakeX; fi
fi
# Its threads wait for more work by spinning; for no longer than a third of a millisecond, or they would take a processor from ours, which is next.
export OPENBLAS_THREAD_TIMEOUT=20
"$kernels" gemm 1 1280 >"$output/gemm-1.txt"
"$kernels" gemm 0 1280 >"$output/gemm-all.txt"
"$kernels" gemm 0 301 >"$output/gemm-all-301.txt"
"$kernels" gemm 0 5999 >"$output/gemm-all-5999.txt"
OPENBLAS_CORETYPE=Haswell MNR_CPU_ISA=avx2 "$kernels" gemm 0 1280 >"$output/gemm-all-avx2.txt"

say "memory"
"$kernels" bandwidth >"$output/bandwidth.json"

say "steps"
"$program" bench "$minilm" $data --steps "$steps" --encode 2000 --breakdown --json >"$output/minilm-batch-32.json"
"$program" bench "$minilm" $data --steps $((steps / 2)) --encode 0 --batch-size 128 --json >"$output/minilm-batch-128.json"
"$program" bench "$bert" $data --steps $((steps / 2)) --encode 300 --breakdown --json >"$output/bert-base-batch-32.json"
"$program" bench "$bert" $data --steps 3 --encode 0 --batch-size 128 --json >"$output/bert-base-batch-128.json"

say "AVX2"
MNR_CPU_ISA=avx2 "$program" bench "$minilm" $data --steps $((steps / 2)) --encode 500 --json >"$output/minilm-avx2.json"

say "batch sizes"
# In turn, because what the neighbours of a shared machine do changes within minutes.
for turn in 1 2 3 4 5; do
  for batch in 16 32 64 128 256 512; do
    "$program" bench "$minilm" $data --steps $((batch < 256 ? steps / 2 : 4)) --encode 0 --batch-size $batch --json >"$output/minilm-batch-$batch-turn-$turn.json"
  done
done

say "threads"
processors=$(nproc)
for threads in $(seq "$processors") $((2 * processors)); do
  "$program" bench "$minilm" $data --steps "$steps" --encode 500 --threads "$threads" --json >"$output/minilm-threads-$threads.json"
done

say "tokenising"
bench/tokenizing.sh "$minilm" --json >"$output/tokenizing.json"

if [ "${MNR_PEERS:-}" != no ] && [ "$(id -u)" -eq 0 ]; then
  say "peer"
  for turn in 1 2 3; do
    "$program" bench "$minilm" $data --steps 10 --encode 500 --json >"$output/turn-$turn-ours.json"
    bench/peers/torch/run.sh "$minilm" $data --steps 10 --encode 500 >"$output/turn-$turn-torch.json"
  done
  bench/peers/torch/run.sh "$minilm" $data --steps 3 --encode 0 --pad 128 >"$output/torch-padded-to-128.json"
fi

say "report"
dotnet run -c Release --project bench/Report -- "$output"
