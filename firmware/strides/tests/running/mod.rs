//! A leg that runs, in counts: a swing, a shock at contact, and the slow turning of stance. Good enough for events to be
//! found; how well they are found is told by real runners (`python -m tests.firmware.agreement`).
#![allow(dead_code)] // each test file uses its own part

use evenstride_protocol::TICK_HZ;
use evenstride_strides::{Config, IDENTITY};

pub const RATE_HZ: f64 = 416.0;
const GRAVITY: f64 = 9.806_65;

pub struct Leg {
    pub stride_s: f64,
    rotation: [f64; 9],
    moves: f64,
}

impl Leg {
    pub fn running() -> Self {
        Self {
            stride_s: 0.74,
            rotation: IDENTITY.map(f64::from),
            moves: 1.0,
        }
    }

    /// The sensor's axes: `rotation` has the shank's as rows.
    pub fn turned(self, rotation: [f64; 9]) -> Self {
        Self { rotation, ..self }
    }

    pub fn still(self) -> Self {
        Self { moves: 0.0, ..self }
    }

    pub fn config(&self) -> Config {
        Config {
            rate_hz: RATE_HZ as f32,
            tick_hz: TICK_HZ as f32,
            accel_scale: 0.000_488 * 9.806_65,
            gyro_scale: 0.001_221_730_5, // 70 mdps
            accel_full: 16.0 * 9.806_65,
            gyro_full: 34.906_586,
            rotation: self.rotation.map(|number| number as f32),
        }
    }

    pub fn seconds(&self, seconds: f64) -> u32 {
        (seconds * RATE_HZ) as u32
    }

    pub fn tick(&self, index: u32) -> u64 {
        (f64::from(index) / RATE_HZ * 32_768.0).round() as u64
    }

    /// Specific force and turn rate in shank axes, SI. Mid-swing at phase 0, contact at 0.19, toe-off at 0.55.
    fn felt(&self, t_s: f64) -> [f64; 6] {
        let phase = (t_s / self.stride_s).rem_euclid(1.0);
        let bump = |at: f64, width: f64| {
            let off = (phase - at + 0.5).rem_euclid(1.0) - 0.5;
            (-0.5 * (off / width).powi(2)).exp()
        };
        let shock = bump(0.215, 0.016) * (phase * 190.0).cos().abs();
        let swing = 9.5 * bump(0.0, 0.075) - 5.5 * bump(0.52, 0.07) - 3.0 * bump(0.24, 0.05);
        let stance = bump(0.36, 0.09);
        [
            6.0 * bump(0.55, 0.06) - 4.0 * shock - 3.0,
            1.2 + 55.0 * shock + 14.0 * stance - 2.0 * bump(0.8, 0.1),
            2.0 * shock - 1.5 * stance,
            0.8 * swing / 9.5,
            0.5 * bump(0.3, 0.1),
            swing,
        ]
        .map(|part| part * self.moves)
    }

    /// Sample `index` as the sensor counts it.
    pub fn counts(&self, index: u32) -> [i16; 6] {
        let mut felt = self.felt(f64::from(index) / RATE_HZ);
        if self.moves == 0.0 {
            felt[1] = GRAVITY;
        }
        let config = self.config();
        let mut counts = [0; 6];
        for axis in 0..3 {
            let turned = |base: usize| -> f64 {
                (0..3)
                    .map(|row| self.rotation[3 * row + axis] * felt[base + row])
                    .sum()
            };
            let to_counts = |value: f64, scale: f32| (value / f64::from(scale)).round() as i16;
            counts[axis] = to_counts(turned(0), config.accel_scale);
            counts[3 + axis] = to_counts(turned(3), config.gyro_scale);
        }
        counts
    }
}
