//! Any bytes from the air, either direction: refused, or read and written as themselves.
#![no_main]

#[path = "../../protocol/tests/survives/mod.rs"]
mod survives;

libfuzzer_sys::fuzz_target!(|data: &[u8]| survives::survives(data));
