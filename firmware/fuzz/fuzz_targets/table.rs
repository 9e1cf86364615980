//! Tables of coefficients whose CRC-32 is right and whose content is not: refused, or strides are found.
#![no_main]

#[path = "../../strides/tests/forged/mod.rs"]
mod forged;
#[path = "../../strides/tests/running/mod.rs"]
mod running;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (cut, changes) = data.split_at(data.len().min(2));
    let cut = cut
        .iter()
        .fold(0, |all, byte| all * 256 + usize::from(*byte));
    let changes: Vec<_> = changes
        .chunks_exact(3)
        .map(|c| (u16::from_le_bytes([c[0], c[1]]), c[2]))
        .collect();
    let _ = forged::forged(&changes, cut);
});
