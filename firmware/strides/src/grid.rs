//! Three sagittal signals of a stride, smoothed and laid on a grid of true time; only where somebody looks.

use crate::filters::Kernel;
use crate::frame::functional_frame;
use crate::stride::{Axis, Scratch, Window};

/// Times that are held: 2.1 s; a running stride needs 1.96 s at most.
pub(crate) const TIMES: usize = 840;
pub(crate) const GRID_S: f32 = 0.0025;
const BEFORE_S: f32 = 0.10;
const AFTER_S: f32 = 0.40;
const BLOCK: usize = 20; // times that are computed together: 50 ms
const STRIP: usize = 80;
const WIDEST_STEP: f32 = 2.5; // a block of such steps fills a strip

/// Forward and upward specific force, flexion rate, in the functional frame, every 2.5 ms from 0.1 s before the first
/// mid-swing to 0.4 s after the second.
pub(crate) struct Grid<'w> {
    window: &'w Window<'w>,
    kernel: &'w Kernel,
    axes: [Axis; 3],
    /// Of the first time, in samples of the window.
    pub(crate) origin: f32,
    /// Samples between two times.
    pub(crate) step: f32,
    pub(crate) times: usize,
    values: &'w mut [f32; 3 * TIMES],
    known: u64,
}

impl<'w> Grid<'w> {
    /// `None` where it would not fit: no running stride is so long, no sensor's clock so far off.
    pub(crate) fn new(
        window: &'w Window,
        kernel: &'w Kernel,
        rate_hz: f32,
        scratch: &'w mut Scratch,
    ) -> Option<Self> {
        let step = GRID_S * rate_hz;
        let stride = (window.swing1 - window.swing0) as f32;
        let times = (stride / step + (BEFORE_S + AFTER_S) / GRID_S) as usize;
        if times == 0 || times > TIMES || step > WIDEST_STEP {
            return None;
        }
        let [x, y, z] = functional_frame(window);
        let (accel, gyro) = (window.config.accel_scale, window.config.gyro_scale);
        Some(Self {
            window,
            kernel,
            axes: [
                x.map(|part| part * accel),
                y.map(|part| part * accel),
                z.map(|part| part * gyro),
            ],
            origin: window.swing0 as f32 - BEFORE_S * rate_hz,
            step,
            times,
            values: scratch.of_grid(),
            known: 0,
        })
    }

    /// The values of the times [first, stop), time by time.
    pub(crate) fn rows(&mut self, first: usize, stop: usize) -> &[f32] {
        for block in first / BLOCK..stop.div_ceil(BLOCK) {
            if self.known >> block & 1 == 0 {
                self.known |= 1 << block;
                self.lay(block * BLOCK);
            }
        }
        self.values.get(3 * first..3 * stop).unwrap_or(&[])
    }

    /// Compute a block: cubics through four smoothed samples. Positions outside of the window are moved to its ends.
    fn lay(&mut self, first: usize) {
        let half = self.kernel.half();
        let (lowest, highest) = ((half + 1) as f32, (self.window.n - half - 2) as f32);
        let position = |k: usize| (self.origin + self.step * k as f32).clamp(lowest, highest);
        let low = position(first) as i32 - 1;
        let stop = (position(first + BLOCK - 1) as i32 + 3).min(self.window.n - half);
        let n = (stop - low + 2 * half).max(0) as usize;
        let (mut raw, mut smooth) = ([0.0; STRIP], [[0.0; STRIP]; 3]);
        let Some(raw) = raw.get_mut(..n) else {
            return;
        };
        for (row, (axis, smooth)) in self.axes.into_iter().zip(&mut smooth).enumerate() {
            if row < 2 {
                self.window.accel(axis, low - half, raw);
            } else {
                self.window.gyro(axis, low - half, raw);
            }
            self.kernel.smooth_short(raw, smooth);
        }
        let Some(block) = self.values.get_mut(3 * first..3 * (first + BLOCK)) else {
            return;
        };
        for (k, values) in block.chunks_exact_mut(3).enumerate() {
            let at = (self.origin + self.step * (first + k) as f32).clamp(lowest, highest);
            let here = (at as i32).min(stop - 3);
            let (t, from) = (at - here as f32, (here - 1 - low) as usize);
            for (value, smooth) in values.iter_mut().zip(&smooth) {
                if let Some(four) = smooth.get(from..).and_then(|rest| rest.first_chunk()) {
                    *value = cubic(t, four);
                }
            }
        }
    }
}

/// Between `four[1]` (t = 0) and `four[2]` (t = 1): the cubic through four values.
fn cubic(t: f32, four: &[f32; 4]) -> f32 {
    let [before, here, after, beyond] = *four;
    let (slope, bend) = (after - before, before - 2.0 * here + after);
    let twist = (beyond - before) * (1.0 / 6.0) - 0.5 * (after - here);
    here + t * (0.5 * slope - twist + t * (0.5 * bend + t * twist))
}
