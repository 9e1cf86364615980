//! What the sensors of this family have in common: registers on a bus, an interrupt line, and a period to be measured.

use embedded_hal_async::digital::Wait;
use embedded_hal_async::i2c::I2c;
use evenstride_app::{nominal_period_q16, Stamp};

const ADDRESS: u8 = 0x6A;
const WHO_AM_I: u8 = 0x0F;

/// Blocks after a start that are thrown away: the gyroscope needs 70 ms; the rest measures the sensor's own period.
pub const SETTLE_BLOCKS: u32 = 8;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault<E> {
    Bus(E),
    /// Another chip answers.
    Identity(u8),
    /// The interrupt line cannot be read.
    Line,
    /// Samples were lost in the FIFO.
    Overrun,
    /// No such rate.
    Rate(u32),
}

/// The sensor on its bus, its INT1 line, and the pod's counter in 1/65,536 tick.
pub struct Wires<B, L, T> {
    bus: B,
    line: L,
    tick_q16: T,
}

impl<B: I2c, L: Wait, T: Fn() -> u64> Wires<B, L, T> {
    pub const fn new(bus: B, line: L, tick_q16: T) -> Self {
        Self {
            bus,
            line,
            tick_q16,
        }
    }

    /// Write registers, one after the other.
    pub async fn set(&mut self, values: &[(u8, u8)]) -> Result<(), Fault<B::Error>> {
        for &(register, value) in values {
            let written = self.bus.write(ADDRESS, &[register, value]).await;
            written.map_err(Fault::Bus)?;
        }
        Ok(())
    }

    /// Read from a register on.
    pub async fn get(&mut self, register: u8, to: &mut [u8]) -> Result<(), Fault<B::Error>> {
        let read = self.bus.write_read(ADDRESS, &[register], to).await;
        read.map_err(Fault::Bus)
    }

    /// The chip must be this one.
    pub async fn expect(&mut self, identity: u8) -> Result<(), Fault<B::Error>> {
        let mut found = [0];
        self.get(WHO_AM_I, &mut found).await?;
        match found {
            [found] if found == identity => Ok(()),
            [found] => Err(Fault::Identity(found)),
        }
    }

    /// Wait until the line is high; the counter then.
    pub async fn raised(&mut self) -> Result<u64, Fault<B::Error>> {
        self.line.wait_for_high().await.map_err(|_| Fault::Line)?;
        Ok((self.tick_q16)())
    }
}

/// The period between samples, measured while the sensor settles.
#[derive(Default)]
pub struct Pace {
    period_q16: u32,
    began_q16: Option<u64>,
    taken: u64,
}

impl Pace {
    pub fn new(rate_mhz: u32) -> Self {
        Self {
            period_q16: nominal_period_q16(rate_mhz),
            ..Self::default()
        }
    }

    /// At this time so many samples waited, of which `n` are read now.
    pub fn settle(&mut self, now_q16: u64, waiting: usize, n: usize) {
        let age_q16 = waiting as u64 * u64::from(self.period_q16);
        let began_q16 = *self
            .began_q16
            .get_or_insert(now_q16.saturating_sub(age_q16));
        if self.taken > 0 {
            let ticks = now_q16.saturating_sub(began_q16);
            let period = ticks / (self.taken + waiting as u64);
            self.period_q16 = u32::try_from(period).unwrap_or(self.period_q16);
        }
        self.taken += n as u64;
    }

    /// The stamp of the first of `n` samples, when `waiting` of them were there at `now_q16`.
    pub fn stamp(&self, now_q16: u64, waiting: usize, n: usize) -> Stamp {
        let age_q16 = waiting.saturating_sub(1) as u64 * u64::from(self.period_q16);
        Stamp {
            n,
            tick_q16: now_q16.saturating_sub(age_q16),
            period_q16: self.period_q16,
        }
    }
}
