//! The air format of evenstride pods (`firmware/PROTOCOL.md`): every message, both directions.
//!
//! No dependencies, no heap, no panic. Reading: `decode(&[u8]) -> Result<_, DecodeError>`; what is longer than its layout
//! is a newer minor version's and read as far as it is known, what is shorter is refused whole. Writing:
//! `encode(&self, &mut [u8]) -> Option<usize>`, `None` where the buffer is too small or a count is above its cap.
//! Fields keep the units of the air (ticks, counts, hundredths); `saturated` and its kin make them from SI.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod advertising;
mod command;
mod crc;
mod error;
mod frame;
mod info;
mod list;
mod log;
mod message;
mod record;
mod reply;
mod status;
mod timing;
pub mod uuid;
mod wire;

pub use advertising::{advertising_data, scan_response, Summary, SummaryFlag};
pub use command::{header_of, Command, Log, Request, Table, UpdateBegin};
pub use crc::{crc32, Crc32};
pub use error::{DecodeError, Fault};
pub use frame::{samples_per_frame, FrameBuilder, FrameHead, RawFrame};
pub use info::{Channel, Feature, Info, InfoHead};
pub use list::List;
pub use log::{BackfillDone, BackfillResult, LogRange, LogRanges, UtcAnchor, UtcAnchors};
pub use message::Message;
pub use record::{
    saturated_i16, saturated_u16, Doubt, Gait, RecordsHead, StrideRecord, StrideRecords, NO_I16,
    NO_U16,
};
pub use reply::{Reply, Status, StreamPosition};
pub use status::{Mode, PodFlag, PodStatus, ResetReason};
pub use timing::{Ping, Pong};

/// Version of the protocol that this crate speaks.
pub const MAJOR: u8 = 1;
pub const MINOR: u8 = 0;

/// The nRF52840's RTC.
pub const TICK_HZ: u32 = 32_768;
/// Opcode and handle of a notification, an indication, a write.
pub const ATT_HEADER: usize = 3;
/// Fills one link-layer packet of 251 bytes with data length extension.
pub const MTU: u16 = 247;
/// Below it START and BACKFILL are refused.
pub const MIN_STREAM_MTU: u16 = 100;
/// No message is longer.
pub const MAX_MESSAGE: usize = 244;
/// The longest attribute value: a decoder takes no more.
pub const MAX_INPUT: usize = 512;
pub const MAX_CHANNELS: usize = 16;
pub const MAX_SAMPLES: usize = 120;
pub const MAX_TEXT: usize = 24;
pub const MAX_RECORDS: usize = 5;
pub const MAX_RECORD_SIZE: usize = 64;
pub const MAX_RANGES: usize = 14;
pub const MAX_ANCHORS: usize = 11;
/// Of a reply: 244 less its header.
pub const MAX_PAYLOAD: usize = 240;
/// Bytes of a table or image in one command: 244 less its header.
pub const MAX_CHUNK: usize = 238;
pub const MAX_TABLE: u32 = 16_384;
pub const MAX_IMAGE: u32 = 393_216;
pub const MIN_RATE_MHZ: u32 = 26_000;
pub const MAX_RATE_MHZ: u32 = 1_666_000;
/// Commands that a pod holds unanswered.
pub const MAX_UNANSWERED: usize = 8;
pub const STORED_ANCHORS: usize = 64;
/// ATT error for a ninth unanswered command, and for a write while indications are off.
pub const ATT_ERROR_BUSY: u8 = 0x11;
pub const ATT_ERROR_NOT_SUBSCRIBED: u8 = 0xFD;
/// Six axes: accelerometer and gyroscope.
pub const SIX_AXES_MASK: u16 = 0x003F;
