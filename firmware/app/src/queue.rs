//! The live queue: bounded, drops the oldest whole samples (PROTOCOL.md section 6.2).

use crate::imu::Counts;

/// Two seconds at 416 Hz, 10 kB.
pub const QUEUE_SAMPLES: usize = 832;

/// Samples `first ... first + len - 1` of the present boot.
pub struct Queue {
    samples: [Counts; QUEUE_SAMPLES],
    start: usize,
    n: usize,
    first: u32,
}

impl Queue {
    pub const fn new() -> Self {
        Self {
            samples: [[0; 6]; QUEUE_SAMPLES],
            start: 0,
            n: 0,
            first: 0,
        }
    }

    #[allow(clippy::len_without_is_empty)] // nobody asks
    pub const fn len(&self) -> usize {
        self.n
    }

    /// Index of the oldest sample.
    pub const fn first(&self) -> u32 {
        self.first
    }

    /// Empty, the next sample to come being `first`; how many were dropped.
    pub fn restart(&mut self, first: u32) -> u32 {
        let dropped = self.n as u32;
        (self.start, self.n, self.first) = (0, 0, first);
        dropped
    }

    /// Add the newest sample; how many old ones had to go (0 or 1).
    pub fn push(&mut self, counts: &Counts) -> u32 {
        let dropped = u32::from(self.n == QUEUE_SAMPLES);
        if dropped == 1 {
            self.pop();
        }
        if let Some(slot) = self.samples.get_mut((self.start + self.n) % QUEUE_SAMPLES) {
            *slot = *counts;
            self.n += 1;
        }
        dropped
    }

    pub fn pop(&mut self) -> Option<Counts> {
        if self.n == 0 {
            return None;
        }
        let oldest = self.samples.get(self.start).copied();
        self.start = (self.start + 1) % QUEUE_SAMPLES;
        self.n -= 1;
        self.first += 1;
        oldest
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self::new()
    }
}
