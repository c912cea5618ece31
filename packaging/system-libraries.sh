#!/bin/sh
# The system libraries that Qt lacks on a bare Debian or Ubuntu: installed where that is allowed, else named in one line.
# Usage: system-libraries.sh offscreen|window
[ "$(uname -s)" = Linux ] || exit 0

have() { ldconfig -p 2>/dev/null | grep -q "$1" || ls /usr/lib/*/"$1"* /usr/lib/"$1"* /usr/lib64/"$1"* >/dev/null 2>&1; }

missing=""
need() { have "$1" || missing="$missing $2"; }

glib=libglib2.0-0
apt-cache show libglib2.0-0t64 >/dev/null 2>&1 && glib=libglib2.0-0t64
need libGL.so.1 libgl1
need libEGL.so.1 libegl1
need libglib-2.0.so.0 $glib
need libxkbcommon.so.0 libxkbcommon0
need libfontconfig.so.1 libfontconfig1
need libdbus-1.so.3 libdbus-1-3
if [ "$1" = window ]; then
  need libxkbcommon-x11.so.0 libxkbcommon-x11-0
  need libxcb-cursor.so.0 libxcb-cursor0
  need libxcb-icccm.so.4 libxcb-icccm4
  need libxcb-keysyms.so.1 libxcb-keysyms1
  need libxcb-shape.so.0 libxcb-shape0
fi
[ -n "$missing" ] || exit 0

if command -v apt-get >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ]; then sudo=""; elif sudo -n true 2>/dev/null; then sudo="sudo -n"; else sudo="no"; fi
  if [ "$sudo" != no ]; then
    echo "Installing the system libraries that Qt needs:$missing"
    $sudo apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null && exit 0
  fi
  echo "Qt needs system libraries that are missing. Install them with:  sudo apt-get install$missing" >&2
else
  echo "Qt needs system libraries that are missing; their Debian names are:$missing" >&2
fi
exit 1
