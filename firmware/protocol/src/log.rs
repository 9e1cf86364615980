//! What the log holds, the end of a backfill, and dates (sections 9 and 10).

use crate::command::Log;
use crate::error::DecodeError;
use crate::list::List;
use crate::wire::{cap, i64_at, need, open, u16_at, u32_at, u64_at, u8_at, value, Writer};
use crate::{MAX_ANCHORS, MAX_RANGES};

const HEADER: usize = 8;

/// What one log holds of one boot: entries `first` to `end - 1`, without holes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogRange {
    pub log: Log,
    pub boot_id: u32,
    pub first: u32,
    pub end: u32,
}

/// A page of the list of ranges: entries `first` on, of `total`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LogRanges {
    pub total: u16,
    pub first: u16,
    pub ranges: List<LogRange, MAX_RANGES>,
}

impl LogRanges {
    pub const KIND: u8 = 0x05;
    const ENTRY: usize = 16;

    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let (n, total, first) = read_page(data, Self::KIND, MAX_RANGES, Self::ENTRY)?;
        let mut ranges = List::new();
        for at in (0..n).map(|k| HEADER + k * Self::ENTRY) {
            let range = LogRange {
                log: Log::default(),
                boot_id: u32_at(data, at + 4)?,
                first: u32_at(data, at + 8)?,
                end: u32_at(data, at + 12)?,
            };
            if range.end < range.first {
                return value(at + 12);
            }
            let log = Log::read(u8_at(data, at)?, at)?;
            ranges.push(LogRange { log, ..range });
        }
        Ok(Self {
            total,
            first,
            ranges,
        })
    }

    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let mut writer = page(out, Self::KIND, self.ranges.len(), self.total, self.first);
        for range in self.ranges.iter() {
            writer
                .u8(range.log as u8)
                .u8(0)
                .u16(0)
                .u32(range.boot_id)
                .u32(range.first)
                .u32(range.end);
        }
        writer.finish()
    }
}

/// At this tick of this boot it was `utc_ns`, nanoseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UtcAnchor {
    pub boot_id: u32,
    pub tick: u64,
    pub utc_ns: i64,
}

/// A page of the stored anchors, oldest first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UtcAnchors {
    pub total: u16,
    pub first: u16,
    pub anchors: List<UtcAnchor, MAX_ANCHORS>,
}

impl UtcAnchors {
    pub const KIND: u8 = 0x06;
    const ENTRY: usize = 20;

    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let (n, total, first) = read_page(data, Self::KIND, MAX_ANCHORS, Self::ENTRY)?;
        let mut anchors = List::new();
        for at in (0..n).map(|k| HEADER + k * Self::ENTRY) {
            anchors.push(UtcAnchor {
                boot_id: u32_at(data, at)?,
                tick: u64_at(data, at + 4)?,
                utc_ns: i64_at(data, at + 12)?,
            });
        }
        Ok(Self {
            total,
            first,
            anchors,
        })
    }

    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let mut writer = page(out, Self::KIND, self.anchors.len(), self.total, self.first);
        for anchor in self.anchors.iter() {
            writer
                .u32(anchor.boot_id)
                .u64(anchor.tick)
                .i64(anchor.utc_ns);
        }
        writer.finish()
    }
}

/// How a backfill ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BackfillResult {
    Complete = 0,
    /// What did not come is not in the log and never will be.
    Partial = 1,
    Cancelled = 2,
    FlashError = 3,
}

/// The end of a backfill: of `count` entries from `first` on, `sent` went out; it goes on at `next`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackfillDone {
    pub result: BackfillResult,
    pub log: Log,
    pub boot_id: u32,
    pub first: u32,
    pub count: u32,
    pub sent: u32,
    pub next: u32,
}

impl BackfillDone {
    pub const KIND: u8 = 0x04;
    pub const SIZE: usize = 24;

    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        open(data, Self::KIND, Self::SIZE)?;
        let result = match u8_at(data, 1)? {
            0 => BackfillResult::Complete,
            1 => BackfillResult::Partial,
            2 => BackfillResult::Cancelled,
            3 => BackfillResult::FlashError,
            _ => return value(1),
        };
        Ok(Self {
            result,
            log: Log::read(u8_at(data, 2)?, 2)?,
            boot_id: u32_at(data, 4)?,
            first: u32_at(data, 8)?,
            count: u32_at(data, 12)?,
            sent: u32_at(data, 16)?,
            next: u32_at(data, 20)?,
        })
    }

    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        Writer::new(out)
            .u8(Self::KIND)
            .u8(self.result as u8)
            .u8(self.log as u8)
            .u8(0)
            .u32(self.boot_id)
            .u32(self.first)
            .u32(self.count)
            .u32(self.sent)
            .u32(self.next)
            .finish()
    }
}

fn page(out: &mut [u8], kind: u8, n: usize, total: u16, first: u16) -> Writer<'_> {
    let mut writer = Writer::new(out);
    writer.u8(kind).u8(n as u8).u16(total).u16(first).u16(0);
    writer
}

fn read_page(
    data: &[u8],
    kind: u8,
    most: usize,
    entry: usize,
) -> Result<(usize, u16, u16), DecodeError> {
    open(data, kind, HEADER)?;
    let (n, total, first) = (u8_at(data, 1)?, u16_at(data, 2)?, u16_at(data, 4)?);
    cap(usize::from(n), most, 1)?;
    if u32::from(first) + u32::from(n) > u32::from(total) {
        return value(2);
    }
    need(data, HEADER + usize::from(n) * entry)?;
    Ok((usize::from(n), total, first))
}
