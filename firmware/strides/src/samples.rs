//! The latest samples of one unbroken stretch, by index.

/// At 440 Hz the longest stride (2.0 s between mid-swings) with its surroundings has 1,219 samples.
pub(crate) const RING: usize = 1280;
const BRIDGES: usize = 8;

/// Counts as they come from the sensor: accelerations x, y, z, turn rates x, y, z.
pub(crate) type Counts = [i16; 6];

pub(crate) struct Samples {
    ring: [Counts; RING],
    /// Of the oldest sample that is held, and one past the newest.
    first: u32,
    end: u32,
    bridged: [(u32, u32); BRIDGES],
    next_bridge: usize,
}

impl Samples {
    pub(crate) const fn new() -> Self {
        Self {
            ring: [[0; 6]; RING],
            first: 0,
            end: 0,
            bridged: [(0, 0); BRIDGES],
            next_bridge: 0,
        }
    }

    /// Forget everything; the next sample is `index`.
    pub(crate) fn restart(&mut self, index: u32) {
        (self.first, self.end) = (index, index);
        self.bridged = [(0, 0); BRIDGES];
    }

    pub(crate) fn end(&self) -> u32 {
        self.end
    }

    pub(crate) fn last(&self) -> Option<Counts> {
        (self.first != self.end).then(|| self.at(self.end.wrapping_sub(1)))
    }

    pub(crate) fn push(&mut self, counts: Counts) {
        if let Some(slot) = self.ring.get_mut(self.end as usize % RING) {
            *slot = counts;
        }
        self.end = self.end.wrapping_add(1);
        if self.end.wrapping_sub(self.first) as usize > RING {
            self.first = self.first.wrapping_add(1);
        }
    }

    /// Whether samples [start, start + n) are all held.
    pub(crate) fn holds(&self, start: u32, n: usize) -> bool {
        start >= self.first && u64::from(start) + n as u64 <= u64::from(self.end)
    }

    pub(crate) fn at(&self, index: u32) -> Counts {
        self.ring
            .get(index as usize % RING)
            .copied()
            .unwrap_or_default()
    }

    /// `n` samples from `start` on, in order, in two pieces; as many as are held.
    pub(crate) fn pieces(&self, start: u32, n: usize) -> (&[Counts], &[Counts]) {
        let held = self.end.wrapping_sub(start) as usize;
        let n = n.min(held).min(RING);
        let (early, late) = self
            .ring
            .split_at_checked(start as usize % RING)
            .unwrap_or((&self.ring, &[]));
        match late.get(..n) {
            Some(all) => (all, &[]),
            None => (late, early.get(..n - late.len()).unwrap_or(&[])),
        }
    }

    /// Samples [start, stop) are no measurement.
    pub(crate) fn mark_bridged(&mut self, start: u32, stop: u32) {
        if let Some(slot) = self.bridged.get_mut(self.next_bridge % BRIDGES) {
            *slot = (start, stop);
        }
        self.next_bridge = (self.next_bridge + 1) % BRIDGES;
    }

    pub(crate) fn any_bridged(&self, start: i64, stop: i64) -> bool {
        self.bridged
            .iter()
            .any(|&(first, end)| i64::from(first) < stop && start < i64::from(end))
    }
}
