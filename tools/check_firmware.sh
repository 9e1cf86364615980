#!/usr/bin/env bash
# Format and lints of the firmware; with `build`, everything that the suite runs of it is compiled instead (the suite runs the
# crates' tests, too). Without cargo: says so, and with CI=true fails.
set -euo pipefail
cd "$(dirname "$0")/../firmware"

missing() {
  echo "evenstride: $1 is missing, so $2 (Debian: cargo-web rustc-web rustfmt-web rust-web-clippy)" >&2
  [ "${CI:-}" != true ]
}

if ! command -v cargo >/dev/null; then
  missing cargo "the firmware is not checked"
elif [ "${1:-}" = build ]; then
  cargo test --quiet --locked --no-run
  cargo build --quiet --locked --package evenstride-host-pod
  cargo build --quiet --locked --release --package evenstride-agree
else
  # a compiler may come without the formatter and the linter
  if cargo fmt --version >/dev/null 2>&1; then
    cargo fmt --check
    cargo fmt --check --manifest-path fuzz/Cargo.toml
  else
    missing "cargo fmt" "the format is not checked"
  fi
  if cargo clippy --version >/dev/null 2>&1; then
    cargo clippy --quiet --locked --all-targets -- -D warnings
  else
    missing "cargo clippy" "the firmware is not linted"
  fi
fi
