//! What a pod is, and where its flash keeps what.

use core::ops::Range;

use evenstride_protocol::{Channel, List, MAX_CHANNELS, MAX_TABLE};

use crate::chunk::{CHUNK_HEADER, PAGE, PAGE_HEADER, START, WORD};
use crate::clock::LINE_SAMPLES;
use crate::packed::PACKED;
use crate::pod::SAMPLE;
use crate::ring::Area;

/// Most pages that the logs may have: their index lies in RAM, 12 bytes a page. Together they fill the flash.
pub const RAW_PAGES: usize = 240;
pub const RECORD_PAGES: usize = 248;
const PAGE_ROOM: usize = PAGE as usize - PAGE_HEADER;
/// Of one boot the logs hold at least so much: a ring that is full has one page that is being filled.
pub const RECORDS_HELD: usize = (RECORD_PAGES - 1) * ((PAGE_ROOM - START) / (WORD + PACKED));
pub const SAMPLES_HELD: usize = (RAW_PAGES - 1)
    * (PAGE_ROOM / (CHUNK_HEADER + LINE_SAMPLES as usize * SAMPLE))
    * LINE_SAMPLES as usize;
const SETTINGS_PAGES: u32 = 8;
const TABLE_SLOTS: u32 = 4; // two of each kind: a commit fills the one that is not in use

/// The map of a flash of at least `Layout::BYTES`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub settings: Range<u32>,
    pub tables: u32,
    pub records: Area,
    pub raw: Area,
}

impl Layout {
    /// 2 MB: settings 32 kB, tables 64 kB, records 1 MB, raw samples 1 MB less that. The image for an update has its
    /// place in the processor's own flash.
    pub const BYTES: u32 = 0x20_0000;

    /// Logs of at most so many pages, for tests of full ones.
    pub const fn with_pages(raw: usize, records: usize) -> Self {
        let tables = SETTINGS_PAGES * PAGE;
        let records_start = tables + TABLE_SLOTS * MAX_TABLE;
        Self {
            settings: 0..tables,
            tables,
            records: Area {
                start: records_start,
                pages: records,
            },
            raw: Area {
                start: records_start + RECORD_PAGES as u32 * PAGE,
                pages: raw,
            },
        }
    }
}

const _: () = {
    let Layout { raw, .. } = Layout::with_pages(RAW_PAGES, RECORD_PAGES);
    assert!(raw.start + raw.bytes() <= Layout::BYTES);
};

impl Default for Layout {
    fn default() -> Self {
        Self::with_pages(RAW_PAGES, RECORD_PAGES)
    }
}

/// One pod.
#[derive(Clone, Debug)]
pub struct Plan {
    /// From the chip.
    pub pod_id: [u8; 8],
    /// Nominal sample rate; half of it is offered as well.
    pub rate_mhz: u32,
    /// SI units per count and full scale.
    pub accel: (f32, f32),
    pub gyro: (f32, f32),
    pub firmware: &'static str,
    pub hardware: &'static str,
    pub bonded_only: bool,
    pub layout: Layout,
}

impl Plan {
    pub fn channels(&self) -> List<Channel, MAX_CHANNELS> {
        Channel::six_axes(self.accel, self.gyro)
    }

    /// The rate that a host may ask for, None when this pod does not have it.
    pub const fn offers(&self, rate_mhz: u32) -> bool {
        rate_mhz == self.rate_mhz || rate_mhz == self.rate_mhz / 2
    }
}

/// How the pod is, as it says itself (section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    pub battery_mv: u16,
    pub battery_percent: u8,
    pub battery_low: bool,
    pub charging: bool,
    /// 0.01 °C.
    pub temperature: i16,
    pub imu_fault: bool,
}

impl Default for Vitals {
    fn default() -> Self {
        Self {
            battery_mv: 4110,
            battery_percent: 90,
            battery_low: false,
            charging: false,
            temperature: 2400,
            imu_fault: false,
        }
    }
}
