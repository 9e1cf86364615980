//! What a pod says to everybody (section 3).

use crate::error::{DecodeError, Fault};
use crate::uuid::{COMPANY, NAME_PREFIX, SERVICE};
use crate::wire::{need, u16_at, u8_at, value, Writer};

const FORMAT: u8 = 1;
const ELEMENT: usize = 4;
const PAYLOAD: usize = 6;
const NO_STANCE: u16 = 0x0FFF;
const NO_IMPACT: u16 = 0x03FF;
const NO_CADENCE: u16 = 63;
const CADENCE_BASE: u8 = 40;

/// Bits of `Summary::flags`.
pub struct SummaryFlag;

impl SummaryFlag {
    pub const RUNNING: u8 = 1;
    pub const BATTERY_LOW: u8 = 2;
    pub const LOG_WAITING: u8 = 4;
    pub const BONDED_ONLY: u8 = 8;
}

/// Means of the last 30 clean running strides; `None` = no such strides. Values saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub flags: u8,
    /// Of this boot, modulo 256.
    pub strides: u8,
    /// Battery in fifteenths.
    pub battery: u8,
    /// 0.25 ms.
    pub stance: Option<u16>,
    /// 0.5 m/s2.
    pub impact: Option<u16>,
    /// 40 to 102.
    pub strides_per_min: Option<u8>,
}

impl Summary {
    pub const STANCE_UNIT_S: f32 = 0.000_25;
    pub const IMPACT_UNIT_MPS2: f32 = 0.5;

    /// Six bytes after the company identifier.
    pub fn payload(&self) -> [u8; PAYLOAD] {
        let stance = self.stance.map_or(NO_STANCE, |s| s.min(NO_STANCE - 1))
            | u16::from(self.battery.min(15)) << 12;
        let cadence = self.strides_per_min.map_or(NO_CADENCE, |c| {
            u16::from(c.saturating_sub(CADENCE_BASE)).min(NO_CADENCE - 1)
        });
        let impact = self.impact.map_or(NO_IMPACT, |i| i.min(NO_IMPACT - 1)) | cadence << 10;
        let [s0, s1] = stance.to_le_bytes();
        let [i0, i1] = impact.to_le_bytes();
        [
            FORMAT | (self.flags & 15) << 4,
            self.strides,
            s0,
            s1,
            i0,
            i1,
        ]
    }

    pub fn from_payload(payload: &[u8]) -> Result<Self, DecodeError> {
        need(payload, PAYLOAD)?;
        let head = u8_at(payload, 0)?;
        if head & 15 != FORMAT {
            return value(0);
        }
        let (stance, impact) = (u16_at(payload, 2)?, u16_at(payload, 4)?);
        let unless = |value: u16, none: u16| (value != none).then_some(value);
        Ok(Self {
            flags: head >> 4,
            strides: u8_at(payload, 1)?,
            battery: (stance >> 12) as u8,
            stance: unless(stance & NO_STANCE, NO_STANCE),
            impact: unless(impact & NO_IMPACT, NO_IMPACT),
            strides_per_min: unless(impact >> 10, NO_CADENCE).map(|c| c as u8 + CADENCE_BASE),
        })
    }

    /// The whole element of ten bytes.
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        Writer::new(out)
            .u8((ELEMENT + PAYLOAD - 1) as u8)
            .u8(0xFF)
            .u16(COMPANY)
            .raw(&self.payload())
            .finish()
    }

    pub fn decode(element: &[u8]) -> Result<Self, DecodeError> {
        need(element, ELEMENT + PAYLOAD)?;
        if usize::from(u8_at(element, 0)?) < ELEMENT + PAYLOAD - 1 {
            return value(0);
        }
        if u8_at(element, 1)? != 0xFF {
            return Err(DecodeError::new(Fault::Kind, 1));
        }
        if u16_at(element, 2)? != COMPANY {
            return value(2);
        }
        Self::from_payload(element.get(ELEMENT..).unwrap_or(&[]))
    }
}

/// The 31 bytes of ADV_IND: flags, service, summary.
pub fn advertising_data(summary: &Summary) -> [u8; 31] {
    let mut out = [0; 31];
    let (head, element) = out.split_at_mut(21);
    Writer::new(head)
        .raw(&[0x02, 0x01, 0x06, 0x11, 0x07])
        .raw(&SERVICE.to_le_bytes());
    summary.encode(element);
    out
}

/// The scan response: `evenstride ` and the pod id in hex, as one complete local name.
pub fn scan_response(pod_id: &[u8; 8]) -> [u8; 29] {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
    let mut out = [0; 29];
    let mut writer = Writer::new(&mut out);
    writer.u8(28).u8(0x09).raw(NAME_PREFIX.as_bytes());
    for byte in pod_id {
        writer.u8(digit(byte >> 4)).u8(digit(byte & 15));
    }
    out
}
