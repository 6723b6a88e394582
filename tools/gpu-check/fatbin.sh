# nvcc, through CMakeLists.txt: machine code for all generations that it knows, registers, shared memory and spills of each kernel, and a run with it.
source "$(dirname "$0")/common.sh"
[ -x /usr/local/cuda/bin/nvcc ] && PATH="$PATH:/usr/local/cuda/bin"
need nvcc
need cmake
cmake -S . -B "$MNR_WORK/native" -DCMAKE_BUILD_TYPE=Release "-DMNR_NVCC_FLAGS=${MNR_NVCC_FLAGS:-}"
cmake --build "$MNR_WORK/native" --parallel
note "kernels.fatbin: $(stat -c %s "$MNR_WORK/native/kernels.fatbin") bytes by $(nvcc --version | grep -o 'release [0-9.]*'), in $((SECONDS - began)) s, no warning"
if command -v cuobjdump >/dev/null; then
  cuobjdump --list-elf --list-ptx "$MNR_WORK/native/kernels.fatbin" | tee "$MNR_RESULTS/contents.txt"
  cuobjdump -res-usage "$MNR_WORK/native/kernels.fatbin" >"$MNR_RESULTS/resources.txt" 2>&1
  note "for $(grep -oE 'sm_[0-9]+' "$MNR_RESULTS/contents.txt" | sort -u | tr '\n' ' ')"
  note "$(grep -c 'Function ' "$MNR_RESULTS/resources.txt") kernels in all; registers, stack and shared memory of each in fatbin/resources.txt; the largest stack frame is $(grep -oE 'STACK:[0-9]+' "$MNR_RESULTS/resources.txt" | cut -d : -f 2 | sort -n | tail -n 1) bytes"
fi
if [ -n "$MNR_GPU" ] && [ -x "$bin/MnrEngine" ]; then
  # The engine looks beside its own program, so it gets one of its own.
  cp -rL "$bin" "$MNR_WORK/bin-fatbin"
  cp "$MNR_WORK"/native/kernels.fatbin* "$MNR_WORK"/native/*mnr_nvtx* "$MNR_WORK/bin-fatbin/" 2>/dev/null || cp "$MNR_WORK"/native/kernels.fatbin* "$MNR_WORK/bin-fatbin/"
  "$MNR_WORK/bin-fatbin/MnrEngine" train examples/quickstart.json --set device=cuda --set max_steps=20 --set evaluation.every_steps=null --set "evaluation.sts=[]" --set "output=$MNR_WORK/fatbin-run" | tee "$MNR_RESULTS/train.txt"
  grep -q 'kernels of kernels.fatbin' "$MNR_RESULTS/train.txt" || { echo "the engine did not take its kernels from kernels.fatbin"; exit 1; }
  note "20 steps of the quickstart ran with it"
fi
