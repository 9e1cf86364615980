//! Lives that nobody thought of: a pod, its flash and a host at random, with a seed. The fuzzer (`firmware/fuzz`, target
//! `pod`) plays the same with what it learns of the code.

mod world;

use world::anything::anything;

const LIVES: u64 = 300;

/// The same bytes on every machine.
fn life(seed: u64) -> Vec<u8> {
    let mut state = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let n = next() % 900;
    (0..n).map(|_| (next() >> 32) as u8).collect()
}

#[test]
fn whatever_happens_to_a_pod() {
    for seed in 0..LIVES {
        let bytes = life(seed);
        let lived = std::panic::catch_unwind(|| anything(&bytes));
        assert!(lived.is_ok(), "life {seed}");
    }
}
