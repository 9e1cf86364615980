//! Pod status (section 8).

use crate::error::DecodeError;
use crate::wire::{i16_at, open, u16_at, u32_at, u64_at, u8_at, Writer};

/// What the pod does now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    #[default]
    Idle = 0,
    Raw = 1,
    Strides = 2,
    Squad = 3,
}

impl Mode {
    /// A mode of a newer minor version reads as idle.
    pub const fn from_air(value: u8) -> Self {
        match value {
            1 => Self::Raw,
            2 => Self::Strides,
            3 => Self::Squad,
            _ => Self::Idle,
        }
    }
}

/// Why this boot began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum ResetReason {
    #[default]
    Unknown = 0,
    PowerOn = 1,
    Button = 2,
    Software = 3,
    Watchdog = 4,
    Lockup = 5,
    Wake = 6,
    BrownOut = 7,
    RateChanged = 8,
}

impl ResetReason {
    /// A reason of a newer minor version reads as unknown.
    pub const fn from_air(value: u8) -> Self {
        match value {
            1 => Self::PowerOn,
            2 => Self::Button,
            3 => Self::Software,
            4 => Self::Watchdog,
            5 => Self::Lockup,
            6 => Self::Wake,
            7 => Self::BrownOut,
            8 => Self::RateChanged,
            _ => Self::Unknown,
        }
    }
}

/// Bits of `PodStatus::flags`.
pub struct PodFlag;

impl PodFlag {
    pub const CHARGING: u16 = 1;
    pub const BATTERY_LOW: u16 = 2;
    pub const LOG_FULL: u16 = 4;
    pub const CLOCK_UNSET: u16 = 8;
    pub const IMU_FAULT: u16 = 16;
    pub const FLASH_FAULT: u16 = 32;
    pub const UNALIGNED: u16 = 64;
}

/// One report; counters are samples of this boot except `log_samples` and `log_overwritten`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PodStatus {
    pub reset_reason: ResetReason,
    pub flags: u16,
    pub boot_id: u32,
    pub tick: u64,
    pub taken: u32,
    pub next_seq: u32,
    pub dropped: u32,
    pub clipped: u32,
    pub log_samples: u32,
    pub log_overwritten: u32,
    pub battery_mv: u16,
    pub battery_percent: u8,
    pub mode: Mode,
    /// 0.01 degrees Celsius.
    pub temperature: i16,
    pub log_fill_permille: u16,
}

impl PodStatus {
    pub const KIND: u8 = 0x03;
    pub const SIZE: usize = 48;

    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        open(data, Self::KIND, Self::SIZE)?;
        Ok(Self {
            reset_reason: ResetReason::from_air(u8_at(data, 1)?),
            flags: u16_at(data, 2)?,
            boot_id: u32_at(data, 4)?,
            tick: u64_at(data, 8)?,
            taken: u32_at(data, 16)?,
            next_seq: u32_at(data, 20)?,
            dropped: u32_at(data, 24)?,
            clipped: u32_at(data, 28)?,
            log_samples: u32_at(data, 32)?,
            log_overwritten: u32_at(data, 36)?,
            battery_mv: u16_at(data, 40)?,
            battery_percent: u8_at(data, 42)?,
            mode: Mode::from_air(u8_at(data, 43)?),
            temperature: i16_at(data, 44)?,
            log_fill_permille: u16_at(data, 46)?,
        })
    }

    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        Writer::new(out)
            .u8(Self::KIND)
            .u8(self.reset_reason as u8)
            .u16(self.flags)
            .u32(self.boot_id)
            .u64(self.tick)
            .u32(self.taken)
            .u32(self.next_seq)
            .u32(self.dropped)
            .u32(self.clipped)
            .u32(self.log_samples)
            .u32(self.log_overwritten)
            .u16(self.battery_mv)
            .u8(self.battery_percent)
            .u8(self.mode as u8)
            .i16(self.temperature)
            .u16(self.log_fill_permille)
            .finish()
    }
}
