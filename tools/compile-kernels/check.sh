#!/usr/bin/env bash
# The compile check of CI: run.sh where NVRTC is or can be installed; 77 where it can't, with the reason. MNR_TRIES is how often installing it is tried (4), MNR_WAIT the seconds between.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tries=${MNR_TRIES:-4}
for ((try = 1; try <= tries; try++)); do
  if grep -q 'libnvrtc\.so\.' <<<"$(ldconfig -p)"; then
    exec "$here/run.sh"
  fi
  log=$("${MNR_INSTALL_NVRTC:-$here/install-nvrtc.sh}" 2>&1) && exec "$here/run.sh"
  echo "NVRTC could not be installed, try $try of $tries: $(tail -n 1 <<<"$log")" >&2
  [ "$try" -eq "$tries" ] || sleep "${MNR_WAIT:-15}"
done
echo "skipped: the kernels were not compiled for GPUs, since NVRTC is not here and could not be installed" >&2
exit 77
