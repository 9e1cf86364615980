#!/usr/bin/env bash
# Builds the pod's images for Cortex-M4: `bash tools/firmware_board.sh qemu`, `xiao`, or both. Installs what is missing, with
# rustup or, when root, from Debian.
# `--needs` first: builds nothing, prints the Debian packages that are missing. `--as-is` first: installs nothing; exit code 3
# and one line when something is missing. `--lint`: the same, with clippy instead of building.
# The XIAO's images (nobody has run them) come out as out/never-run-on-hardware-xiao*.uf2.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/packages.sh

TARGET=thumbv7em-none-eabihf
DEBIAN_RUST=/usr/bin
mode=build
case "${1:-}" in --needs | --as-is | --lint) mode=${1#--} && shift ;; esac
[ $# -gt 0 ] || set -- none
for board in "$@"; do
  case $board in qemu | xiao) ;; *) echo "usage: firmware_board.sh [--needs | --as-is | --lint] qemu|xiao ..." >&2; exit 2 ;; esac
done

has_target() { compgen -G "$("$1" --print target-libdir --target "$TARGET" 2>/dev/null)/libcore-*.rlib" >/dev/null; }

# Sources of the compiler's own version: others do not build.
has_sources() {
  local at version
  at=$(readlink -f "$("$1" --print sysroot 2>/dev/null)/lib/rustlib/src/rust") || return 1
  [ -f "$at/library/core/src/lib.rs" ] || return 1
  version=$("$1" --version | cut -d' ' -f2)
  case "$at" in */rustc-*) [ "${at##*/rustc-}" = "$version" ] ;; esac
}

has_linker() {
  command -v ld.lld >/dev/null || compgen -G "$("$1" --print sysroot)/lib/rustlib/*/bin/rust-lld" >/dev/null
}

# Prints how to build: the folder of the compiler and `target` or `sources`. Fails when nothing fits.
way() {
  local rustc
  local compilers=()
  rustc=$(command -v rustc) && compilers+=("$rustc")
  [ ! -x "$DEBIAN_RUST/rustc" ] || [ "${rustc:-}" = "$DEBIAN_RUST/rustc" ] || compilers+=("$DEBIAN_RUST/rustc")
  [ ${#compilers[@]} -gt 0 ] || return 1
  for rustc in "${compilers[@]}"; do
    if has_target "$rustc"; then echo "$(dirname "$rustc") target" && return; fi
  done
  for rustc in "${compilers[@]}"; do
    if has_sources "$rustc" && has_linker "$rustc"; then echo "$(dirname "$rustc") sources" && return; fi
  done
  return 1
}

has_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] || compgen -G "/usr/lib/llvm-*/lib/libclang*.so*" >/dev/null ||
    [[ $(PATH="$PATH:/usr/sbin:/sbin" ldconfig -p 2>/dev/null) == *libclang.so* ]]
}

# One name a line. A missing target is first asked of rustup, where that is what brought the compiler.
missing() {
  if ! way >/dev/null; then
    if [[ $mode != as-is && $mode != lint ]] && command -v rustup rustc >/dev/null; then
      timeout 300 rustup target add "$TARGET" >/dev/null 2>&1 || true
    fi
    way >/dev/null || printf '%s\n' cargo-web rustc-web rust-web-src rust-web-clippy lld
  fi
  for board in "$@"; do
    case $board in
      qemu) command -v qemu-system-arm >/dev/null || echo qemu-system-arm ;;
      xiao)
        if ! has_libclang; then
          local version
          version=$(apt-cache depends libclang1 2>/dev/null | sed -n 's/.*Depends: libclang1-//p')
          printf '%s\n' "libclang1-${version:-14}" "libclang-common-${version:-14}-dev"
        fi
        ;;
    esac
  done
}

mapfile -t need < <(missing "$@")
case $mode in
  needs) [ ${#need[@]} = 0 ] || printf '%s\n' "${need[@]}" && exit 0 ;;
  as-is | lint)
    if [ ${#need[@]} -gt 0 ]; then
      echo "evenstride: the images for boards cannot be built, these packages are missing: ${need[*]}" >&2
      exit 3
    fi
    ;;
  build) install_packages "${need[@]}" ;;
esac
read -r folder kind < <(way) || { echo "evenstride: no Rust that can build for $TARGET was found (firmware/README.md)" >&2; exit 3; }

export PATH="$folder:$PATH" RUSTC="$folder/rustc"
if [ "$mode" = lint ] && ! cargo clippy --version >/dev/null 2>&1; then
  echo "evenstride: cargo clippy is missing, so the boards are not linted (Debian: rust-web-clippy)" >&2
  [ "${CI:-}" != true ] && exit 0 || exit 1
fi
options=(--quiet --locked --profile board --target "$TARGET")
if [ "$kind" = sources ]; then
  export RUSTC_BOOTSTRAP=1
  options+=(-Zbuild-std=core,alloc -Zbuild-std-features=compiler-builtins-mem)
  compgen -G "$(rustc --print sysroot)/lib/rustlib/*/bin/rust-lld" >/dev/null ||
    export CARGO_TARGET_THUMBV7EM_NONE_EABIHF_LINKER=ld.lld
fi
if [ -z "${LIBCLANG_PATH:-}" ]; then
  LIBCLANG_PATH=$(compgen -G "/usr/lib/llvm-*/lib/libclang*.so*" | sort -V | tail -1 | xargs -r dirname)
  [ -z "$LIBCLANG_PATH" ] && unset LIBCLANG_PATH || export LIBCLANG_PATH
fi

built=${CARGO_TARGET_DIR:-$PWD/firmware/target}/$TARGET/board
on_boards() { # OPTION OF CARGO...
  if [ "$mode" = lint ]; then
    (cd firmware && cargo clippy "${options[@]}" "$@" -- -D warnings)
  else
    (cd firmware && cargo build "${options[@]}" "$@")
  fi
}
xiao() { # UF2-FILE [OPTION OF CARGO]...
  on_boards --package board-xiao "${@:2}"
  [ "$mode" != lint ] || return 0
  mkdir -p out
  python3 tools/uf2.py "$built/board-xiao" "out/$1"
}
for board in "$@"; do
  case $board in
    # the boards ask different things of the same crates, so never both in one call
    qemu) on_boards --package board-qemu --package evenstride-count-m4 ;;
    xiao) # the one for the bootloader that boards come with is last: its ELF file stays
      xiao never-run-on-hardware-xiao-no-softdevice.uf2 --features no-softdevice
      xiao never-run-on-hardware-xiao-b.uf2 --features build-b
      xiao never-run-on-hardware-xiao.uf2
      ;;
  esac
done
