//! One message of any kind.

use crate::error::DecodeError;
use crate::frame::RawFrame;
use crate::info::Info;
use crate::log::{BackfillDone, LogRanges, UtcAnchors};
use crate::record::StrideRecords;
use crate::reply::Reply;
use crate::status::PodStatus;
use crate::timing::{Ping, Pong};
use crate::wire::{check_size, u8_at};

#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // a host's and the tests': a pod knows what it writes
pub enum Message<'a> {
    RawFrame(RawFrame<'a>),
    StrideRecords(StrideRecords<'a>),
    PodStatus(PodStatus),
    BackfillDone(BackfillDone),
    LogRanges(LogRanges),
    UtcAnchors(UtcAnchors),
    Info(Info<'a>),
    Ping(Ping),
    Pong(Pong),
    Reply(Reply<'a>),
    /// Of a newer minor version: to be counted and skipped.
    Unknown {
        kind: u8,
    },
}

impl<'a> Message<'a> {
    pub fn decode(data: &'a [u8]) -> Result<Self, DecodeError> {
        check_size(data)?;
        Ok(match u8_at(data, 0)? {
            RawFrame::KIND => Self::RawFrame(RawFrame::decode(data)?),
            StrideRecords::KIND => Self::StrideRecords(StrideRecords::decode(data)?),
            PodStatus::KIND => Self::PodStatus(PodStatus::decode(data)?),
            BackfillDone::KIND => Self::BackfillDone(BackfillDone::decode(data)?),
            LogRanges::KIND => Self::LogRanges(LogRanges::decode(data)?),
            UtcAnchors::KIND => Self::UtcAnchors(UtcAnchors::decode(data)?),
            Info::KIND => Self::Info(Info::decode(data)?),
            Ping::KIND => Self::Ping(Ping::decode(data)?),
            Pong::KIND => Self::Pong(Pong::decode(data)?),
            Reply::KIND => Self::Reply(Reply::decode(data)?),
            kind => Self::Unknown { kind },
        })
    }

    /// `None` for an unknown kind, too.
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        match self {
            Self::RawFrame(message) => message.encode(out),
            Self::StrideRecords(message) => message.encode(out),
            Self::PodStatus(message) => message.encode(out),
            Self::BackfillDone(message) => message.encode(out),
            Self::LogRanges(message) => message.encode(out),
            Self::UtcAnchors(message) => message.encode(out),
            Self::Info(message) => message.encode(out),
            Self::Ping(message) => message.encode(out),
            Self::Pong(message) => message.encode(out),
            Self::Reply(message) => message.encode(out),
            Self::Unknown { .. } => None,
        }
    }
}
