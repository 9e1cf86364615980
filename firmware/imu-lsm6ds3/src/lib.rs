//! LSM6DS3TR-C: both sensors at 416 or 208 Hz into its own FIFO (4 kB), read in blocks when its watermark says so; at rest
//! the accelerometer alone, at 12.5 Hz, watching for motion.
//!
//! Register numbers and values are from ST's data sheet (DocID030071) and are not proved on hardware; in the FIFO the
//! gyroscope comes before the accelerometer (application note AN5130).
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod wires;

use embassy_time::{Duration, Timer};
use embedded_hal_async::digital::Wait;
use embedded_hal_async::i2c::I2c;
use evenstride_app::{Counts, Imu, Rest, Stamp, MAX_BLOCK};

pub use wires::{Fault, Pace, Wires, SETTLE_BLOCKS};

/// SI per count and full scale at ±16 g and ±2000 deg/s.
pub const ACCEL: (f32, f32) = (0.000_488 * 9.806_65, 16.0 * 9.806_65);
pub const GYRO: (f32, f32) = (0.001_221_730_5, 34.906_586);

const IDENTITY: u8 = 0x6A;
const WORDS: usize = 6; // of one sample in the FIFO
const SAMPLE: usize = 2 * WORDS;
/// Change from one sample to the next, in 1/64 of 2 g, that is motion: 62.5 mg (0.6 m/s²). Standing still is below it,
/// a step is far above.
const WAKE_THRESHOLD: u8 = 2;
/// The accelerometer's own settling at 12.5 Hz: two samples, which would look like motion.
const REST_SETTLES: Duration = Duration::from_millis(200);

mod register {
    pub const FIFO_CTRL1: u8 = 0x06; // watermark, words
    pub const FIFO_CTRL3: u8 = 0x08;
    pub const FIFO_CTRL5: u8 = 0x0A;
    pub const INT1_CTRL: u8 = 0x0D;
    pub const CTRL1_XL: u8 = 0x10;
    pub const CTRL2_G: u8 = 0x11;
    pub const CTRL3_C: u8 = 0x12;
    pub const CTRL6_C: u8 = 0x15; // accelerometer's low power
    pub const WAKE_UP_SRC: u8 = 0x1B;
    pub const FIFO_STATUS1: u8 = 0x3A;
    pub const FIFO_DATA: u8 = 0x3E;
    pub const TAP_CFG: u8 = 0x58; // events at all, their filter, latched
    pub const WAKE_UP_THS: u8 = 0x5B;
    pub const WAKE_UP_DUR: u8 = 0x5C;
    pub const MD1_CFG: u8 = 0x5E; // events on INT1
}

/// The sensor and what is known of its period.
pub struct Lsm6ds3<B, L, T> {
    wires: Wires<B, L, T>,
    pace: Pace,
}

impl<B: I2c, L: Wait, T: Fn() -> u64> Lsm6ds3<B, L, T> {
    /// The sensor on its bus, its INT1 line, and the pod's counter in 1/65,536 tick.
    pub fn new(bus: B, line: L, tick_q16: T) -> Self {
        Self {
            wires: Wires::new(bus, line, tick_q16),
            pace: Pace::default(),
        }
    }

    /// Wait for the watermark; the tick then, and the samples that wait.
    async fn watermark(&mut self) -> Result<(u64, usize), Fault<B::Error>> {
        let now_q16 = self.wires.raised().await?;
        let mut status = [0; 2];
        self.wires.get(register::FIFO_STATUS1, &mut status).await?;
        let [low, high] = status;
        if high & 0x40 != 0 {
            return Err(Fault::Overrun);
        }
        let words = usize::from(u16::from_le_bytes([low, high & 0x07]));
        Ok((now_q16, words / WORDS))
    }

    async fn read(&mut self, n: usize, out: &mut [Counts]) -> Result<(), Fault<B::Error>> {
        let mut bytes = [0; MAX_BLOCK * SAMPLE];
        let size = n.min(MAX_BLOCK) * SAMPLE;
        if let Some(room) = bytes.get_mut(..size) {
            self.wires.get(register::FIFO_DATA, room).await?;
        }
        for (counts, sample) in out.iter_mut().zip(bytes.chunks_exact(SAMPLE)) {
            let mut words = [0; WORDS];
            for (word, pair) in words.iter_mut().zip(sample.chunks_exact(2)) {
                *word = i16::from_le_bytes(pair.try_into().unwrap_or([0; 2]));
            }
            let [gx, gy, gz, ax, ay, az] = words;
            *counts = [ax, ay, az, gx, gy, gz];
        }
        Ok(())
    }
}

impl<B: I2c, L: Wait, T: Fn() -> u64> Imu for Lsm6ds3<B, L, T> {
    type Error = Fault<B::Error>;

    async fn start(&mut self, rate_mhz: u32) -> Result<(), Self::Error> {
        let rate = match rate_mhz {
            416_000 => 0x6_u8,
            208_000 => 0x5,
            other => return Err(Fault::Rate(other)),
        };
        self.wires.expect(IDENTITY).await?;
        let watermark = (MAX_BLOCK * WORDS) as u8;
        let values = [
            (register::MD1_CFG, 0x00), // what a rest may have left: the sensor is not reset with the processor
            (register::TAP_CFG, 0x00),
            (register::CTRL6_C, 0x00),
            (register::CTRL3_C, 0x44), // whole samples only, addresses count up
            (register::FIFO_CTRL5, 0x00), // empty
            (register::CTRL1_XL, rate << 4 | 0x04), // 16 g
            (register::CTRL2_G, rate << 4 | 0x0C), // 2000 deg/s
            (register::FIFO_CTRL1, watermark),
            (register::FIFO_CTRL1 + 1, 0x00),
            (register::FIFO_CTRL3, 0x09), // both sensors, every sample
            (register::INT1_CTRL, 0x08),  // watermark
            (register::FIFO_CTRL5, rate << 3 | 0x06), // continuous
        ];
        self.wires.set(&values).await?;
        self.pace = Pace::new(rate_mhz);
        let mut unused = [[0; 6]; MAX_BLOCK];
        for _ in 0..SETTLE_BLOCKS {
            let (now_q16, waiting) = self.watermark().await?;
            let n = waiting.min(MAX_BLOCK);
            self.read(n, &mut unused).await?;
            self.pace.settle(now_q16, waiting, n);
        }
        Ok(())
    }

    async fn block(&mut self, out: &mut [Counts; MAX_BLOCK]) -> Result<Stamp, Self::Error> {
        let (now_q16, waiting) = self.watermark().await?;
        let n = waiting.min(MAX_BLOCK);
        self.read(n, out).await?;
        Ok(self.pace.stamp(now_q16, waiting, n))
    }

    async fn rest(&mut self, rest: Rest) -> Result<(), Self::Error> {
        let accelerometer = match rest {
            Rest::Watch => 0x10, // 12.5 Hz, 2 g
            Rest::Off => 0x00,
        };
        let quiet = [
            (register::INT1_CTRL, 0x00),
            (register::FIFO_CTRL5, 0x00),
            (register::CTRL2_G, 0x00),
            (register::CTRL6_C, 0x10),
            (register::CTRL1_XL, accelerometer),
            (register::MD1_CFG, 0x00),
        ];
        self.wires.set(&quiet).await?;
        if rest == Rest::Off {
            return Ok(());
        }
        let watching = [
            (register::WAKE_UP_THS, WAKE_THRESHOLD),
            (register::WAKE_UP_DUR, 0x00), // one sample is enough
            (register::TAP_CFG, 0x81),     // events on, change from sample to sample, latched
        ];
        self.wires.set(&watching).await?;
        Timer::after(REST_SETTLES).await;
        self.wires.get(register::WAKE_UP_SRC, &mut [0]).await?; // ends what settling looked like
        self.wires.set(&[(register::MD1_CFG, 0x20)]).await
    }

    async fn moved(&mut self) -> Result<(), Self::Error> {
        self.wires.raised().await.map(drop)
    }
}
