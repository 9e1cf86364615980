//! The versioned coefficients (PROTOCOL.md section 13.1), read where they lie: flash or RAM.

use crate::loose::WEIGHTS;
use evenstride_protocol::crc32;

const MAGIC: &[u8; 4] = b"EVST";
const HEADER: usize = 16;
const NUMBERS: usize = 19 + WEIGHTS;
const NETS: usize = 5;
pub(crate) const MAX_INPUTS: usize = 48;
const MAX_HIDDEN: usize = 64;
const LEARNED: u16 = 2;

/// The table that the image carries.
pub const BUILT_IN: &[u8] = include_bytes!("../tables/learned_1.bin");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableError {
    /// Not a table of coefficients, or cut short.
    Layout,
    Crc,
    /// A network of a size that this estimator has no memory for.
    Size,
    /// A number that is not finite, or a bound or variance without meaning.
    Value,
}

/// One hidden layer of rectifiers; inputs every 15 ms from `start` on, time by time, x, y, z. Weights as bytes of f32.
#[derive(Clone, Copy)]
pub(crate) struct Net<'t> {
    /// Grid steps from the guess to the window's first value.
    pub(crate) start: f32,
    pub(crate) inputs: usize,
    /// Unit by unit: `inputs` weights each.
    pub(crate) first: &'t [u8],
    pub(crate) first_bias: &'t [u8],
    pub(crate) second: &'t [u8],
    pub(crate) second_bias: f32,
}

/// Half-open bounds outside of which the method was not trained.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    low: f32,
    high: f32,
}

impl Range {
    pub(crate) fn holds(&self, value: f32) -> bool {
        self.low <= value && value < self.high
    }
}

/// A table that was checked whole.
#[derive(Clone, Copy)]
pub struct Table<'t> {
    version: u16,
    pub(crate) ic_offset_s: f32,
    pub(crate) tc_offset_s: f32,
    /// Of the rules: all that walking needs.
    pub(crate) walk_ic_offset_s: f32,
    pub(crate) stance_s: Range,
    pub(crate) stride_s: Range,
    pub(crate) swing_radps: Range,
    pub(crate) stride_variance: [f32; 5],
    /// Of a loose pod: positive sums are loose.
    pub(crate) loose: [f32; WEIGHTS],
    pub(crate) contact: Net<'t>,
    pub(crate) toe_off_coarse: Net<'t>,
    pub(crate) toe_off: Net<'t>,
    pub(crate) contact_check: Net<'t>,
    pub(crate) toe_off_check: Net<'t>,
}

/// The f32 in `bytes`, little-endian, one after the other.
pub(crate) fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.chunks_exact(4).map(|four| match four.first_chunk() {
        Some(four) => f32::from_le_bytes(*four),
        None => 0.0,
    })
}

impl<'t> Table<'t> {
    /// The table in the image, which a test has read.
    pub fn built_in() -> Result<Table<'static>, TableError> {
        Table::new(BUILT_IN)
    }

    /// Check `bytes` whole: length, CRC-32, sizes, numbers. Bytes behind the table's own length are not read.
    pub fn new(bytes: &'t [u8]) -> Result<Self, TableError> {
        let (head, body) = parts(bytes)?;
        if crc32(body) != head.crc32 {
            return Err(TableError::Crc);
        }
        let table = Self::again(bytes)?;
        for net in table.nets() {
            for number in [net.first, net.first_bias, net.second]
                .into_iter()
                .flat_map(floats)
            {
                finite(number)?;
            }
        }
        Ok(table)
    }

    /// A table that `new` has taken before and that nobody has changed since: without the CRC-32 and the look at each
    /// weight, so that memory which is written anew need not be borrowed for ever (`Detector::poll_with`).
    pub fn again(bytes: &'t [u8]) -> Result<Self, TableError> {
        let (head, mut rest) = parts(bytes)?;
        let mut numbers = [0.0; NUMBERS];
        for (slot, number) in numbers
            .iter_mut()
            .zip(floats(take(&mut rest, 4 * NUMBERS)?))
        {
            *slot = finite(number)?;
        }
        let mut nets = [None; NETS];
        for net in &mut nets {
            *net = Some(read_net(&mut rest)?);
        }
        let [Some(contact), Some(toe_off_coarse), Some(toe_off), Some(contact_check), Some(toe_off_check)] =
            nets
        else {
            return Err(TableError::Layout);
        };
        let [ic_offset_s, tc_offset_s, walk_ic_offset_s, stance0, stance1, stride0, stride1, swing0, swing1, rest @ ..] =
            numbers;
        // the variance that stays with a leg for a whole run is the gateway's affair
        let [a, b, c, d, e, _, _, _, _, _, loose @ ..] = rest;
        let variance = [a, b, c, d, e];
        if variance.iter().any(|v| *v < 0.0) || a <= 0.0 {
            return Err(TableError::Value);
        }
        Ok(Self {
            version: head.version,
            ic_offset_s,
            tc_offset_s,
            walk_ic_offset_s,
            stance_s: range(stance0, stance1)?,
            stride_s: range(stride0, stride1)?,
            swing_radps: range(swing0, swing1)?,
            stride_variance: variance,
            loose,
            contact,
            toe_off_coarse,
            toe_off,
            contact_check,
            toe_off_check,
        })
    }

    fn nets(&self) -> [Net<'t>; NETS] {
        [
            self.contact,
            self.toe_off_coarse,
            self.toe_off,
            self.contact_check,
            self.toe_off_check,
        ]
    }

    pub const fn version(&self) -> u16 {
        self.version
    }

    /// `rules` of the records that come from this table.
    pub const fn rules(&self) -> u16 {
        LEARNED
    }
}

struct Head {
    version: u16,
    crc32: u32,
}

/// The head, and what its CRC-32 covers.
fn parts(bytes: &[u8]) -> Result<(Head, &[u8]), TableError> {
    let head: &[u8; HEADER] = bytes.first_chunk().ok_or(TableError::Layout)?;
    let [m0, m1, m2, m3, v0, v1, r0, r1, l0, l1, l2, l3, c0, c1, c2, c3] = *head;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    let body = bytes.get(HEADER..length).ok_or(TableError::Layout)?;
    if [m0, m1, m2, m3] != *MAGIC || u16::from_le_bytes([r0, r1]) != LEARNED {
        return Err(TableError::Layout);
    }
    let head = Head {
        version: u16::from_le_bytes([v0, v1]),
        crc32: u32::from_le_bytes([c0, c1, c2, c3]),
    };
    Ok((head, body))
}

fn take<'t>(rest: &mut &'t [u8], n: usize) -> Result<&'t [u8], TableError> {
    let (taken, left) = rest.split_at_checked(n).ok_or(TableError::Layout)?;
    *rest = left;
    Ok(taken)
}

fn finite(number: f32) -> Result<f32, TableError> {
    if number.is_finite() {
        Ok(number)
    } else {
        Err(TableError::Value)
    }
}

fn range(low: f32, high: f32) -> Result<Range, TableError> {
    if low < high {
        Ok(Range { low, high })
    } else {
        Err(TableError::Value)
    }
}

fn read_net<'t>(rest: &mut &'t [u8]) -> Result<Net<'t>, TableError> {
    let head: &[u8; 8] = take(rest, 8)?.first_chunk().ok_or(TableError::Layout)?;
    let [s0, s1, s2, s3, i0, i1, h0, h1] = *head;
    let start = finite(f32::from_le_bytes([s0, s1, s2, s3]))?;
    let inputs = usize::from(u16::from_le_bytes([i0, i1]));
    let hidden = usize::from(u16::from_le_bytes([h0, h1]));
    if inputs == 0 || inputs % 3 != 0 || inputs > MAX_INPUTS || hidden == 0 || hidden > MAX_HIDDEN {
        return Err(TableError::Size);
    }
    let first = take(rest, 4 * inputs * hidden)?;
    let first_bias = take(rest, 4 * hidden)?;
    let second = take(rest, 4 * hidden)?;
    let last = take(rest, 4)?;
    Ok(Net {
        start,
        inputs,
        first,
        first_bias,
        second,
        second_bias: finite(floats(last).next().unwrap_or(0.0))?,
    })
}
