//! Index to tick: the line that gives every sample of a boot its tick, live and from the log alike.

use evenstride_protocol::TICK_HZ;
use heapless::Deque;

use crate::imu::MAX_BLOCK;

/// Samples after which the line is drawn anew, at the start of a block: what a chunk of the log holds.
pub const LINE_SAMPLES: u32 = 108;
const REFERENCES: usize = 8; // the period is measured over as many lines, two seconds at 416 Hz
const LINES: usize = 12; // more than the live queue can span

/// Ticks of samples in Q16: `tick(first + k) = (tick_q16 + k * period_q16) >> 16`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub first: u32,
    pub tick_q16: u64,
    pub period_q16: u32,
}

impl Line {
    /// The counter when sample `index` was taken, in 1/65,536 tick.
    pub const fn at_q16(&self, index: u32) -> u64 {
        self.tick_q16 + index.saturating_sub(self.first) as u64 * self.period_q16 as u64
    }

    pub const fn tick(&self, index: u32) -> u64 {
        self.at_q16(index) >> 16
    }

    /// The same line, begun at a later sample.
    pub const fn from(&self, index: u32) -> Self {
        Self {
            first: index,
            tick_q16: self.at_q16(index),
            period_q16: self.period_q16,
        }
    }
}

/// Ticks per sample at a nominal rate, Q16.
pub const fn nominal_period_q16(rate_mhz: u32) -> u32 {
    let rate = if rate_mhz == 0 { 1 } else { rate_mhz as u64 };
    ((((TICK_HZ as u64) << 16) * 1000 + rate / 2) / rate) as u32
}

/// The lines of one boot, the newest and those that samples in the live queue still need.
#[derive(Debug, Default)]
pub struct SampleClock {
    lines: Deque<Line, LINES>,
    references: Deque<(u32, u64), REFERENCES>,
}

impl SampleClock {
    /// A block begins at `index`, its first sample taken at `stamp_q16`; `period_q16` is the sensor driver's own idea
    /// of its period. True when a new line begins here.
    pub fn block(&mut self, index: u32, stamp_q16: u64, period_q16: u32) -> bool {
        if let Some(line) = self.lines.back() {
            if index + MAX_BLOCK as u32 - line.first <= LINE_SAMPLES {
                return false;
            }
        }
        let measured = self.references.front().and_then(|&(first, stamp)| {
            let ticks = stamp_q16.checked_sub(stamp)?;
            u32::try_from(ticks / u64::from(index.checked_sub(first)?.max(1))).ok()
        });
        // a tick never goes back: the last sample of the old line stays before the first of the new one
        let floor = self
            .lines
            .back()
            .map_or(0, |line| line.at_q16(index - 1) + 0x1_0000);
        if self.references.is_full() {
            self.references.pop_front();
        }
        let _ = self.references.push_back((index, stamp_q16));
        if self.lines.is_full() {
            self.lines.pop_front();
        }
        let _ = self.lines.push_back(Line {
            first: index,
            tick_q16: stamp_q16.max(floor),
            period_q16: measured.unwrap_or(period_q16),
        });
        true
    }

    /// The line that sample `index` lies on.
    pub fn line(&self, index: u32) -> Line {
        let found = self.lines.iter().rev().find(|line| line.first <= index);
        found.or(self.lines.front()).copied().unwrap_or_default()
    }

    pub fn tick(&self, index: u32) -> u64 {
        self.line(index).tick(index)
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_is_measured_after_the_first_line() {
        let (true_q16, nominal) = (5_200_000_u64, nominal_period_q16(416_000));
        assert_eq!(nominal, 5_162_220);
        let mut clock = SampleClock::default();
        let mut index = 0;
        while index < 2_000 {
            clock.block(index, 7_000_000 + u64::from(index) * true_q16, nominal);
            index += 9;
        }
        assert_eq!(u64::from(clock.line(index).period_q16), true_q16);
    }

    #[test]
    fn ticks_never_go_back_when_stamps_jitter() {
        let mut clock = SampleClock::default();
        let mut last = 0;
        for block in 0..300_u32 {
            let index = block * 18;
            let jitter = if block % 7 == 0 { 400_000 } else { 0 };
            let stamp = 90_000_000 + u64::from(index) * 5_162_221 - jitter;
            clock.block(index, stamp, 5_162_221);
            for k in 0..18 {
                let tick = clock.tick(index + k);
                assert!(tick > last, "sample {} at {tick} after {last}", index + k);
                last = tick;
            }
        }
    }

    #[test]
    fn a_line_begun_later_gives_the_same_ticks() {
        let line = Line {
            first: 100,
            tick_q16: 123_456_789_012,
            period_q16: 5_162_221,
        };
        for index in 140..200 {
            assert_eq!(line.from(140).tick(index), line.tick(index));
        }
    }
}
