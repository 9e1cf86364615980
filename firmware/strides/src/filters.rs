//! Finite-support zero-lag low-passes, designed as on the gateway (`filters.py`).
//!
//! The design runs once, at a rate: some 30,000 multiplications.

use crate::arrays::{ceil, part};
use crate::loose::Waves;

/// Taps on one side of the longest kernel: 10 Hz at 440 Hz.
pub(crate) const MAX_HALF: usize = 56;
const SUPPORT_CYCLES: f32 = 1.25;
const HIGHEST_FRACTION: f32 = 0.4;

/// A symmetric kernel (2 half + 1 taps): the middle and one side.
#[derive(Clone, Copy)]
pub(crate) struct Kernel {
    taps: [f32; MAX_HALF + 1],
    half: usize,
}

impl Kernel {
    pub(crate) const NONE: Self = Self {
        taps: [0.0; MAX_HALF + 1],
        half: 0,
    };

    pub(crate) fn half(&self) -> i32 {
        self.half as i32
    }

    fn sides(&self) -> (f32, &[f32]) {
        match self.taps.get(..=self.half) {
            Some([middle, side @ ..]) => (*middle, side),
            _ => (0.0, &[]),
        }
    }

    /// Taps with sum 1 from those of one side, the middle first.
    fn normalised(half: usize, side: impl Fn(usize) -> f32) -> Self {
        let half = half.min(MAX_HALF);
        let mut taps = [0.0; MAX_HALF + 1];
        let mut sum = 0.0;
        for (k, tap) in taps.iter_mut().enumerate().take(half + 1) {
            *tap = side(k);
            sum += if k == 0 { *tap } else { 2.0 * *tap };
        }
        for tap in &mut taps {
            *tap /= sum;
        }
        Self { taps, half }
    }

    /// Butterworth of `order` 1 or 2 per pass, two passes.
    #[inline(never)]
    pub(crate) fn low_pass(cutoff_hz: f32, rate_hz: f32, order: u8) -> Self {
        if cutoff_hz >= HIGHEST_FRACTION * rate_hz {
            return Self::normalised(0, |_| 1.0);
        }
        let half = (ceil(SUPPORT_CYCLES * rate_hz / cutoff_hz) as usize).min(MAX_HALF);
        let mut response = [0.0; 4 * MAX_HALF];
        let response = response.get_mut(..4 * half).unwrap_or(&mut []);
        butterworth(cutoff_hz / rate_hz, order, response);
        let response = &*response;
        Self::normalised(half, |lag| {
            let later = response.get(lag..).unwrap_or(&[]);
            response.iter().zip(later).map(|(a, b)| a * b).sum()
        })
    }

    /// A triangle of two means over `step` samples.
    pub(crate) fn triangle(step: usize) -> Self {
        Self::normalised(step - 1, |k| (step - k) as f32)
    }

    /// A Gaussian cut off at `half` samples.
    pub(crate) fn gaussian(sd_samples: f32, half: usize) -> Self {
        Self::normalised(half, |k| {
            let off = k as f32 / sd_samples;
            libm::expf(-0.5 * off * off)
        })
    }

    /// Each value of `out` from its own neighbourhood: out[k] belongs to signal[k + half]. As many as the signal allows.
    pub(crate) fn smooth(&self, signal: &[f32], out: &mut [f32]) {
        for (around, value) in signal.windows(2 * self.half + 1).zip(out) {
            *value = self.one(around);
        }
    }

    /// `smooth` for a kernel of few taps: tap by tap instead of value by value.
    pub(crate) fn smooth_short(&self, signal: &[f32], out: &mut [f32]) {
        let (middle, side) = self.sides();
        let values = || signal.get(self.half..).unwrap_or(&[]).iter();
        let n = signal.len().saturating_sub(2 * self.half);
        let out = out.get_mut(..n).unwrap_or(&mut []);
        for (value, here) in out.iter_mut().zip(values()) {
            *value = middle * here;
        }
        for (k, tap) in side.iter().enumerate() {
            let left = signal.get(self.half - 1 - k..).unwrap_or(&[]);
            let right = signal.get(self.half + 1 + k..).unwrap_or(&[]);
            for ((value, left), right) in out.iter_mut().zip(left).zip(right) {
                *value += tap * (left + right);
            }
        }
    }

    /// The middle's value of 2 half + 1 values. Four pairs at a time, since a loop costs more than a multiplication.
    pub(crate) fn one(&self, around: &[f32]) -> f32 {
        let (middle, side) = self.sides();
        let (before, rest) = around.split_at_checked(self.half).unwrap_or((&[], &[]));
        let (here, after) = rest.split_first().unwrap_or((&0.0, &[]));
        let mut sum = middle * here;
        let fours = side.chunks_exact(4);
        let (lefts, rights) = (before.rchunks_exact(4), after.chunks_exact(4));
        let last = fours.remainder().iter().zip(lefts.remainder().iter().rev());
        for ((tap, left), right) in last.zip(rights.remainder()) {
            sum += tap * (left + right);
        }
        for ((taps, left), right) in fours.zip(lefts).zip(rights) {
            if let ([a, b, c, d], [s, r, q, p], [w, x, y, z]) = (taps, left, right) {
                sum += a * (p + w);
                sum += b * (q + x);
                sum += c * (r + y);
                sum += d * (s + z);
            }
        }
        sum
    }

    /// The middle's value from the middle one, and pair by pair, outwards, the sum of the two beside it.
    pub(crate) fn sum(&self, middle: f32, mut pair: impl FnMut() -> f32) -> f32 {
        let (tap, side) = self.sides();
        let mut sum = tap * middle;
        for tap in side {
            sum += tap * pair();
        }
        sum
    }

    /// Smooths the positions [start, stop) of `signal` into `out`.
    pub(crate) fn smooth_part(&self, signal: &[f32], start: i32, stop: i32, out: &mut [f32]) {
        let half = self.half();
        self.smooth(part(signal, start - half, stop + half), out);
    }
}

/// Impulse response of a Butterworth low-pass of order 1 or 2 (bilinear transform).
fn butterworth(cycles_per_sample: f32, order: u8, response: &mut [f32]) {
    let warped = libm::tanf(core::f32::consts::PI * cycles_per_sample);
    let (feed, a1, a2) = if order == 1 {
        let b = warped / (1.0 + warped);
        ([b, b, 0.0], (warped - 1.0) / (1.0 + warped), 0.0)
    } else {
        let root = core::f32::consts::SQRT_2 * warped;
        let norm = 1.0 / (1.0 + root + warped * warped);
        let b = warped * warped * norm;
        (
            [b, 2.0 * b, b],
            2.0 * (warped * warped - 1.0) * norm,
            (1.0 - root + warped * warped) * norm,
        )
    };
    let (mut before, mut before_that) = (0.0, 0.0);
    for (k, value) in response.iter_mut().enumerate() {
        let fed = feed.get(k).copied().unwrap_or(0.0);
        *value = fed - a1 * before - a2 * before_that;
        (before_that, before) = (before, *value);
    }
}

/// All kernels of one rate.
pub(crate) struct Kernels {
    /// 15 Hz, of the gyro.
    pub(crate) rate: Kernel,
    /// 60 Hz, of accelerations: the rules' axial one and the impact's.
    pub(crate) impact: Kernel,
    /// 15 Hz, first order: what the complement takes away.
    pub(crate) inner: Kernel,
    /// 10 Hz, of the complement.
    pub(crate) outer: Kernel,
    /// Where a loose pod rings.
    pub(crate) waves: Waves,
    /// 20 Hz: before the networks' grid.
    pub(crate) smoothing: Kernel,
}

const SMOOTHING_SD_S: f32 = 0.00667;
const SMOOTHING_REACH_S: f32 = 0.0135;

impl Kernels {
    pub(crate) const NONE: Self = Self {
        rate: Kernel::NONE,
        impact: Kernel::NONE,
        inner: Kernel::NONE,
        outer: Kernel::NONE,
        waves: Waves::NONE,
        smoothing: Kernel::NONE,
    };

    pub(crate) fn new(rate_hz: f32) -> Self {
        Self {
            rate: Kernel::low_pass(15.0, rate_hz, 2),
            impact: Kernel::low_pass(60.0, rate_hz, 2),
            inner: Kernel::low_pass(15.0, rate_hz, 1),
            outer: Kernel::low_pass(10.0, rate_hz, 2),
            waves: Waves::new(rate_hz),
            smoothing: Kernel::gaussian(
                SMOOTHING_SD_S * rate_hz,
                ((SMOOTHING_REACH_S * rate_hz) as usize).max(1),
            ),
        }
    }
}
