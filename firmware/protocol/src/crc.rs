//! CRC-32 of tables and images (IEEE 802.3, reflected, as zlib).

const POLYNOMIAL: u32 = 0xEDB8_8320;
const BY_NIBBLE: [u32; 16] = nibbles();

const fn nibbles() -> [u32; 16] {
    let mut table = [0; 16];
    let mut k = 0;
    while k < 16 {
        let mut rest = k as u32;
        let mut bit = 0;
        while bit < 4 {
            rest = if rest & 1 == 1 {
                rest >> 1 ^ POLYNOMIAL
            } else {
                rest >> 1
            };
            bit += 1;
        }
        #[allow(clippy::indexing_slicing)] // a constant: the compiler would refuse it
        {
            table[k] = rest;
        }
        k += 1;
    }
    table
}

/// A CRC-32 that takes its bytes in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crc32(u32);

impl Crc32 {
    pub const fn new() -> Self {
        Self(!0)
    }

    pub fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let mut rest = self.0 ^ u32::from(*byte);
            for _ in 0..2 {
                rest = rest >> 4 ^ BY_NIBBLE.get((rest & 15) as usize).copied().unwrap_or(0);
            }
            self.0 = rest;
        }
    }

    pub const fn value(&self) -> u32 {
        !self.0
    }
}

impl Default for Crc32 {
    fn default() -> Self {
        Self::new()
    }
}

/// Of all bytes at once.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc32::new();
    crc.push(bytes);
    crc.value()
}
