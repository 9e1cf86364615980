#!/usr/bin/env bash
# Fuzzes what a pod reads from the air: `bash tools/fuzz.sh SECONDS [TARGET...]`. Needs cargo and a C++ compiler; no cargo-fuzz
# (which works, too), no nightly. What it learns stays in firmware/fuzz/corpus, a finding in firmware/fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/../firmware/fuzz"
seconds=${1:?seconds for each target}
shift
[ $# -gt 0 ] || set -- air table pod
command -v cargo c++ >/dev/null || { echo "evenstride: cargo and a C++ compiler are needed (Debian: cargo-web rustc-web g++)" >&2; exit 1; }

mkdir -p corpus/{air,table,pod} artifacts
python3 - <<'PY'
import json
from pathlib import Path

for path in Path("../vectors").glob("*.json"):
    for number, entry in enumerate(json.loads(path.read_text(encoding="utf-8"))):
        Path(f"corpus/air/{path.stem}-{number}").write_bytes(bytes.fromhex(entry["hex"]))
PY

host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
cargo build --quiet --locked --release --target "$host" --bins
for target in "$@"; do
  echo "evenstride: fuzzing $target for $seconds s"
  "target/$host/release/$target" "corpus/$target" -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 \
    -artifact_prefix="artifacts/$target-" -verbosity=0
done
