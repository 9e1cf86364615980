//! Whether the pod moves: the spread of its acceleration over a window.

use crate::imu::Counts;

/// Samples of a window: half a second at 416 Hz, one at 208.
const WINDOW: u32 = 208;
/// Spread (standard deviation, three axes together) over a window above which the pod moves, m/s². Sensors on the shins
/// of somebody who stood (Trautmann et al. 2021, doi 10.3390/data6090095) show 0.04 to 0.10 over a second, of which
/// most is the sensor's own noise; walking 2 and more; running (RBDS, doi 10.7717/peerj.3298) 14 and more.
pub const MOVES_MPS2: f32 = 0.3;

/// The window that is being filled.
#[derive(Default)]
pub struct Motion {
    n: u32,
    sums: [i64; 3],
    squares: i64,
}

impl Motion {
    /// Take samples; whether they end a window in which the pod has moved. `accel_mps2`: of one count.
    pub fn push(&mut self, block: &[Counts], accel_mps2: f32) -> bool {
        let mut moved = false;
        for counts in block {
            for (sum, &count) in self.sums.iter_mut().zip(counts) {
                *sum += i64::from(count);
                self.squares += i64::from(count) * i64::from(count);
            }
            self.n += 1;
            if self.n == WINDOW {
                moved |= self.variance() * accel_mps2 * accel_mps2 > MOVES_MPS2 * MOVES_MPS2;
                *self = Self::default();
            }
        }
        moved
    }

    /// Of the window, in counts squared.
    fn variance(&self) -> f32 {
        let n = i64::from(self.n);
        let around: i64 = self.sums.iter().map(|sum| sum * sum).sum();
        (n * self.squares - around) as f32 / (n * n) as f32
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const UNIT_MPS2: f32 = 0.0048;

    /// A second at 416 Hz of the shin at 1 g along y, moved along x by a square wave of this amplitude.
    fn waved(amplitude_mps2: f32) -> bool {
        let counts = (amplitude_mps2 / UNIT_MPS2) as i16;
        let sample = |k: usize| [if k % 16 < 8 { counts } else { -counts }, 2043, 90, 0, 0, 0];
        let block: Vec<Counts> = (0..416).map(sample).collect();
        let mut motion = Motion::default();
        block
            .chunks(9)
            .map(|block| motion.push(block, UNIT_MPS2))
            .fold(false, |any, one| any | one)
    }

    #[test]
    fn the_threshold_lies_between_standing_and_walking() {
        for (amplitude_mps2, moves) in [(0.0, false), (0.1, false), (0.29, false), (0.32, true)] {
            assert_eq!(waved(amplitude_mps2), moves, "{amplitude_mps2} m/s2");
        }
        assert!(waved(2.0) && waved(150.0));
    }

    #[test]
    fn gravity_does_not_count_and_full_scale_does_not_overflow() {
        let mut motion = Motion::default();
        let still = [[i16::MIN, i16::MAX, i16::MIN, 500, -500, 3]; 416];
        assert!(!motion.push(&still, UNIT_MPS2));
        let mut shaken = still;
        for counts in shaken.iter_mut().step_by(2) {
            *counts = [i16::MAX, i16::MIN, i16::MAX, 0, 0, 0];
        }
        assert!(motion.push(&shaken, UNIT_MPS2));
    }

    #[test]
    fn a_turn_without_a_shock_is_motion_too() {
        let mut motion = Motion::default();
        let lifted: Vec<Counts> = (0..416_i16)
            .map(|k| [k, 2043 - k / 2, 0, 0, 0, 0])
            .collect();
        assert!(motion.push(&lifted, UNIT_MPS2));
    }
}
