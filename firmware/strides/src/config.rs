//! What the detector must know of its sensor.

/// Sensor axes are shank axes.
pub const IDENTITY: [f32; 9] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
const RATES_HZ: (f32, f32) = (95.0, 440.0);
const TOLERANCE: f32 = 1e-3; // a stored rotation has three decimals at least
const FULL_SCALE: f32 = 0.99; // of the range: the last counts before the end are not signal either

/// One sensor. `rate_hz` is nominal and sizes the filters; scales are SI units per count, full scales SI (infinite =
/// unknown); `rotation` has the shank axes as rows, in sensor axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    pub rate_hz: f32,
    pub tick_hz: f32,
    pub accel_scale: f32,
    pub gyro_scale: f32,
    pub accel_full: f32,
    pub gyro_full: f32,
    pub rotation: [f32; 9],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// Not within 95 to 440 Hz: above it the memory does not hold the longest stride.
    Rate,
    /// A scale or a tick rate that is no positive number.
    Scale,
    /// Rows that are not orthonormal, or a mirror image.
    Rotation,
}

impl Config {
    /// Of no sensor: refused.
    pub const NONE: Self = Self {
        rate_hz: 0.0,
        tick_hz: 0.0,
        accel_scale: 0.0,
        gyro_scale: 0.0,
        accel_full: 0.0,
        gyro_full: 0.0,
        rotation: [0.0; 9],
    };

    /// Whether a detector can be made of it.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(RATES_HZ.0..=RATES_HZ.1).contains(&self.rate_hz) {
            return Err(ConfigError::Rate);
        }
        let positive = |value: f32| value.is_finite() && value > 0.0;
        if !(positive(self.tick_hz) && positive(self.accel_scale) && positive(self.gyro_scale)) {
            return Err(ConfigError::Scale);
        }
        if self.accel_full.is_nan() || self.gyro_full.is_nan() {
            return Err(ConfigError::Scale);
        }
        if proper(&self.rotation) {
            Ok(())
        } else {
            Err(ConfigError::Rotation)
        }
    }

    /// Counts from which on a channel counts as at its end: accelerometer, gyroscope.
    pub(crate) fn limits(&self) -> (i32, i32) {
        let counts = |full: f32, scale: f32| crate::arrays::ceil(FULL_SCALE * full / scale);
        (
            counts(self.accel_full, self.accel_scale),
            counts(self.gyro_full, self.gyro_scale),
        )
    }
}

fn proper(rotation: &[f32; 9]) -> bool {
    let [a, b, c, d, e, f, g, h, i] = *rotation;
    let close = |value: f32, wanted: f32| (value - wanted).abs() <= TOLERANCE;
    close(a * a + b * b + c * c, 1.0)
        && close(d * d + e * e + f * f, 1.0)
        && close(g * g + h * h + i * i, 1.0)
        && close(a * d + b * e + c * f, 0.0)
        && close(a * g + b * h + c * i, 0.0)
        && close(d * g + e * h + f * i, 0.0)
        && a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) > 0.0
}
