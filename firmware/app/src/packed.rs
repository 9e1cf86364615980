//! A stride record in the log: 32 bytes for the 40 of the air.

use evenstride_protocol::StrideRecord;

/// Bytes of a record in flash.
pub const PACKED: usize = 32;
const AIR: usize = StrideRecord::SIZE;

/// None for what no detector makes: strides of 65,536 samples or of 512 s, stance of 2 s, ticks beyond 48 bits.
///
/// Offsets: 0 strike index u32, 4 tick u48, 10 toe-off u16, 12 stride u24, 15 gait u8, 16 samples of the stride u16, then
/// as on the air.
pub fn packed(record: &StrideRecord) -> Option<[u8; PACKED]> {
    let mut air = [0; AIR];
    record.encode(&mut air)?;
    let length = record.end_index.checked_sub(record.strike_index)?;
    let mut out = [0; PACKED];
    let parts = [
        (0, air.get(..4)?),
        (4, air.get(8..14)?),
        (10, air.get(16..18)?),
        (12, air.get(20..23)?),
        (15, air.get(36..37)?),
        (16, &u16::try_from(length).ok()?.to_le_bytes()),
        (18, air.get(24..36)?),
        (30, air.get(38..40)?),
    ];
    for (at, part) in parts {
        out.get_mut(at..at + part.len())?.copy_from_slice(part);
    }
    (unpacked(&out).as_ref() == Some(record)).then_some(out)
}

/// What `packed` made.
pub fn unpacked(bytes: &[u8]) -> Option<StrideRecord> {
    let mut air = [0; AIR];
    let start = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
    let length = u16::from_le_bytes(bytes.get(16..18)?.try_into().ok()?);
    let end = start.wrapping_add(u32::from(length)).to_le_bytes();
    let parts = [
        (0, bytes.get(..4)?),
        (4, &end),
        (8, bytes.get(4..10)?),
        (16, bytes.get(10..12)?),
        (20, bytes.get(12..15)?),
        (24, bytes.get(18..30)?),
        (36, bytes.get(15..16)?),
        (38, bytes.get(30..32)?),
    ];
    for (at, part) in parts {
        air.get_mut(at..at + part.len())?.copy_from_slice(part);
    }
    StrideRecord::decode(&air).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenstride_protocol::{Gait, NO_I16, NO_U16};

    const RECORD: StrideRecord = StrideRecord {
        strike_index: 0xF1F2_F3F4,
        end_index: 0xF1F3_F3F3,
        strike_tick: 0xA1A2_A3A4_A5A6,
        toe_off_ticks: 65_535,
        stride_ticks: 0xB1_B2B3,
        stance_sd: 0xC1C2,
        impact_axial: NO_I16,
        impact: -2,
        loading: NO_U16,
        swing_peak: 0xD1D2,
        heading: i16::MAX,
        gait: Gait::Run,
        doubt: 0xE1E2,
    };

    #[test]
    fn every_field_comes_back() {
        let bytes = packed(&RECORD).unwrap();
        assert_eq!(unpacked(&bytes), Some(RECORD));
        let walk = StrideRecord::default();
        assert_eq!(unpacked(&packed(&walk).unwrap()), Some(walk));
    }

    #[test]
    fn what_does_not_fit_is_none() {
        let too_long = [
            StrideRecord {
                end_index: RECORD.strike_index.wrapping_add(65_536),
                ..RECORD
            },
            StrideRecord {
                end_index: RECORD.strike_index - 1,
                ..RECORD
            },
            StrideRecord {
                strike_tick: 1 << 48,
                ..RECORD
            },
            StrideRecord {
                toe_off_ticks: 65_536,
                ..RECORD
            },
            StrideRecord {
                stride_ticks: 1 << 24,
                ..RECORD
            },
        ];
        assert!(too_long.iter().all(|record| packed(record).is_none()));
    }

    #[test]
    fn what_is_no_record_is_none() {
        let mut bytes = packed(&RECORD).unwrap();
        bytes[15] = 9; // no such gait
        assert_eq!(unpacked(&bytes), None);
        assert_eq!(unpacked(&bytes[..31]), None);
    }
}
