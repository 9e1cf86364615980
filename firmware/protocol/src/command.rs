//! What the host writes to Control (sections 5, 13 and 14).

use crate::error::DecodeError;
use crate::status::Mode;
use crate::wire::{bytes, check_size, i64_at, need, slice, u16_at, u32_at, u8_at, value, Writer};
use crate::{MAX_CHUNK, MAX_IMAGE, MAX_RATE_MHZ, MAX_TABLE, MIN_RATE_MHZ};

/// Two logs: raw samples by sample index, stride records by record number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Log {
    #[default]
    Raw = 0,
    Records = 1,
}

impl Log {
    pub(crate) fn read(number: u8, offset: usize) -> Result<Self, DecodeError> {
        match number {
            0 => Ok(Self::Raw),
            1 => Ok(Self::Records),
            _ => value(offset),
        }
    }
}

/// What a host may replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Table {
    Coefficients = 1,
    Rotation = 2,
}

/// An image is to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpdateBegin {
    pub key_id: u16,
    pub image_version: u32,
    pub length: u32,
    pub crc32: u32,
    pub sha256: [u8; 32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// RAW, STRIDES or SQUAD: never idle.
    Start {
        mode: Mode,
    },
    Stop,
    Identify {
        duration_s: u8,
    },
    SetRate {
        rate_mhz: u32,
    },
    GetStatus,
    Anchor {
        utc_ns: i64,
    },
    AnchorList {
        first: u16,
    },
    LogStatus {
        first: u16,
    },
    Backfill {
        boot_id: u32,
        first: u32,
        log: Log,
        count: u32,
    },
    BackfillCancel,
    AckLog {
        boot_id: u32,
        end: u32,
        log: Log,
    },
    EraseLog,
    TableBegin {
        table: Table,
        version: u16,
        length: u32,
        crc32: u32,
    },
    TableChunk {
        offset: u32,
        data: &'a [u8],
    },
    TableCommit,
    ClearBonds,
    UpdateBegin(UpdateBegin),
    UpdateChunk {
        offset: u32,
        data: &'a [u8],
    },
    UpdateCommit {
        signature: &'a [u8; 64],
    },
    /// Of a newer minor version: to be answered UNKNOWN_COMMAND.
    Unknown {
        opcode: u8,
    },
}

/// A command with its token, which comes back in the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    pub token: u8,
    pub command: Command<'a>,
}

/// Opcode and token for the reply to a command that cannot be read; a missing byte is 0.
pub fn header_of(data: &[u8]) -> (u8, u8) {
    let at = |k: usize| data.get(k).copied().unwrap_or(0);
    (at(0), at(1))
}

impl<'a> Request<'a> {
    pub fn decode(data: &'a [u8]) -> Result<Self, DecodeError> {
        check_size(data)?;
        let opcode = u8_at(data, 0)?;
        let Some(size) = size_of(opcode) else {
            return Ok(Self {
                token: header_of(data).1,
                command: Command::Unknown { opcode },
            });
        };
        need(data, size)?;
        Ok(Self {
            token: u8_at(data, 1)?,
            command: read(opcode, data)?,
        })
    }

    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let mut writer = Writer::new(out);
        writer.u8(self.command.opcode()).u8(self.token);
        match self.command {
            Command::Start { mode } => writer.u8(mode as u8),
            Command::Identify { duration_s } => writer.u8(duration_s),
            Command::SetRate { rate_mhz } => writer.u32(rate_mhz),
            Command::Anchor { utc_ns } => writer.i64(utc_ns),
            Command::AnchorList { first } | Command::LogStatus { first } => writer.u16(first),
            Command::Backfill {
                boot_id,
                first,
                log,
                count,
            } => writer
                .u32(boot_id)
                .u32(first)
                .u8(log as u8)
                .raw(&[0; 3])
                .u32(count),
            Command::AckLog { boot_id, end, log } => writer.u32(boot_id).u32(end).u8(log as u8),
            Command::TableBegin {
                table,
                version,
                length,
                crc32,
            } => writer
                .u8(table as u8)
                .u8(0)
                .u16(version)
                .u32(length)
                .u32(crc32),
            Command::TableChunk { offset, data } | Command::UpdateChunk { offset, data } => {
                if data.is_empty() || data.len() > MAX_CHUNK {
                    return None;
                }
                writer.u32(offset).raw(data)
            }
            Command::UpdateBegin(begin) => writer
                .u16(begin.key_id)
                .u32(begin.image_version)
                .u32(begin.length)
                .u32(begin.crc32)
                .raw(&begin.sha256),
            Command::UpdateCommit { signature } => writer.raw(signature),
            _ => &mut writer,
        }
        .finish()
    }
}

impl Command<'_> {
    pub const fn opcode(&self) -> u8 {
        match self {
            Self::Start { .. } => 0x40,
            Self::Stop => 0x41,
            Self::Identify { .. } => 0x42,
            Self::SetRate { .. } => 0x43,
            Self::GetStatus => 0x44,
            Self::Anchor { .. } => 0x45,
            Self::AnchorList { .. } => 0x46,
            Self::LogStatus { .. } => 0x47,
            Self::Backfill { .. } => 0x48,
            Self::BackfillCancel => 0x49,
            Self::AckLog { .. } => 0x4A,
            Self::EraseLog => 0x4B,
            Self::TableBegin { .. } => 0x4C,
            Self::TableChunk { .. } => 0x4D,
            Self::TableCommit => 0x4E,
            Self::ClearBonds => 0x4F,
            Self::UpdateBegin(_) => 0x50,
            Self::UpdateChunk { .. } => 0x51,
            Self::UpdateCommit { .. } => 0x52,
            Self::Unknown { opcode } => *opcode,
        }
    }
}

/// Bytes of the fields, opcode and token included; `None` for an unknown opcode.
const fn size_of(opcode: u8) -> Option<usize> {
    Some(match opcode {
        0x41 | 0x44 | 0x49 | 0x4B | 0x4E | 0x4F => 2,
        0x40 | 0x42 => 3,
        0x46 | 0x47 => 4,
        0x43 | 0x4D | 0x51 => 6,
        0x45 => 10,
        0x4A => 11,
        0x4C => 14,
        0x48 => 18,
        0x50 => 48,
        0x52 => 66,
        _ => return None,
    })
}

fn read(opcode: u8, data: &[u8]) -> Result<Command<'_>, DecodeError> {
    Ok(match opcode {
        0x40 => Command::Start {
            mode: match Mode::from_air(u8_at(data, 2)?) {
                Mode::Idle => return value(2),
                mode => mode,
            },
        },
        0x41 => Command::Stop,
        0x42 => Command::Identify {
            duration_s: u8_at(data, 2)?,
        },
        0x43 => {
            let rate_mhz = u32_at(data, 2)?;
            if !(MIN_RATE_MHZ..=MAX_RATE_MHZ).contains(&rate_mhz) {
                return value(2);
            }
            Command::SetRate { rate_mhz }
        }
        0x44 => Command::GetStatus,
        0x45 => Command::Anchor {
            utc_ns: i64_at(data, 2)?,
        },
        0x46 => Command::AnchorList {
            first: u16_at(data, 2)?,
        },
        0x47 => Command::LogStatus {
            first: u16_at(data, 2)?,
        },
        0x48 => Command::Backfill {
            boot_id: u32_at(data, 2)?,
            first: u32_at(data, 6)?,
            log: Log::read(u8_at(data, 10)?, 10)?,
            count: u32_at(data, 14)?,
        },
        0x49 => Command::BackfillCancel,
        0x4A => Command::AckLog {
            boot_id: u32_at(data, 2)?,
            end: u32_at(data, 6)?,
            log: Log::read(u8_at(data, 10)?, 10)?,
        },
        0x4B => Command::EraseLog,
        0x4C => read_table_begin(data)?,
        0x4D => {
            let (offset, data) = read_chunk(data)?;
            Command::TableChunk { offset, data }
        }
        0x4E => Command::TableCommit,
        0x4F => Command::ClearBonds,
        0x50 => Command::UpdateBegin(read_update_begin(data)?),
        0x51 => {
            let (offset, data) = read_chunk(data)?;
            Command::UpdateChunk { offset, data }
        }
        0x52 => match slice(data, 2, 64)?.first_chunk() {
            Some(signature) => Command::UpdateCommit { signature },
            None => return value(2),
        },
        _ => Command::Unknown { opcode },
    })
}

fn read_table_begin(data: &[u8]) -> Result<Command<'_>, DecodeError> {
    let table = match u8_at(data, 2)? {
        1 => Table::Coefficients,
        2 => Table::Rotation,
        _ => return value(2),
    };
    let length = u32_at(data, 6)?;
    if !(1..=MAX_TABLE).contains(&length) {
        return value(6);
    }
    Ok(Command::TableBegin {
        table,
        version: u16_at(data, 4)?,
        length,
        crc32: u32_at(data, 10)?,
    })
}

fn read_update_begin(data: &[u8]) -> Result<UpdateBegin, DecodeError> {
    let length = u32_at(data, 8)?;
    if !(1..=MAX_IMAGE).contains(&length) {
        return value(8);
    }
    Ok(UpdateBegin {
        key_id: u16_at(data, 2)?,
        image_version: u32_at(data, 4)?,
        length,
        crc32: u32_at(data, 12)?,
        sha256: bytes(data, 16)?,
    })
}

fn read_chunk(data: &[u8]) -> Result<(u32, &[u8]), DecodeError> {
    let content = data.get(6..).unwrap_or(&[]);
    if content.is_empty() || content.len() > MAX_CHUNK {
        return value(6);
    }
    Ok((u32_at(data, 2)?, content))
}
