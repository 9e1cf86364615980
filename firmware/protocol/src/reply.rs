//! Replies to commands (section 5).

use crate::error::DecodeError;
use crate::wire::{cap, need, open, slice, u32_at, u64_at, u8_at, Writer};
use crate::MAX_PAYLOAD;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    Ok = 0,
    UnknownCommand = 1,
    Malformed = 2,
    NeedsBond = 3,
    Busy = 4,
    MtuTooSmall = 5,
    OutOfRange = 6,
    CrcMismatch = 7,
    NoSpace = 8,
    BadState = 9,
    NotSupported = 10,
    NotFound = 11,
    StorageError = 12,
    BadSignature = 13,
    Failed = 255,
}

impl Status {
    /// A status of a newer minor version reads as failed.
    pub const fn from_air(value: u8) -> Self {
        match value {
            0 => Self::Ok,
            1 => Self::UnknownCommand,
            2 => Self::Malformed,
            3 => Self::NeedsBond,
            4 => Self::Busy,
            5 => Self::MtuTooSmall,
            6 => Self::OutOfRange,
            7 => Self::CrcMismatch,
            8 => Self::NoSpace,
            9 => Self::BadState,
            10 => Self::NotSupported,
            11 => Self::NotFound,
            12 => Self::StorageError,
            13 => Self::BadSignature,
            _ => Self::Failed,
        }
    }
}

/// The one answer to a command; `payload` is another message, empty when the command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    pub opcode: u8,
    pub token: u8,
    pub status: Status,
    pub payload: &'a [u8],
}

impl<'a> Reply<'a> {
    pub const KIND: u8 = 0x80;
    pub const HEADER: usize = 4;

    pub fn decode(data: &'a [u8]) -> Result<Self, DecodeError> {
        open(data, Self::KIND, Self::HEADER)?;
        let n = data.len() - Self::HEADER;
        cap(n, MAX_PAYLOAD, Self::HEADER)?;
        Ok(Self {
            opcode: u8_at(data, 1)?,
            token: u8_at(data, 2)?,
            status: Status::from_air(u8_at(data, 3)?),
            payload: slice(data, Self::HEADER, n)?,
        })
    }

    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        if self.payload.len() > MAX_PAYLOAD {
            return None;
        }
        Self::head(out, self.opcode, self.token, self.status)
            .raw(self.payload)
            .finish()
    }

    /// An OK whose payload is written in place by `payload`, which is handed at most 240 bytes and says how many it used.
    pub fn build(
        out: &mut [u8],
        opcode: u8,
        token: u8,
        payload: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Option<usize> {
        let head = Self::head(out, opcode, token, Status::Ok).finish()?;
        let room = (out.len() - head).min(MAX_PAYLOAD);
        let used = payload(out.get_mut(head..head + room)?)?;
        (used <= room).then_some(head + used)
    }

    fn head(out: &mut [u8], opcode: u8, token: u8, status: Status) -> Writer<'_> {
        let mut writer = Writer::new(out);
        writer.u8(Self::KIND).u8(opcode).u8(token).u8(status as u8);
        writer
    }
}

/// Where the stream stands: payload of the replies to START, STOP and SET_RATE. It has no kind byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamPosition {
    pub boot_id: u32,
    pub next_seq: u32,
    pub next_index: u32,
    /// Of the sample `next_index`.
    pub tick: u64,
}

impl StreamPosition {
    pub const SIZE: usize = 20;

    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        need(data, Self::SIZE)?;
        Ok(Self {
            boot_id: u32_at(data, 0)?,
            next_seq: u32_at(data, 4)?,
            next_index: u32_at(data, 8)?,
            tick: u64_at(data, 12)?,
        })
    }

    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        Writer::new(out)
            .u32(self.boot_id)
            .u32(self.next_seq)
            .u32(self.next_index)
            .u64(self.tick)
            .finish()
    }
}
