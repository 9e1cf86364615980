//! One stride's samples, and the memory that is worked in.

use crate::arrays::part_mut;
use crate::config::Config;
use crate::grid::TIMES;
use crate::samples::{Counts, Samples, RING};

const STRIP: usize = 600;

/// Working memory: one signal of a window, and room that the rules and the networks use one after the other.
pub(crate) struct Scratch {
    signal: [f32; RING],
    rest: [f32; 3 * TIMES],
}

impl Scratch {
    pub(crate) const fn new() -> Self {
        Self {
            signal: [0.0; RING],
            rest: [0.0; 3 * TIMES],
        }
    }

    /// For the rules: a signal of `n` values and two strips.
    pub(crate) fn of_rules(&mut self, n: i32) -> (&mut [f32], &mut [f32], &mut [f32]) {
        let (one, two) = self.rest.split_at_mut(STRIP);
        (part_mut(&mut self.signal, 0, n), one, two)
    }

    /// For the networks: the grid, time by time.
    pub(crate) fn of_grid(&mut self) -> &mut [f32; 3 * TIMES] {
        &mut self.rest
    }

    /// For the measures: a signal, and three strips.
    pub(crate) fn of_measures(&mut self) -> (&mut [f32], [&mut [f32]; 3]) {
        let (x, rest) = self.rest.split_at_mut(STRIP);
        let (y, z) = rest.split_at_mut(STRIP);
        (&mut self.signal, [x, y, z])
    }
}

/// The samples around one stride; positions count from its first sample.
pub(crate) struct Window<'s> {
    pub(crate) samples: &'s Samples,
    pub(crate) config: &'s Config,
    pub(crate) start: u32,
    pub(crate) n: i32,
    /// Positions of the mid-swings before and after the stance.
    pub(crate) swing0: i32,
    pub(crate) swing1: i32,
}

/// An axis in sensor axes, in SI per count.
pub(crate) type Axis = [f32; 3];

impl Window<'_> {
    /// Shank axis 0 x, 1 y, 2 z.
    pub(crate) fn accel_axis(&self, axis: usize) -> Axis {
        self.axis(axis, self.config.accel_scale)
    }

    pub(crate) fn gyro_axis(&self, axis: usize) -> Axis {
        self.axis(axis, self.config.gyro_scale)
    }

    fn axis(&self, axis: usize, scale: f32) -> Axis {
        let row = self.config.rotation.chunks_exact(3).nth(axis);
        match row {
            Some([a, b, c]) => [a * scale, b * scale, c * scale],
            _ => [0.0; 3],
        }
    }

    /// `n` samples from position `from` on, in two pieces; as many as the window has.
    pub(crate) fn pieces(&self, from: i32, n: i32) -> (&[Counts], &[Counts]) {
        let from = from.max(0);
        let n = n.min(self.n - from).max(0) as usize;
        self.samples.pieces(self.start.wrapping_add_signed(from), n)
    }

    /// The same, one after the other.
    pub(crate) fn counts(&self, from: i32, n: i32) -> impl Iterator<Item = &Counts> {
        let (one, other) = self.pieces(from, n);
        one.iter().chain(other)
    }

    /// Specific force along `axis` from position `from` on, as many as `out` holds.
    pub(crate) fn accel(&self, axis: Axis, from: i32, out: &mut [f32]) {
        let [a, b, c] = axis;
        self.fill(from, out, |[x, y, z, ..]| {
            a * f32::from(*x) + b * f32::from(*y) + c * f32::from(*z)
        });
    }

    /// Turn rate about `axis` from position `from` on, as many as `out` holds.
    pub(crate) fn gyro(&self, axis: Axis, from: i32, out: &mut [f32]) {
        let [a, b, c] = axis;
        self.fill(from, out, |[.., x, y, z]| {
            a * f32::from(*x) + b * f32::from(*y) + c * f32::from(*z)
        });
    }

    fn fill(&self, from: i32, out: &mut [f32], value: impl Fn(&Counts) -> f32) {
        let (one, other) = self.pieces(from, out.len() as i32);
        let (head, tail) = out.split_at_mut_checked(one.len()).unwrap_or_default();
        for (piece, out) in [(one, head), (other, tail)] {
            for (counts, out) in piece.iter().zip(out) {
                *out = value(counts);
            }
        }
    }

    /// Whether positions [low, high) are free of samples that were bridged.
    pub(crate) fn unbridged(&self, low: i32, high: i32) -> bool {
        let start = i64::from(self.start);
        !self
            .samples
            .any_bridged(start + i64::from(low), start + i64::from(high))
    }
}
