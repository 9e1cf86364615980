//! One backfill: a cursor through the log (PROTOCOL.md section 9).

use evenstride_protocol::{BackfillDone, BackfillResult, Log};

/// `count` entries of one boot's log from `first` on. What the log does not hold is stepped over.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub log: Log,
    pub boot_id: u32,
    pub first: u32,
    pub count: u32,
    pub cursor: u32,
    pub cancelled: bool,
    sent: u32,
}

/// A backfill and the number of its next frame.
#[derive(Clone, Copy, Debug)]
pub struct Stood {
    pub job: Job,
    pub seq: u32,
}

impl Job {
    pub const fn new(log: Log, boot_id: u32, first: u32, count: u32) -> Self {
        Self {
            log,
            boot_id,
            first,
            count,
            cursor: first,
            cancelled: false,
            sent: 0,
        }
    }

    pub const fn end(&self) -> u32 {
        self.first + self.count
    }

    /// `n` entries from `first` on have been sent.
    pub fn step(&mut self, first: u32, n: usize) {
        self.cursor = first + n as u32;
        self.sent += n as u32;
    }

    /// What went out since `before` has not: None when that is another backfill.
    pub fn back_to(self, before: Self) -> Option<Self> {
        let what = |job: &Self| (job.log, job.boot_id, job.first, job.count);
        (what(&self) == what(&before)).then_some(Self {
            cancelled: self.cancelled,
            ..before
        })
    }

    /// The message that ends it.
    pub const fn done(&self, fault: bool) -> BackfillDone {
        let result = if fault {
            BackfillResult::FlashError
        } else if self.cancelled {
            BackfillResult::Cancelled
        } else if self.sent == self.count {
            BackfillResult::Complete
        } else {
            BackfillResult::Partial
        };
        let through = matches!(result, BackfillResult::Complete | BackfillResult::Partial);
        BackfillDone {
            result,
            log: self.log,
            boot_id: self.boot_id,
            first: self.first,
            count: self.count,
            sent: self.sent,
            next: if through { self.end() } else { self.cursor },
        }
    }
}
