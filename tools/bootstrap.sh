#!/usr/bin/env bash
# Makes .venv from requirements.lock. Needs git, make and Python >= 3.11; installs missing system packages when root.
# With `test` also what the tests need: a browser, databases, Rust, QEMU and what the firmware's images for boards take.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/packages.sh

need=()
command -v python3 >/dev/null || need+=(python3)
python3 -c 'import ensurepip, venv' 2>/dev/null || need+=(python3-venv)
# /sbin is not on the path of an ordinary Debian user; the lists are read whole, so that no pipe breaks
libraries=$(PATH="$PATH:/usr/sbin:/sbin" ldconfig -p 2>/dev/null || true)
[[ $libraries == *libpango-1.0.so* ]] || need+=(libpango-1.0-0)
[[ $libraries == *libpangoft2-1.0.so* ]] || need+=(libpangoft2-1.0-0)
[[ $libraries == *libharfbuzz-subset.so* ]] || need+=(libharfbuzz-subset0)
fonts=$(fc-list 2>/dev/null || true)
[[ $fonts == *[Dd]eja[Vv]u* || $fonts == *Liberation* ]] || need+=(fontconfig fonts-dejavu-core)
if [ "${1:-}" = test ]; then # tests drive a real browser and turn the PDF into pictures
  command -v chromium >/dev/null || need+=(chromium)
  command -v pdftoppm >/dev/null || need+=(poppler-utils)
  [ -n "$(PATH="$PATH:/usr/sbin" command -v influxd)" ] || need+=(influxdb)
  [ -n "$(PATH="$PATH:/usr/sbin" command -v mosquitto)" ] || need+=(mosquitto)
  command -v cargo >/dev/null || need+=(cargo-web rustc-web rustfmt-web rust-web-clippy)
  mapfile -t -O ${#need[@]} need < <(bash tools/firmware_board.sh --needs qemu xiao)
fi
install_packages "${need[@]}"

python3 - <<'PY' || { echo "evenstride: Python 3.11 or newer is needed" >&2; exit 1; }
import sys
sys.exit(sys.version_info < (3, 11))
PY

stamp=$(cat requirements.lock pyproject.toml | sha256sum | cut -d' ' -f1)
if [ ! -x .venv/bin/python ] || [ "$(cat .venv/.stamp 2>/dev/null)" != "$stamp" ]; then
  echo "evenstride: making .venv (once, about a minute)"
  python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
  echo "$stamp" >.venv/.stamp
fi
