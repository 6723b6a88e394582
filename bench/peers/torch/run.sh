#!/usr/bin/env bash
# Times the PyTorch peer: bench/peers/torch/run.sh MODEL_FOLDER DATA_FILE [the peer's options]
# libtorch 2.10 needs a newer libstdc++ than Debian 12 has, so the peer runs in a Debian 13 root of its own, made once with debootstrap
# (as root; 300 MB, and 560 MB for the peer) in the folder that MNR_PEER_ROOT names, otherwise out/peers/trixie.
# MNR_DEBIAN_MIRROR names another mirror than debootstrap's own.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../../.." && pwd)
root=${MNR_PEER_ROOT:-$repository/out/peers/trixie}

if [ $# -lt 2 ]; then
  echo "usage: bench/peers/torch/run.sh MODEL_FOLDER DATA_FILE [--batch-size N] [--steps N] [--encode N] [--threads N] [--pad LENGTH] [--check]" >&2
  exit 2
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "the peer runs in a chroot, which needs root" >&2
  exit 2
fi
model=$1 data=$2
shift 2

if [ ! -e "$root/made" ]; then
  command -v debootstrap >/dev/null || apt-get install -y -q debootstrap
  rm -rf "$root"
  mkdir -p "$root"
  debootstrap --variant=minbase --include=libgomp1,libstdc++6 trixie "$root" ${MNR_DEBIAN_MIRROR:+"$MNR_DEBIAN_MIRROR"} >&2
  touch "$root/made"
fi

dotnet publish "$here" -c Release -v q --nologo -o "$root/peer" >&2
mkdir -p "$root/model" "$root/data"
cp -rL "$model/." "$root/model/"
cp -L "$data" "$root/data/"
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
trap 'umount "$root/proc"' EXIT
chroot "$root" /peer/torch-peer /model "/data/$(basename "$data")" "$@"
