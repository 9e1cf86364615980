//! Where the image lies: behind the bootloader's SoftDevice S140 v7, or without one behind its MBR; the bootloader begins
//! at 0xF4000 (README).

use std::path::PathBuf;
use std::{env, fs};

const END: u32 = 0xF4000;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let bare = env::var_os("CARGO_FEATURE_NO_SOFTDEVICE").is_some();
    let origin: u32 = if bare { 0x1000 } else { 0x27000 };
    let length = END - origin;
    let memory = format!(
        "MEMORY {{\n  FLASH : ORIGIN = {origin:#x}, LENGTH = {length:#x}\n  RAM : ORIGIN = 0x20000008, LENGTH = 256K - 8\n}}\n"
    );
    fs::write(out.join("memory.x"), memory).expect("OUT_DIR is writable");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=--nmagic");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rerun-if-changed=build.rs");
}
