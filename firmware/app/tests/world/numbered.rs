//! A detector whose strides know their number: one for every nine samples.

use evenstride_app::{Counts, Layout, Method, Strides};
use evenstride_protocol::{
    BackfillDone, Command, Gait, Log, LogRanges, StrideRecord, StrideRecords, Table,
};

use super::{plan, with_detector, Ram, World};

/// Samples for each record.
pub const EVERY: u32 = 9;

#[derive(Clone, Copy, Debug, Default)]
pub struct Numbered {
    made: u32,
    waits: bool,
    method: Method,
}

/// The record with this number of any boot.
pub fn record(number: u32) -> StrideRecord {
    StrideRecord {
        strike_index: number * EVERY,
        end_index: number * EVERY + 300 + number % 7,
        strike_tick: 0x5A_0000_0000 + u64::from(number) * 709,
        toe_off_ticks: 8_000 + number % 999,
        stride_ticks: 23_000 + number % 777,
        stance_sd: (number % 60_000) as u16,
        impact_axial: -(number as i16 & 0x7FFF),
        heading: number as i16,
        gait: [Gait::Walk, Gait::Run][number as usize % 2],
        doubt: 32 | number as u16 & 0x1F,
        ..StrideRecord::default()
    }
}

impl Strides for Numbered {
    const RECORDS: bool = true;

    fn restart(&mut self, _rate_mhz: u32) {
        (self.made, self.waits) = (0, false);
    }

    fn push(&mut self, index: u32, _tick_q16: u64, _counts: &Counts) {
        self.waits |= index % EVERY == EVERY - 1;
    }

    fn poll(&mut self) -> Option<StrideRecord> {
        let made = self.made;
        self.made += u32::from(self.waits);
        core::mem::take(&mut self.waits).then(|| record(made))
    }

    fn method(&self) -> Method {
        self.method
    }

    fn can_use(&self, _table: Table, _version: u16, _content: &[u8]) -> bool {
        true
    }

    fn use_table(&mut self, table: Table, version: u16, _content: &[u8]) -> bool {
        match table {
            Table::Coefficients => self.method.coefficients_version = version,
            Table::Rotation => self.method.rotation_version = version,
        }
        true
    }
}

pub fn pod(flash: Ram, layout: Layout) -> World<Numbered> {
    with_detector(flash, plan(layout), Numbered::default())
}

/// Send a table of four bytes.
pub fn send<D: Strides>(world: &mut World<D>, table: Table, version: u16) {
    let content = &[1, 2, 3, 4];
    world.ok(Command::TableBegin {
        table,
        version,
        length: 4,
        crc32: evenstride_protocol::crc32(content),
    });
    world.ok(Command::TableChunk {
        offset: 0,
        data: content,
    });
    world.ok(Command::TableCommit);
}

/// Boot, first, end of what the log has of one kind.
pub fn held<D: Strides>(world: &mut World<D>, log: Log) -> Vec<(u32, u32, u32)> {
    let mut all = Vec::new();
    loop {
        let first = all.len() as u16;
        let page = LogRanges::decode(&world.ok(Command::LogStatus { first }));
        let page = page.unwrap();
        all.extend(page.ranges.iter().copied());
        if all.len() == usize::from(page.total) {
            break;
        }
    }
    let of_log = all.iter().filter(|range| range.log == log);
    of_log.map(|r| (r.boot_id, r.first, r.end)).collect()
}

/// Numbers and rotations of the records that a backfill brings, every record checked, and how it ended.
pub fn brought(
    world: &mut World<Numbered>,
    (boot_id, first, end): (u32, u32, u32),
) -> (Vec<(u32, u16)>, BackfillDone) {
    world.ok(Command::Backfill {
        boot_id,
        first,
        log: Log::Records,
        count: end - first,
    });
    let heard = world.hear_all();
    let done = BackfillDone::decode(heard.last().unwrap()).unwrap();
    let mut found = Vec::new();
    for message in &heard[..heard.len() - 1] {
        let message = StrideRecords::decode(message).unwrap();
        assert!(message.head.backfill);
        for (k, read) in message.records().enumerate() {
            let number = message.head.first_record + k as u32;
            assert_eq!(read, record(number));
            found.push((number, message.head.rotation_version));
        }
    }
    assert_eq!(done.sent, found.len() as u32);
    (found, done)
}

/// Everything that the log has of records, checked; each range comes whole.
pub fn check(world: &mut World<Numbered>) {
    for range in held(world, Log::Records) {
        let (found, done) = brought(world, range);
        let numbers: Vec<u32> = found.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (range.1..range.2).collect::<Vec<_>>());
        assert_eq!(done.result, evenstride_protocol::BackfillResult::Complete);
    }
}
