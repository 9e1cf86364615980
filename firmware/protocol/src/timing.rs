//! Time synchronisation (section 11).

use crate::error::DecodeError;
use crate::wire::{open, u16_at, u32_at, u64_at, Writer};

/// Host to pod. `marker` is the host's own and comes back unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    pub ping_id: u16,
    pub marker: u64,
}

impl Ping {
    pub const KIND: u8 = 0x20;
    pub const SIZE: usize = 12;

    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        open(data, Self::KIND, Self::SIZE)?;
        Ok(Self {
            ping_id: u16_at(data, 2)?,
            marker: u64_at(data, 4)?,
        })
    }

    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        Writer::new(out)
            .u8(Self::KIND)
            .u8(0)
            .u16(self.ping_id)
            .u64(self.marker)
            .finish()
    }

    /// The answer of a pod that stamped `tick` when this arrived over a link of `interval` (1.25 ms).
    pub fn pong(&self, boot_id: u32, tick: u64, interval: u16) -> Pong {
        Pong {
            ping_id: self.ping_id,
            boot_id,
            tick,
            marker: self.marker,
            interval,
        }
    }
}

/// Pod to host, at once. `interval` is the connection's, in 1.25 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pong {
    pub ping_id: u16,
    pub boot_id: u32,
    pub tick: u64,
    pub marker: u64,
    pub interval: u16,
}

impl Pong {
    pub const KIND: u8 = 0x21;
    pub const SIZE: usize = 28;

    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        open(data, Self::KIND, Self::SIZE)?;
        Ok(Self {
            ping_id: u16_at(data, 2)?,
            boot_id: u32_at(data, 4)?,
            tick: u64_at(data, 8)?,
            marker: u64_at(data, 16)?,
            interval: u16_at(data, 24)?,
        })
    }

    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        Writer::new(out)
            .u8(Self::KIND)
            .u8(0)
            .u16(self.ping_id)
            .u32(self.boot_id)
            .u64(self.tick)
            .u64(self.marker)
            .u16(self.interval)
            .u16(0)
            .finish()
    }
}
