//! A pod, its flash and a host to which anything happens.
#![no_main]

#[path = "../../app/tests/world/mod.rs"]
mod world;

libfuzzer_sys::fuzz_target!(|data: &[u8]| world::anything::anything(data));
