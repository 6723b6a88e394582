#!/bin/sh
# Installs NVRTC on Debian, as root: package libnvrtc11.2 of the component non-free, which is added to the sources where it is missing.
set -eu
for sources in /etc/apt/sources.list.d/*.sources; do
  [ ! -f "$sources" ] || sed -i '/^Components:/{/ non-free\( \|$\)/!s/$/ non-free/}' "$sources"
done
[ ! -f /etc/apt/sources.list ] || sed -i '/^deb /{/ non-free\( \|$\)/!s/$/ non-free/}' /etc/apt/sources.list
apt-get update -qq
apt-get install -y -qq --no-install-recommends libnvrtc11.2
