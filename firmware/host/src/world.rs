//! Time and samples: a clock that may run faster than life, and a sensor that plays a recording.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use embassy_time::{Duration, Timer};
use evenstride_app::{nominal_period_q16, Counts, Imu, Rest, Stamp, MAX_BLOCK};
use evenstride_protocol::TICK_HZ;

use crate::options::Options;

const BLOCK: usize = 9; // 22 ms at 416 Hz
const SAMPLE: usize = 12;
const WAKES_COUNTS: i32 = 128; // 62.5 mg of 16 g, as the drivers set it

/// The pod's counter. World time is 0 where the recording's sample 0 was taken.
#[derive(Clone, Copy)]
pub struct Clock {
    power_on: Instant,
    power_on_s: f64,
    speed: f64,
    first_tick: f64,
    ticks_per_s: f64,
}

impl Clock {
    pub fn new(options: &Options) -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        let unix_s = unix.map_or(0.0, |since| since.as_secs_f64());
        let since_start_s = options.start_unix_s.map_or(0.0, |start_s| unix_s - start_s);
        Self {
            power_on: Instant::now(),
            power_on_s: since_start_s * options.speed,
            speed: options.speed,
            first_tick: options.first_tick as f64,
            ticks_per_s: f64::from(TICK_HZ) * (1.0 + options.skew_ppm * 1e-6),
        }
    }

    /// Seconds of the world since power on.
    pub fn on_s(&self) -> f64 {
        self.power_on.elapsed().as_secs_f64() * self.speed
    }

    /// The counter.
    pub fn tick(&self) -> u64 {
        self.tick_q16(self.now_s()) >> 16
    }

    fn now_s(&self) -> f64 {
        self.power_on_s + self.on_s()
    }

    fn tick_q16(&self, world_s: f64) -> u64 {
        ((self.first_tick + world_s * self.ticks_per_s) * 65_536.0) as u64
    }
}

/// A sensor that was switched on when sample 0 of the recording was taken.
pub struct Recording {
    samples: Vec<Counts>,
    clock: Clock,
    rate_hz: f64,
    repeat: bool,
    divisor: u64,
    base: u64,
    taken: u64,
}

impl Recording {
    /// `bytes`: six little-endian i16 per sample.
    pub fn new(bytes: &[u8], clock: Clock, options: &Options) -> Result<Self, String> {
        if bytes.is_empty() || bytes.len() % SAMPLE != 0 {
            return Err(format!("{} bytes are no samples of {SAMPLE}", bytes.len()));
        }
        let sample = |bytes: &[u8]| {
            let mut counts = [0; 6];
            for (count, pair) in counts.iter_mut().zip(bytes.chunks_exact(2)) {
                *count = i16::from_le_bytes([pair[0], pair[1]]);
            }
            counts
        };
        Ok(Self {
            samples: bytes.chunks_exact(SAMPLE).map(sample).collect(),
            clock,
            rate_hz: options.rate_hz,
            repeat: options.repeat,
            divisor: 1,
            base: 0,
            taken: 0,
        })
    }

    /// World seconds at which sample `index` of this boot is taken.
    fn sample_s(&self, index: u64) -> f64 {
        (self.base + index * self.divisor) as f64 / self.rate_hz
    }

    async fn until(&self, world_s: f64) {
        let wait_s = (world_s - self.clock.now_s()) / self.clock.speed;
        if wait_s > 0.0 {
            Timer::after(Duration::from_micros((wait_s * 1e6).ceil() as u64)).await;
        }
    }

    fn counts(&self, index: u64) -> Counts {
        self.at(self.base + index * self.divisor)
    }

    /// The first sample from now on whose acceleration differs so much from the one before that the sensor would wake.
    fn next_push(&self) -> Option<u64> {
        let from = (self.clock.now_s() * self.rate_hz).max(0.0) as u64;
        let pushes = |at: &u64| {
            let (before, now) = (self.at(*at), self.at(at + 1));
            let change = |axis: usize| (i32::from(now[axis]) - i32::from(before[axis])).abs();
            (0..3).any(|axis| change(axis) > WAKES_COUNTS)
        };
        (from..from + self.samples.len() as u64).find(pushes)
    }

    fn at(&self, at: u64) -> Counts {
        let n = self.samples.len() as u64;
        let at = if self.repeat { at % n } else { at.min(n - 1) };
        self.samples[at as usize]
    }
}

impl Imu for Recording {
    type Error = core::convert::Infallible;

    async fn start(&mut self, rate_mhz: u32) -> Result<(), Self::Error> {
        let ratio = self.rate_hz * 1000.0 / f64::from(rate_mhz);
        self.divisor = (ratio.round() as u64).max(1);
        let due = self.clock.now_s() * self.rate_hz;
        self.base = (due - 1e-9).ceil().max(0.0) as u64;
        self.taken = 0;
        Ok(())
    }

    async fn block(&mut self, out: &mut [Counts; MAX_BLOCK]) -> Result<Stamp, Self::Error> {
        self.until(self.sample_s(self.taken + BLOCK as u64 - 1))
            .await;
        for (k, counts) in out.iter_mut().take(BLOCK).enumerate() {
            *counts = self.counts(self.taken + k as u64);
        }
        let first_s = self.sample_s(self.taken);
        self.taken += BLOCK as u64;
        let period = self.clock.ticks_per_s * self.divisor as f64 / self.rate_hz;
        Ok(Stamp {
            n: BLOCK,
            tick_q16: self.clock.tick_q16(first_s),
            period_q16: if period < 65_535.0 {
                (period * 65_536.0).round() as u32
            } else {
                nominal_period_q16(1)
            },
        })
    }

    async fn rest(&mut self, _rest: Rest) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn moved(&mut self) -> Result<(), Self::Error> {
        let Some(index) = self.next_push() else {
            return core::future::pending().await;
        };
        self.until(index as f64 / self.rate_hz).await;
        Ok(())
    }
}
