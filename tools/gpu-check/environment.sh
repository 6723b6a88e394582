# The machine and what is on it. Useful with no GPU as well: it says what is missing.
source "$(dirname "$0")/common.sh"
show() {
  echo "\$ $*"
  timeout 10 "$@" 2>&1 | head -n "${lines:-40}" || true
  echo
}
{
  show uname -a
  lines=25 show lscpu
  show free -g
  show df -h "$MNR_WORK"
  show nvidia-smi
  show nvidia-smi --query-gpu=index,name,compute_cap,clocks.max.sm,clocks.max.memory,power.limit,ecc.mode.current --format=csv
  show nvcc --version
  show cmake --version
  show g++ --version
  show python3 --version
  show dotnet --version
  for tool in ncu nsys compute-sanitizer cuobjdump; do command -v "$tool" && show "$tool" --version; done
  echo '$ libraries of CUDA that the loader knows'
  ldconfig -p 2>/dev/null | grep -E 'libcuda\.so|libcublasLt|libnvrtc|libcudart|libnccl' || true
  show find /usr/local /opt /usr/lib -maxdepth 7 "(" -name "libcublasLt.so*" -o -name "libnvrtc.so*" ")"
  # Versions without importing anything, which takes many seconds the first time.
  lines=3 show python3 -c 'from importlib.metadata import version; print(*(f"{p} {version(p)}" for p in ("torch", "transformers", "sentence-transformers")))'
} >"$MNR_RESULTS/environment.txt" 2>&1
note "GPU: ${MNR_GPU:-none was found, so that stages that need one are not run}"
if [ -x "$bin/MnrEngine" ]; then
  "$bin/MnrEngine" doctor >"$MNR_RESULTS/doctor.txt" 2>&1 || echo "doctor: exit code $?" >>"$MNR_RESULTS/doctor.txt"
  quote "$MNR_RESULTS/doctor.txt"
else
  note "no programs: carry out/gpu-bundle.tar.gz (./build.sh --gpu-bundle), or have .NET here"
fi
