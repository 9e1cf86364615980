//! The on-pod stride detector as the application sees it.

use evenstride_protocol::{StrideRecord, Table};

use crate::imu::Counts;

/// What stands in the head of a message of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Method {
    /// 1 = rule detector, 2 = learned estimator.
    pub rules: u16,
    pub coefficients_version: u16,
    pub rotation_version: u16,
}

/// Samples in, stride records out; fixed memory.
pub trait Strides {
    /// Whether it finds any: else Info does not claim RECORDS.
    const RECORDS: bool;

    /// A new boot begins at this rate.
    fn restart(&mut self, rate_mhz: u32);

    /// The next sample of the boot, taken when the counter stood at `tick_q16` / 65,536.
    fn push(&mut self, index: u32, tick_q16: u64, counts: &Counts);

    /// The next settled stride.
    fn poll(&mut self) -> Option<StrideRecord>;

    fn method(&self) -> Method;

    /// Whether `use_table` would.
    fn can_use(&self, table: Table, version: u16, content: &[u8]) -> bool;

    /// Use this table from the next stride on; one that cannot be used changes nothing and gives false.
    fn use_table(&mut self, table: Table, version: u16, content: &[u8]) -> bool;
}

/// A detector that stays where it was made.
impl<S: Strides> Strides for &mut S {
    const RECORDS: bool = S::RECORDS;

    fn restart(&mut self, rate_mhz: u32) {
        (**self).restart(rate_mhz);
    }

    fn push(&mut self, index: u32, tick_q16: u64, counts: &Counts) {
        (**self).push(index, tick_q16, counts);
    }

    fn poll(&mut self) -> Option<StrideRecord> {
        (**self).poll()
    }

    fn method(&self) -> Method {
        (**self).method()
    }

    fn can_use(&self, table: Table, version: u16, content: &[u8]) -> bool {
        (**self).can_use(table, version, content)
    }

    fn use_table(&mut self, table: Table, version: u16, content: &[u8]) -> bool {
        (**self).use_table(table, version, content)
    }
}

/// A pod without a detector: keeps tables, finds nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStrides {
    method: Method,
}

impl Strides for NoStrides {
    const RECORDS: bool = false;

    fn restart(&mut self, _rate_mhz: u32) {}

    fn push(&mut self, _index: u32, _tick_q16: u64, _counts: &Counts) {}

    fn poll(&mut self) -> Option<StrideRecord> {
        None
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
