//! Mid-swings, found as soon as their window is whole.

use crate::arrays::{floor, vertex};
use crate::filters::Kernel;

const CUTOFF_HZ: f32 = 5.0;
const GRID_HZ: f32 = 104.0;
const HALF_WINDOW_S: f32 = 0.35;
const THRESHOLD_RADPS: f32 = 2.617_993_9; // 150 deg/s
const NEARLY: f32 = 0.9; // of the threshold: what is below it at two grid points is below the threshold between them
const RAW: usize = 256;
const GRID: usize = 128;
const PEAKS: usize = 8;

/// A mid-swing is the highest value of the 5 Hz-low-passed flexion rate within 0.35 s, above 150 deg/s.
///
/// The smoothed rate is computed at every `step`-th sample, dense enough for what is left below 5 Hz; around each of its
/// maxima also between them, so that a mid-swing is the very sample that the gateway finds. Two maxima whose windows
/// touch only at the edge are compared by the coarse values there.
pub(crate) struct Swings {
    fine: Kernel,
    coarse: Kernel,
    step: u32,
    margin: u32,
    reach: u32,
    half_window: u32,
    first: u32,
    raw: Ring<{ 2 * RAW }>,
    /// By position / step.
    fine_grid: Ring<{ 2 * GRID }>,
    swing_grid: [f32; GRID],
    peaks: [Peak; PEAKS],
    next_peak: usize,
}

/// A maximum that waits for its window; decided where `value` is 0.
#[derive(Clone, Copy)]
struct Peak {
    at: u32,
    value: f32,
    waits: bool,
}

const NO_PEAK: Peak = Peak {
    at: 0,
    value: 0.0,
    waits: false,
};

impl Swings {
    /// Nothing may be pushed before `set_rate`.
    pub(crate) const fn idle() -> Self {
        Self {
            fine: Kernel::NONE,
            coarse: Kernel::NONE,
            step: 0,
            margin: 0,
            reach: 0,
            half_window: 0,
            first: 0,
            raw: Ring::new(),
            fine_grid: Ring::new(),
            swing_grid: [0.0; GRID],
            peaks: [NO_PEAK; PEAKS],
            next_peak: 0,
        }
    }

    /// Another rate; a stretch must begin anew.
    pub(crate) fn set_rate(&mut self, rate_hz: f32) {
        let step = ((rate_hz / GRID_HZ + 0.5) as usize).max(1);
        self.fine = Kernel::triangle(step);
        self.coarse = Kernel::low_pass(CUTOFF_HZ, rate_hz / step as f32, 2);
        self.step = step as u32;
        self.margin = self.step - 1;
        self.reach = self.margin + self.coarse.half() as u32 * self.step;
        self.half_window = floor(HALF_WINDOW_S * rate_hz + 0.5) as u32;
    }

    /// The stretch begins at `index`.
    pub(crate) fn restart(&mut self, index: u32) {
        self.first = index;
        self.swing_grid = [0.0; GRID];
        self.peaks = [NO_PEAK; PEAKS];
    }

    /// Take the flexion rate of sample `index`; the mid-swing that it decides, if it does.
    pub(crate) fn push(&mut self, index: u32, rate_radps: f32) -> Option<u32> {
        self.raw.put(index, rate_radps);
        let age = index.wrapping_sub(self.first);
        // the fine position is a grid point where the coarse one is
        let fine = index.wrapping_sub(self.margin);
        if age < 2 * self.margin || fine % self.step != 0 {
            return None;
        }
        let value = self.fine.one(self.raw.around(fine, self.margin));
        self.fine_grid.put(fine / self.step, value);
        if age < 2 * self.reach {
            return None;
        }
        let at = index - self.reach;
        let around = self
            .fine_grid
            .around(at / self.step, self.coarse.half() as u32);
        let value = self.coarse.one(around);
        if let Some(slot) = self.swing_grid.get_mut((at / self.step) as usize % GRID) {
            *slot = value;
        }
        self.look_for_peak(at);
        self.decide(at)
    }

    /// Whether the last grid point but one is a maximum; then the highest sample around it waits for its window.
    fn look_for_peak(&mut self, at: u32) {
        let Some(top) = at.checked_sub(self.step) else {
            return;
        };
        let value = self.swing(top);
        if value < NEARLY * THRESHOLD_RADPS
            || value < self.swing(at)
            || value <= self.swing(top.saturating_sub(self.step))
        {
            return;
        }
        let mut best = Peak {
            at: top,
            value,
            waits: true,
        };
        // the parabola through the three grid points ends next to the highest sample
        let around = [
            self.swing(top.saturating_sub(self.step)),
            value,
            self.swing(at),
        ];
        let off = (vertex(&around, 1) - 1.0) * self.step as f32;
        let middle = top.saturating_add_signed(floor(off + 0.5));
        for near in middle
            .saturating_sub(1)
            .max((top + 1).saturating_sub(self.step))..=(middle + 1).min(at - 1)
        {
            let value = if near == top {
                value
            } else {
                self.between(near)
            };
            if value > best.value {
                (best.at, best.value) = (near, value);
            }
        }
        if best.value > THRESHOLD_RADPS {
            if let Some(slot) = self.peaks.get_mut(self.next_peak) {
                *slot = best;
            }
            self.next_peak = (self.next_peak + 1) % PEAKS;
        }
    }

    /// The smoothed rate at a position that is no grid point.
    fn between(&self, at: u32) -> f32 {
        let fine = |at: u32| self.fine.one(self.raw.around(at, self.margin));
        let mut off = 0;
        self.coarse.sum(fine(at), || {
            off += self.step;
            fine(at.wrapping_sub(off)) + fine(at.wrapping_add(off))
        })
    }

    /// The maximum whose window is whole with grid point `at`, where it is the highest in it.
    fn decide(&mut self, at: u32) -> Option<u32> {
        let due = |peak: &&mut Peak| peak.waits && at >= peak.at + self.half_window;
        let peak = self.peaks.iter_mut().find(due)?;
        peak.waits = false;
        let peak = *peak;
        // before that the window is not whole
        let whole = peak.at >= self.first + self.reach + self.half_window;
        (whole && self.is_swing(&peak)).then_some(peak.at)
    }

    fn is_swing(&self, peak: &Peak) -> bool {
        let higher = |other: &Peak| {
            let apart = other.at.abs_diff(peak.at);
            other.value > peak.value && apart > 0 && apart <= self.half_window
        };
        if self.peaks.iter().any(higher) {
            return false;
        }
        let grid = |position: u32| position / self.step;
        (grid(peak.at - self.half_window) + 1..=grid(peak.at + self.half_window)).all(|k| {
            let near = (k * self.step).abs_diff(peak.at) < self.step;
            near || self.swing(k * self.step) <= peak.value
        })
    }

    /// At a grid point.
    fn swing(&self, at: u32) -> f32 {
        self.swing_grid
            .get((at / self.step) as usize % GRID)
            .copied()
            .unwrap_or(0.0)
    }
}

/// The latest N / 2 values by index, each kept twice, so that any stretch of them lies in one piece.
struct Ring<const N: usize>([f32; N]);

impl<const N: usize> Ring<N> {
    const fn new() -> Self {
        Self([0.0; N])
    }

    fn put(&mut self, index: u32, value: f32) {
        let (one, other) = self.0.split_at_mut(N / 2);
        let at = index as usize % (N / 2);
        if let (Some(one), Some(other)) = (one.get_mut(at), other.get_mut(at)) {
            (*one, *other) = (value, value);
        }
    }

    /// 2 reach + 1 values, that of `at` in the middle.
    fn around(&self, at: u32, reach: u32) -> &[f32] {
        let start = at.wrapping_sub(reach) as usize % (N / 2);
        self.0
            .get(start..=start + 2 * reach as usize)
            .unwrap_or(&[])
    }
}
