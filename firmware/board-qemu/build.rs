//! QEMU's mps2-an386: code from 0, memory from 0x20000000, of which only as much is used as the XIAO has: a stack that does
//! not fit fails here, too.

use std::path::PathBuf;
use std::{env, fs};

const MEMORY: &str = "MEMORY {
  FLASH : ORIGIN = 0x0, LENGTH = 4M
  RAM : ORIGIN = 0x20000000, LENGTH = 256K - 8
}
";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("memory.x"), MEMORY).expect("OUT_DIR is writable");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=--nmagic");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rerun-if-changed=build.rs");
}
