//! What a pod says of itself (section 4).

use crate::error::{DecodeError, Fault};
use crate::list::List;
use crate::wire::{bytes, cap, f32_at, need, open, slice, u16_at, u32_at, u8_at, value, Writer};
use crate::{MAJOR, MAX_CHANNELS, MAX_TEXT};

const FIXED: usize = 40;
const CHANNEL: usize = 9;

/// Bits of `Info::features`.
pub struct Feature;

impl Feature {
    pub const RAW_LOG: u16 = 1;
    pub const RECORDS: u16 = 2;
    pub const SQUAD: u16 = 4;
    pub const BONDED_ONLY: u16 = 8;
    pub const UPDATE: u16 = 16;
}

/// One column of a raw frame: what it is, SI units per count, full scale in SI.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Channel {
    pub code: u8,
    pub scale: f32,
    pub full_scale: f32,
}

impl Channel {
    pub const ACCEL_X: u8 = 0x00;
    pub const ACCEL_Y: u8 = 0x01;
    pub const ACCEL_Z: u8 = 0x02;
    pub const GYRO_X: u8 = 0x10;
    pub const GYRO_Y: u8 = 0x11;
    pub const GYRO_Z: u8 = 0x12;
    pub const ACCEL_HIGH_X: u8 = 0x20;
    pub const ACCEL_HIGH_Y: u8 = 0x21;
    pub const ACCEL_HIGH_Z: u8 = 0x22;

    /// The six axes of an IMU in the order of `SIX_AXES_MASK`: scales and full scales of accelerometer and gyroscope.
    pub fn six_axes(accel: (f32, f32), gyro: (f32, f32)) -> List<Self, MAX_CHANNELS> {
        let mut list = List::new();
        for (base, (scale, full_scale)) in [(Self::ACCEL_X, accel), (Self::GYRO_X, gyro)] {
            for axis in 0..3 {
                list.push(Self {
                    code: base + axis,
                    scale,
                    full_scale,
                });
            }
        }
        list
    }
}

/// The first 16 bytes of Info: the same in every major version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InfoHead {
    pub major: u8,
    pub minor: u8,
    pub fixed_size: u8,
    pub pod_id: [u8; 8],
    pub boot_id: u32,
}

impl InfoHead {
    pub const SIZE: usize = 16;

    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        open(data, Info::KIND, Self::SIZE)?;
        Ok(Self {
            major: u8_at(data, 1)?,
            minor: u8_at(data, 2)?,
            fixed_size: u8_at(data, 3)?,
            pod_id: bytes(data, 4)?,
            boot_id: u32_at(data, 12)?,
        })
    }
}

/// The Info characteristic. Texts longer than 24 bytes are written shortened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Info<'a> {
    pub minor: u8,
    pub pod_id: [u8; 8],
    pub boot_id: u32,
    pub tick_hz: u32,
    pub rate_mhz: u32,
    pub log_capacity: u32,
    pub min_mtu: u16,
    pub features: u16,
    pub coefficients_version: u16,
    pub rotation_version: u16,
    pub channels: List<Channel, MAX_CHANNELS>,
    pub firmware: &'a str,
    pub hardware: &'a str,
}

impl<'a> Info<'a> {
    pub const KIND: u8 = 0x10;
    /// With 16 channels and two texts at their caps.
    pub const MAX_SIZE: usize = FIXED + MAX_CHANNELS * CHANNEL + 2 * (1 + MAX_TEXT);

    pub fn decode(data: &'a [u8]) -> Result<Self, DecodeError> {
        let head = InfoHead::decode(data)?;
        if head.major != MAJOR {
            return Err(DecodeError::new(Fault::Major, 1));
        }
        need(data, FIXED)?;
        if usize::from(head.fixed_size) < FIXED {
            return value(3);
        }
        let (tick_hz, rate_mhz) = (u32_at(data, 16)?, u32_at(data, 20)?);
        if tick_hz == 0 || rate_mhz == 0 {
            return value(if tick_hz == 0 { 16 } else { 20 });
        }
        let n = usize::from(u8_at(data, 36)?);
        cap(n, MAX_CHANNELS, 36)?;
        let mut at = usize::from(head.fixed_size);
        let mut channels = List::new();
        for _ in 0..n {
            channels.push(read_channel(data, at)?);
            at += CHANNEL;
        }
        let firmware = read_text(data, at)?;
        let hardware = read_text(data, at + 1 + firmware.len())?;
        Ok(Self {
            minor: head.minor,
            pod_id: head.pod_id,
            boot_id: head.boot_id,
            tick_hz,
            rate_mhz,
            log_capacity: u32_at(data, 24)?,
            min_mtu: u16_at(data, 28)?,
            features: u16_at(data, 30)?,
            coefficients_version: u16_at(data, 32)?,
            rotation_version: u16_at(data, 34)?,
            channels,
            firmware,
            hardware,
        })
    }

    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let mut writer = Writer::new(out);
        writer
            .u8(Self::KIND)
            .u8(MAJOR)
            .u8(self.minor)
            .u8(FIXED as u8)
            .raw(&self.pod_id)
            .u32(self.boot_id)
            .u32(self.tick_hz)
            .u32(self.rate_mhz)
            .u32(self.log_capacity)
            .u16(self.min_mtu)
            .u16(self.features)
            .u16(self.coefficients_version)
            .u16(self.rotation_version)
            .u8(self.channels.len() as u8)
            .u8(0)
            .u16(0);
        for channel in self.channels.iter() {
            writer
                .u8(channel.code)
                .f32(channel.scale)
                .f32(channel.full_scale);
        }
        for text in [self.firmware, self.hardware] {
            let text = shortened(text);
            writer.u8(text.len() as u8).raw(text.as_bytes());
        }
        writer.finish()
    }
}

fn read_channel(data: &[u8], at: usize) -> Result<Channel, DecodeError> {
    need(data, at + CHANNEL)?;
    let channel = Channel {
        code: u8_at(data, at)?,
        scale: f32_at(data, at + 1)?,
        full_scale: f32_at(data, at + 5)?,
    };
    let usable = |value: f32| value.is_finite() && value > 0.0;
    if usable(channel.scale) && usable(channel.full_scale) {
        Ok(channel)
    } else {
        value(at + 1)
    }
}

fn read_text(data: &[u8], at: usize) -> Result<&str, DecodeError> {
    let n = usize::from(u8_at(data, at)?);
    cap(n, MAX_TEXT, at)?;
    core::str::from_utf8(slice(data, at + 1, n)?)
        .map_err(|error| DecodeError::new(Fault::Text, at + 1 + error.valid_up_to()))
}

fn shortened(text: &str) -> &str {
    let fits = (0..=MAX_TEXT.min(text.len()))
        .rev()
        .find(|&n| text.is_char_boundary(n));
    fits.and_then(|n| text.get(..n)).unwrap_or("")
}
