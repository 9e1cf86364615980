//! Mid-swings, found as soon as their window is whole.

use crate::filters::Kernel;

const CUTOFF_HZ: f64 = 5.0;
const GRID_HZ: f64 = 104.0;
const HALF_WINDOW_S: f64 = 0.35;
const THRESHOLD_RADPS: f32 = 2.617_993_9; // 150 deg/s
const RAW: usize = 16;
const FINE: usize = 256;
const SWING: usize = 512;

/// One position after the other is looked at, when all that decides it is there: 0.35 s and the kernels' 0.25 s later.
pub(crate) struct Swings {
    fine: Kernel,
    coarse: Kernel,
    step: u32,
    margin: u32,
    reach: u32,
    half_window: u32,
    first: u32,
    raw: [f32; RAW],
    fine_ring: [f32; FINE],
    swing_ring: [f32; SWING],
}

impl Swings {
    pub(crate) fn new(rate_hz: f64) -> Self {
        let step = ((rate_hz / GRID_HZ + 0.5) as usize).max(1);
        let coarse = Kernel::low_pass(CUTOFF_HZ, rate_hz / step as f64, 2);
        Self {
            fine: Kernel::triangle(step),
            coarse,
            step: step as u32,
            margin: step as u32 - 1,
            reach: step as u32 - 1 + coarse.half() as u32 * step as u32,
            half_window: libm::rint(HALF_WINDOW_S * rate_hz) as u32,
            first: 0,
            raw: [0.0; RAW],
            fine_ring: [0.0; FINE],
            swing_ring: [0.0; SWING],
        }
    }

    /// The stretch begins at `index`.
    pub(crate) fn restart(&mut self, index: u32) {
        self.first = index;
    }

    /// Take the flexion rate of sample `index`; the mid-swing that it decides, if it does.
    pub(crate) fn push(&mut self, index: u32, rate_radps: f32) -> Option<u32> {
        put(&mut self.raw, index, rate_radps);
        let age = index.wrapping_sub(self.first);
        if age < 2 * self.margin {
            return None;
        }
        let fine = index - self.margin;
        let value = self.fine.one_of_ring(&self.raw, fine, 1);
        put(&mut self.fine_ring, fine, value);
        if age < 2 * self.reach {
            return None;
        }
        let swing = index - self.reach;
        let value = self.coarse.one_of_ring(&self.fine_ring, swing, self.step);
        put(&mut self.swing_ring, swing, value);
        if age < 2 * (self.reach + self.half_window) {
            return None;
        }
        let at = swing - self.half_window;
        self.is_swing(at).then_some(at)
    }

    /// Above 150 deg/s and above all within the half window; the earlier of equals wins.
    fn is_swing(&self, at: u32) -> bool {
        let value = self.swing(at);
        if !(value > THRESHOLD_RADPS && value > self.swing(at - 1) && value >= self.swing(at + 1)) {
            return false;
        }
        (1..=self.half_window).all(|k| value > self.swing(at - k) && value >= self.swing(at + k))
    }

    fn swing(&self, index: u32) -> f32 {
        self.swing_ring
            .get(index as usize % SWING)
            .copied()
            .unwrap_or(0.0)
    }
}

fn put<const N: usize>(ring: &mut [f32; N], index: u32, value: f32) {
    if let Some(slot) = ring.get_mut(index as usize % N) {
        *slot = value;
    }
}
