//! Stride records (section 7).

use crate::error::DecodeError;
use crate::wire::{cap, i16_at, need, open, slice, u16_at, u32_at, u64_at, u8_at, value, Writer};
use crate::{MAX_RECORDS, MAX_RECORD_SIZE};

/// Not measurable, of a signed field.
pub const NO_I16: i16 = i16::MIN;
/// Not measurable, of the loading rate.
pub const NO_U16: u16 = u16::MAX;
const BACKFILL: u8 = 1;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Gait {
    #[default]
    Walk = 0,
    Run = 1,
}

/// Bits of a record's doubt.
pub struct Doubt;

impl Doubt {
    pub const GAP: u16 = 1;
    pub const CLIPPED: u16 = 2;
    pub const CANDIDATES_DISAGREE: u16 = 4;
    pub const LOOSE: u16 = 8;
    pub const OUT_OF_RANGE: u16 = 16;
    /// Says where it was computed, not that anything is wrong.
    pub const ON_POD: u16 = 32;
    pub const ALTERNATION: u16 = 64;
    pub const FALLBACK: u16 = 128;
}

/// One stride in the units of the air.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StrideRecord {
    /// The sample at or just before initial contact, and the next contact's.
    pub strike_index: u32,
    pub end_index: u32,
    /// Of the initial contact, interpolated.
    pub strike_tick: u64,
    pub toe_off_ticks: u32,
    pub stride_ticks: u32,
    /// 10 us.
    pub stance_sd: u16,
    /// 0.05 m/s2, or `NO_I16`.
    pub impact_axial: i16,
    /// 0.05 m/s2, or `NO_I16`.
    pub impact: i16,
    /// 10 m/s3, or `NO_U16`.
    pub loading: u16,
    /// 0.001 rad/s.
    pub swing_peak: u16,
    /// 0.0001 rad, or `NO_I16`.
    pub heading: i16,
    pub gait: Gait,
    pub doubt: u16,
}

impl StrideRecord {
    pub const SIZE: usize = 40;
    pub const STANCE_SD_UNIT_S: f32 = 1e-5;
    pub const IMPACT_UNIT_MPS2: f32 = 0.05;
    pub const LOADING_UNIT_MPS3: f32 = 10.0;
    pub const SWING_UNIT_RADPS: f32 = 1e-3;
    pub const HEADING_UNIT_RAD: f32 = 1e-4;

    /// One record alone, as it stands in messages and in the log. Refuses an unknown gait.
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        need(data, Self::SIZE)?;
        Ok(Self {
            strike_index: u32_at(data, 0)?,
            end_index: u32_at(data, 4)?,
            strike_tick: u64_at(data, 8)?,
            toe_off_ticks: u32_at(data, 16)?,
            stride_ticks: u32_at(data, 20)?,
            stance_sd: u16_at(data, 24)?,
            impact_axial: i16_at(data, 26)?,
            impact: i16_at(data, 28)?,
            loading: u16_at(data, 30)?,
            swing_peak: u16_at(data, 32)?,
            heading: i16_at(data, 34)?,
            gait: match u8_at(data, 36)? {
                0 => Gait::Walk,
                1 => Gait::Run,
                _ => return value(36),
            },
            doubt: u16_at(data, 38)?,
        })
    }

    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let mut writer = Writer::new(out);
        self.write(&mut writer);
        writer.finish()
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer
            .u32(self.strike_index)
            .u32(self.end_index)
            .u64(self.strike_tick)
            .u32(self.toe_off_ticks)
            .u32(self.stride_ticks)
            .u16(self.stance_sd)
            .i16(self.impact_axial)
            .i16(self.impact)
            .u16(self.loading)
            .u16(self.swing_peak)
            .i16(self.heading)
            .u8(self.gait as u8)
            .u8(0)
            .u16(self.doubt);
    }
}

/// What the records of one message have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordsHead {
    pub backfill: bool,
    pub boot_id: u32,
    /// Number of the first record; those of a boot are numbered from 0 without holes.
    pub first_record: u32,
    /// 1 = rules, 2 = learned estimator.
    pub rules: u16,
    pub coefficients_version: u16,
    pub rotation_version: u16,
}

impl RecordsHead {
    pub const SIZE: usize = 20;

    /// A message of 1 to 5 records; `None` for another number.
    pub fn encode(&self, records: &[StrideRecord], out: &mut [u8]) -> Option<usize> {
        if records.is_empty() || records.len() > MAX_RECORDS {
            return None;
        }
        let mut writer = Writer::new(out);
        writer
            .u8(StrideRecords::KIND)
            .u8(u8::from(self.backfill) * BACKFILL)
            .u8(records.len() as u8)
            .u8(StrideRecord::SIZE as u8)
            .u32(self.boot_id)
            .u32(self.first_record)
            .u16(self.rules)
            .u16(self.coefficients_version)
            .u16(self.rotation_version)
            .u16(0);
        for record in records {
            record.write(&mut writer);
        }
        writer.finish()
    }
}

/// A message of records as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrideRecords<'a> {
    pub head: RecordsHead,
    records: &'a [u8],
    size: usize,
}

impl<'a> StrideRecords<'a> {
    pub const KIND: u8 = 0x02;

    /// Refuses the message whole where one record is malformed.
    pub fn decode(data: &'a [u8]) -> Result<Self, DecodeError> {
        open(data, Self::KIND, RecordsHead::SIZE)?;
        let (flags, n, size) = (
            u8_at(data, 1)?,
            usize::from(u8_at(data, 2)?),
            usize::from(u8_at(data, 3)?),
        );
        if n == 0 {
            return value(2);
        }
        cap(n, MAX_RECORDS, 2)?;
        if size < StrideRecord::SIZE {
            return value(3);
        }
        cap(size, MAX_RECORD_SIZE, 3)?;
        let records = slice(data, RecordsHead::SIZE, n * size)?;
        for (k, record) in records.chunks_exact(size).enumerate() {
            StrideRecord::decode(record).map_err(|error| {
                DecodeError::new(error.fault, RecordsHead::SIZE + k * size + error.offset)
            })?;
        }
        Ok(Self {
            head: RecordsHead {
                backfill: flags & BACKFILL != 0,
                boot_id: u32_at(data, 4)?,
                first_record: u32_at(data, 8)?,
                rules: u16_at(data, 12)?,
                coefficients_version: u16_at(data, 14)?,
                rotation_version: u16_at(data, 16)?,
            },
            records,
            size,
        })
    }

    pub fn records(&self) -> impl Iterator<Item = StrideRecord> + 'a {
        self.records
            .chunks_exact(self.size)
            .filter_map(|record| StrideRecord::decode(record).ok())
    }

    /// Written again with records of this version's size.
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let mut records = [StrideRecord::default(); MAX_RECORDS];
        let mut n = 0;
        for (slot, record) in records.iter_mut().zip(self.records()) {
            *slot = record;
            n += 1;
        }
        self.head.encode(records.get(..n)?, out)
    }
}

/// `value` in units of `unit`, rounded, at the ends of the range where it is beyond; `NO_I16` for None and NaN.
pub fn saturated_i16(value: Option<f32>, unit: f32) -> i16 {
    match value {
        Some(value) if !value.is_nan() => {
            let units = value / unit;
            // a cast saturates; half away from zero
            let rounded = (if units < 0.0 {
                units - 0.5
            } else {
                units + 0.5
            }) as i32;
            rounded.clamp(-i32::from(i16::MAX), i32::from(i16::MAX)) as i16
        }
        _ => NO_I16,
    }
}

/// `value` in units of `unit`, rounded, at most `highest`; negative and NaN are 0.
pub fn saturated_u16(value: f32, unit: f32, highest: u16) -> u16 {
    ((value / unit + 0.5) as u16).min(highest)
}
