//! LSM6DSO32: both sensors at 416 or 208 Hz into its own FIFO (512 words, each with a tag that says whose it is), read in
//! blocks when its watermark says so; at rest the accelerometer alone, at 12.5 Hz, watching for motion.
//!
//! Register numbers and values are from ST's data sheet (DS13112) and its open driver, and are not proved on hardware.
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

use embassy_time::{Duration, Timer};
use embedded_hal_async::digital::Wait;
use embedded_hal_async::i2c::I2c;
use evenstride_app::{Counts, Imu, Rest, Stamp, MAX_BLOCK};
use evenstride_imu_lsm6ds3::{Fault, Pace, Wires, SETTLE_BLOCKS};

/// SI per count and full scale at ±32 g and ±2000 deg/s.
pub const ACCEL: (f32, f32) = (0.000_976 * 9.806_65, 32.0 * 9.806_65);
pub const GYRO: (f32, f32) = (0.001_221_730_5, 34.906_586);

const IDENTITY: u8 = 0x6C;
const WORD: usize = 7; // a tag and three values
const WATERMARK: u8 = 2 * MAX_BLOCK as u8; // words
const WORDS: usize = 2 * MAX_BLOCK;
/// Both sensors run before the FIFO is opened: then every slot of it has a word of each.
const GYRO_SETTLES: Duration = Duration::from_millis(80);
/// Change from one sample to the next, in 1/64 of 4 g, that is motion: 62.5 mg (0.6 m/s²).
const WAKE_THRESHOLD: u8 = 1;
const REST_SETTLES: Duration = Duration::from_millis(200);

mod register {
    pub const FIFO_CTRL1: u8 = 0x07; // watermark, words
    pub const FIFO_CTRL2: u8 = 0x08;
    pub const FIFO_CTRL3: u8 = 0x09; // rates into the FIFO
    pub const FIFO_CTRL4: u8 = 0x0A; // its mode
    pub const INT1_CTRL: u8 = 0x0D;
    pub const CTRL1_XL: u8 = 0x10;
    pub const CTRL2_G: u8 = 0x11;
    pub const CTRL3_C: u8 = 0x12;
    pub const CTRL6_C: u8 = 0x15; // accelerometer's low power
    pub const CTRL9_XL: u8 = 0x18;
    pub const WAKE_UP_SRC: u8 = 0x1B;
    pub const FIFO_STATUS1: u8 = 0x3A;
    pub const TAP_CFG0: u8 = 0x56; // events: their filter, latched
    pub const TAP_CFG2: u8 = 0x58; // events at all
    pub const WAKE_UP_THS: u8 = 0x5B;
    pub const WAKE_UP_DUR: u8 = 0x5C;
    pub const MD1_CFG: u8 = 0x5E; // events on INT1
    pub const FIFO_DATA_TAG: u8 = 0x78; // addresses go round from the last value's to here
}

/// Whose word it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Gyroscope,
    Accelerometer,
}

/// A word that waits for its other half.
#[derive(Clone, Copy)]
struct Half {
    whose: Whose,
    slot: u8,
    values: [i16; 3],
}

impl Half {
    /// From tag and values; None: another sensor's, or something that was not asked for.
    fn decode(word: &[u8]) -> Option<Self> {
        let [tag, a, b, c, d, e, f] = *<&[u8; WORD]>::try_from(word).ok()?;
        let whose = match tag >> 3 {
            1 => Whose::Gyroscope,
            2 => Whose::Accelerometer,
            _ => return None,
        };
        let values = [[a, b], [c, d], [e, f]].map(i16::from_le_bytes);
        Some(Self {
            whose,
            slot: tag >> 1 & 3,
            values,
        })
    }

    /// The sample that two halves of one slot are.
    fn with(self, other: Self) -> Option<Counts> {
        let (gyro, accel) = match (self.whose, other.whose) {
            (Whose::Gyroscope, Whose::Accelerometer) => (self.values, other.values),
            (Whose::Accelerometer, Whose::Gyroscope) => (other.values, self.values),
            _ => return None,
        };
        let ([gx, gy, gz], [ax, ay, az]) = (gyro, accel);
        (self.slot == other.slot).then_some([ax, ay, az, gx, gy, gz])
    }
}

/// The sensor, what is known of its period, and a word whose other half was not there yet.
pub struct Lsm6dso32<B, L, T> {
    wires: Wires<B, L, T>,
    pace: Pace,
    half: Option<Half>,
}

impl<B: I2c, L: Wait, T: Fn() -> u64> Lsm6dso32<B, L, T> {
    /// The sensor on its bus, its INT1 line, and the pod's counter in 1/65,536 tick.
    pub fn new(bus: B, line: L, tick_q16: T) -> Self {
        Self {
            wires: Wires::new(bus, line, tick_q16),
            pace: Pace::default(),
            half: None,
        }
    }

    /// Wait for the watermark; the tick then, and the words that wait.
    async fn watermark(&mut self) -> Result<(u64, usize), Fault<B::Error>> {
        let now_q16 = self.wires.raised().await?;
        let mut status = [0; 2];
        self.wires.get(register::FIFO_STATUS1, &mut status).await?;
        let [low, high] = status;
        if high & 0x48 != 0 {
            return Err(Fault::Overrun); // now, or since the last look
        }
        Ok((now_q16, usize::from(u16::from_le_bytes([low, high & 0x03]))))
    }

    /// At most a block of the waiting words: how many samples waited with them, and how many are in `out` now. A word
    /// without its other half is an error, but while the sensor settles.
    async fn read(
        &mut self,
        words: usize,
        settling: bool,
        out: &mut [Counts; MAX_BLOCK],
    ) -> Result<(usize, usize), Fault<B::Error>> {
        let before = usize::from(self.half.is_some());
        let waiting = (before + words) / 2;
        let mut bytes = [0; WORDS * WORD];
        let room = bytes.get_mut(..words.min(WORDS - before) * WORD);
        let room = room.unwrap_or_default();
        self.wires.get(register::FIFO_DATA_TAG, room).await?;
        let mut n = 0;
        let mut free = out.iter_mut();
        for word in room.chunks_exact(WORD) {
            let new = Half::decode(word);
            let sample = match (self.half.take(), new) {
                (Some(old), Some(new)) => old.with(new),
                (None, Some(new)) => {
                    self.half = Some(new);
                    continue;
                }
                _ => None,
            };
            match sample {
                Some(sample) => {
                    if let Some(slot) = free.next() {
                        *slot = sample;
                        n += 1;
                    }
                }
                None if settling => self.half = new,
                None => return Err(Fault::Overrun),
            }
        }
        Ok((waiting, n))
    }
}

impl<B: I2c, L: Wait, T: Fn() -> u64> Imu for Lsm6dso32<B, L, T> {
    type Error = Fault<B::Error>;

    async fn start(&mut self, rate_mhz: u32) -> Result<(), Self::Error> {
        let rate = match rate_mhz {
            416_000 => 0x6_u8,
            208_000 => 0x5,
            other => return Err(Fault::Rate(other)),
        };
        self.wires.expect(IDENTITY).await?;
        let both = [
            (register::MD1_CFG, 0x00), // what a rest may have left
            (register::TAP_CFG2, 0x00),
            (register::CTRL6_C, 0x00),
            (register::CTRL9_XL, 0xE2),             // no I3C
            (register::CTRL3_C, 0x44),              // whole samples only, addresses count up
            (register::FIFO_CTRL4, 0x00),           // empty
            (register::CTRL1_XL, rate << 4 | 0x04), // 32 g
            (register::CTRL2_G, rate << 4 | 0x0C),  // 2000 deg/s
            (register::FIFO_CTRL1, WATERMARK),
            (register::FIFO_CTRL2, 0x00),
            (register::FIFO_CTRL3, rate << 4 | rate),
            (register::INT1_CTRL, 0x08), // watermark
        ];
        self.wires.set(&both).await?;
        Timer::after(GYRO_SETTLES).await;
        self.wires.set(&[(register::FIFO_CTRL4, 0x06)]).await?; // continuous
        (self.pace, self.half) = (Pace::new(rate_mhz), None);
        let mut unused = [[0; 6]; MAX_BLOCK];
        for _ in 0..SETTLE_BLOCKS {
            let (now_q16, words) = self.watermark().await?;
            let (waiting, n) = self.read(words, true, &mut unused).await?;
            self.pace.settle(now_q16, waiting, n);
        }
        Ok(())
    }

    async fn block(&mut self, out: &mut [Counts; MAX_BLOCK]) -> Result<Stamp, Self::Error> {
        let (now_q16, words) = self.watermark().await?;
        let (waiting, n) = self.read(words, false, out).await?;
        Ok(self.pace.stamp(now_q16, waiting, n))
    }

    async fn rest(&mut self, rest: Rest) -> Result<(), Self::Error> {
        let accelerometer = match rest {
            Rest::Watch => 0x10, // 12.5 Hz, 4 g
            Rest::Off => 0x00,
        };
        let quiet = [
            (register::INT1_CTRL, 0x00),
            (register::FIFO_CTRL4, 0x00),
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
            (register::TAP_CFG0, 0x41),    // change from sample to sample, latched until it is read
            (register::TAP_CFG2, 0x80),    // events on
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
