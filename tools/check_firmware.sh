#!/usr/bin/env bash
# Format and lints of the firmware; with `test`, its tests instead. Without cargo: says so, and with CI=true fails.
set -euo pipefail
cd "$(dirname "$0")/../firmware"

missing() {
  echo "evenstride: $1 is missing, so $2 (Debian: cargo-web rustc-web rustfmt-web rust-web-clippy)" >&2
  [ "${CI:-}" != true ]
}

if ! command -v cargo >/dev/null; then
  missing cargo "the firmware is not checked"
elif [ "${1:-}" = test ]; then
  cargo test --quiet --locked
else
  # a compiler may come without the formatter and the linter
  if cargo fmt --version >/dev/null 2>&1; then cargo fmt --check && (cd fuzz && cargo fmt --check); else missing "cargo fmt" "the format is not checked"; fi
  if cargo clippy --version >/dev/null 2>&1; then
    cargo clippy --quiet --locked --all-targets -- -D warnings
  else
    missing "cargo clippy" "the firmware is not linted"
  fi
fi
