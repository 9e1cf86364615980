//! A loose pod in one stride: it goes on swinging on the leg when the shock of the contact is over (`loose.py`).

use crate::arrays::{floor, part_mut};
use crate::stride::{Axis, Scratch, Window};

const FREQUENCIES_HZ: [f32; 4] = [9.0, 14.0, 20.0, 28.0];
const WAVES: usize = 2 * FREQUENCIES_HZ.len();
/// Of two channels, and a constant.
pub(crate) const WEIGHTS: usize = WAVES + 1;
const FLOORS: [f32; 2] = [0.1, 0.001]; // (m/s2)^2 and (rad/s)^2
const AFTER_CONTACT_S: f32 = 19.0 / 300.0;
const LASTS_S: f32 = 13.0 / 150.0;
const SHORTEST_STANCE_S: f32 = 0.150;
const LONGEST: usize = 40; // samples of the stretch: 37 at 440 Hz

/// A cosine and a sine of each frequency over 87 ms, blind to any straight line, of unit length.
pub(crate) struct Waves {
    rows: [[f32; WAVES]; LONGEST],
    n: usize,
}

impl Waves {
    pub(crate) const NONE: Self = Self {
        rows: [[0.0; WAVES]; LONGEST],
        n: 0,
    };

    pub(crate) fn new(rate_hz: f32) -> Self {
        // the Hann window is zero at its ends
        let n = (floor(LASTS_S * rate_hz + 0.5) - 1).clamp(1, LONGEST as i32) as usize;
        let mut rows = [[0.0; WAVES]; LONGEST];
        let turn = 2.0 * core::f32::consts::PI;
        let mut hann = [0.0; LONGEST];
        for (k, value) in hann.iter_mut().enumerate().take(n) {
            *value = 0.5 - 0.5 * libm::cosf(turn * (k + 1) as f32 / (n + 1) as f32);
        }
        let at = |k: usize| k as f32 - (n - 1) as f32 / 2.0;
        let level: f32 = hann.iter().sum();
        let slope: f32 = hann
            .iter()
            .enumerate()
            .map(|(k, h)| h * at(k) * at(k))
            .sum();
        for wave in 0..WAVES {
            let hertz = FREQUENCIES_HZ.get(wave / 2).copied().unwrap_or(0.0);
            let mut own = [0.0; LONGEST];
            for (k, (value, hann)) in own.iter_mut().zip(hann).enumerate().take(n) {
                let angle = turn * hertz / rate_hz * at(k);
                let wave = if wave % 2 == 0 {
                    libm::cosf(angle)
                } else {
                    libm::sinf(angle)
                };
                *value = hann * wave;
            }
            // what a straight line has of it: the window is symmetric, so level and slope are apart
            let has_level = own.iter().sum::<f32>() / level;
            let of_slope: f32 = own.iter().enumerate().map(|(k, value)| value * at(k)).sum();
            let has_slope = if n > 1 { of_slope / slope } else { 0.0 };
            for (k, (value, hann)) in own.iter_mut().zip(hann).enumerate() {
                *value -= hann * (has_level + has_slope * at(k));
            }
            let length = libm::sqrtf(own.iter().map(|value| value * value).sum());
            for (row, value) in rows.iter_mut().zip(own).take(n) {
                if let Some(slot) = row.get_mut(wave) {
                    *slot = value / length;
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
