//! A loose pod in one stride: it goes on swinging on the leg when the shock of the contact is over (`loose.py`).

use crate::arrays::{floor, part_mut};
use crate::stride::{Axis, Scratch, Window};

const FREQUENCIES_HZ: [f64; 4] = [9.0, 14.0, 20.0, 28.0];
const WAVES: usize = 2 * FREQUENCIES_HZ.len();
/// Of two channels, and a constant.
pub(crate) const WEIGHTS: usize = WAVES + 1;
const FLOORS: [f32; 2] = [0.1, 0.001]; // (m/s2)^2 and (rad/s)^2
const AFTER_CONTACT_S: f32 = 19.0 / 300.0;
const LASTS_S: f64 = 13.0 / 150.0;
const SHORTEST_STANCE_S: f32 = 0.150;
const LONGEST: usize = 40; // samples of the stretch: 37 at 440 Hz

/// A cosine and a sine of each frequency over 87 ms, blind to any straight line, of unit length.
pub(crate) struct Waves {
    rows: [[f32; WAVES]; LONGEST],
    n: usize,
}

impl Waves {
    pub(crate) fn new(rate_hz: f64) -> Self {
        // the Hann window is zero at its ends
        let n = (libm::rint(LASTS_S * rate_hz) as usize)
            .saturating_sub(1)
            .clamp(1, LONGEST);
        let mut rows = [[0.0; WAVES]; LONGEST];
        let turn = 2.0 * core::f64::consts::PI;
        let at = |k: usize| k as f64 - (n - 1) as f64 / 2.0;
        let hann = |k: usize| 0.5 - 0.5 * libm::cos(turn * (k + 1) as f64 / (n + 1) as f64);
        let over = |value: &dyn Fn(usize) -> f64| (0..n).map(value).sum::<f64>();
        let level = over(&hann);
        let slope = over(&|k| hann(k) * at(k) * at(k));
        for wave in 0..WAVES {
            let hertz = FREQUENCIES_HZ.get(wave / 2).copied().unwrap_or(0.0);
            let plain = |k: usize| {
                let angle = turn * hertz / rate_hz * at(k);
                hann(k)
                    * if wave % 2 == 0 {
                        libm::cos(angle)
                    } else {
                        libm::sin(angle)
                    }
            };
            // what a straight line has of it: the window is symmetric, so level and slope are apart
            let has_level = over(&plain) / level;
            let has_slope = if n > 1 {
                over(&|k| plain(k) * at(k)) / slope
            } else {
                0.0
            };
            let own = |k: usize| plain(k) - hann(k) * (has_level + has_slope * at(k));
            let length = libm::sqrt(over(&|k| own(k) * own(k)));
            for (k, row) in rows.iter_mut().enumerate().take(n) {
                if let Some(value) = row.get_mut(wave) {
                    *value = (own(k) / length) as f32;
                }
            }
        }
        Self { rows, n }
    }

    /// The logarithms of the four powers of `signal`, each times its weight, added.
    fn weighed(&self, signal: &[f32], floor: f32, weights: &[f32]) -> f32 {
        let mut seen = [0.0; WAVES];
        for (row, value) in self.rows.iter().zip(signal).take(self.n) {
            for (sum, wave) in seen.iter_mut().zip(row) {
                *sum += wave * value;
            }
        }
        let mut score = 0.0;
        for (pair, weight) in seen.chunks_exact(2).zip(weights) {
            if let [cosine, sine] = pair {
                let power = (cosine * cosine + sine * sine) / self.n as f32;
                score += weight * libm::logf(power + floor);
            }
        }
        score
    }
}

/// Whether the pod still rings in mid-stance of this running stride. Weights: four frequencies of the acceleration along
/// the shin, four of the turning about z, the constant.
pub(crate) fn is_loose(
    window: &Window,
    contact: f32,
    toe_off: f32,
    waves: &Waves,
    weights: &[f32; WEIGHTS],
    scratch: &mut Scratch,
) -> bool {
    let rate_hz = window.config.rate_hz;
    let first = floor(contact + AFTER_CONTACT_S * rate_hz + 0.5);
    let n = waves.n as i32;
    if toe_off - contact < SHORTEST_STANCE_S * rate_hz || first < 0 || first + n > window.n {
        return false;
    }
    let (signal, _) = scratch.of_measures();
    let signal = part_mut(signal, 0, n);
    let [along, turning] = FLOORS;
    let (of_along, rest) = weights.split_at(WAVES / 2);
    let (of_turning, constant) = rest.split_at(WAVES / 2);
    let axes: (Axis, Axis) = (window.accel_axis(1), window.gyro_axis(2));
    window.accel(axes.0, first, signal);
    let mut score = waves.weighed(signal, along, of_along);
    window.gyro(axes.1, first, signal);
    score += waves.weighed(signal, turning, of_turning);
    score + constant.first().copied().unwrap_or(0.0) > 0.0
}
