//! Small things that outlive the power: a key-value map in flash by sequential-storage (wear levelling, power cuts).

use core::ops::Range;

use embedded_storage_async::nor_flash::NorFlash;
use evenstride_protocol::{UtcAnchor, STORED_ANCHORS};
use heapless::Vec;
use sequential_storage::cache::Cache;
use sequential_storage::map::{MapConfig, MapStorage};

use crate::chunk::FlashFault;
use crate::dates::Anchors;

const ANCHOR: usize = 20;
const MARK: usize = 9;
/// Boots whose acknowledgements are remembered across a restart.
pub const MARKS: usize = 64;
const VALUE: usize = STORED_ANCHORS * ANCHOR;
const SCRATCH: usize = VALUE + 32; // a value, its key, and the library's word alignment

/// What is kept under which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(u8);

impl Key {
    pub const BOOT_ID: Self = Self(1);
    pub const RATE_MHZ: Self = Self(2);
    pub const ANCHORS: Self = Self(3);
    pub const MARKS: Self = Self(4);
    /// Number below which raw and record pages are forgotten: ERASE_LOG.
    pub const ERASED: Self = Self(5);
    pub const COEFFICIENTS: Self = Self(6);
    pub const ROTATION: Self = Self(7);
    pub const BONDS: Self = Self(8);
}

/// The map. Every operation borrows the flash for its time.
pub struct Settings {
    range: Range<u32>,
    scratch: [u8; SCRATCH],
}

impl Settings {
    /// `range`: whole pages, at least two.
    pub const fn new(range: Range<u32>) -> Self {
        Self {
            range,
            scratch: [0; SCRATCH],
        }
    }

    /// What `take` makes of the value under `key`, None where there is none. A map that is corrupted is erased: a pod
    /// without settings is better than a dead one. Anything else is a fault, and what is kept stays.
    pub async fn get<F: NorFlash, R>(
        &mut self,
        flash: &mut F,
        key: Key,
        take: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>, FlashFault> {
        let config = MapConfig::try_new(self.range.clone()).map_err(|_| FlashFault)?;
        let mut map = MapStorage::<u8, _, _>::new(&mut *flash, config, Cache::new_uncached());
        match map.fetch_item::<&[u8]>(&mut self.scratch, &key.0).await {
            Ok(value) => Ok(value.map(take)),
            Err(sequential_storage::Error::Corrupted { .. }) => {
                map.erase_all().await.map_err(|_| FlashFault)?;
                Ok(None)
            }
            Err(_) => Err(FlashFault),
        }
    }

    pub async fn put<F: NorFlash>(
        &mut self,
        flash: &mut F,
        key: Key,
        value: &[u8],
    ) -> Result<(), FlashFault> {
        let config = MapConfig::try_new(self.range.clone()).map_err(|_| FlashFault)?;
        let mut map = MapStorage::<u8, _, _>::new(&mut *flash, config, Cache::new_uncached());
        let stored = map.store_item(&mut self.scratch, &key.0, &value).await;
        stored.map_err(|_| FlashFault)
    }

    pub async fn get_u32<F: NorFlash>(
        &mut self,
        flash: &mut F,
        key: Key,
    ) -> Result<Option<u32>, FlashFault> {
        let read = |value: &[u8]| Some(u32::from_le_bytes(value.try_into().ok()?));
        Ok(self.get(flash, key, read).await?.flatten())
    }

    pub async fn put_u32<F: NorFlash>(
        &mut self,
        flash: &mut F,
        key: Key,
        value: u32,
    ) -> Result<(), FlashFault> {
        self.put(flash, key, &value.to_le_bytes()).await
    }
}

pub fn anchors_from(bytes: &[u8]) -> Anchors {
    let anchors = bytes.chunks_exact(ANCHOR).filter_map(|entry| {
        Some(UtcAnchor {
            boot_id: u32::from_le_bytes(entry.get(..4)?.try_into().ok()?),
            tick: u64::from_le_bytes(entry.get(4..12)?.try_into().ok()?),
            utc_ns: i64::from_le_bytes(entry.get(12..20)?.try_into().ok()?),
        })
    });
    anchors.take(STORED_ANCHORS).collect()
}

pub fn anchor_bytes(anchors: &Anchors) -> Vec<u8, VALUE> {
    let mut bytes = Vec::new();
    for anchor in anchors {
        let _ = bytes.extend_from_slice(&anchor.boot_id.to_le_bytes());
        let _ = bytes.extend_from_slice(&anchor.tick.to_le_bytes());
        let _ = bytes.extend_from_slice(&anchor.utc_ns.to_le_bytes());
    }
    bytes
}

/// "Of this boot's log everything below `end` is acknowledged."
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub log: u8,
    pub boot: u32,
    pub end: u32,
}

/// At most `MARKS`, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Marks(Vec<Mark, MARKS>);

impl Marks {
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let marks = bytes.chunks_exact(MARK).filter_map(|entry| {
            Some(Mark {
                log: *entry.first()?,
                boot: u32::from_le_bytes(entry.get(1..5)?.try_into().ok()?),
                end: u32::from_le_bytes(entry.get(5..9)?.try_into().ok()?),
            })
        });
        Self(marks.take(MARKS).collect())
    }

    pub fn bytes(&self) -> Vec<u8, { MARKS * MARK }> {
        let mut bytes = Vec::new();
        for mark in &self.0 {
            let _ = bytes.push(mark.log);
            let _ = bytes.extend_from_slice(&mark.boot.to_le_bytes());
            let _ = bytes.extend_from_slice(&mark.end.to_le_bytes());
        }
        bytes
    }

    pub fn end(&self, log: u8, boot: u32) -> u32 {
        let found = self.0.iter().find(|m| m.log == log && m.boot == boot);
        found.map_or(0, |mark| mark.end)
    }

    /// Remember an acknowledgement; false when it says nothing new. `held(log, boot)`: whether the log has that boot.
    /// With all places taken the mark of a boot that is gone gives way, else the oldest.
    pub fn set(&mut self, mark: Mark, held: impl Fn(u8, u32) -> bool) -> bool {
        let same = |m: &&mut Mark| m.log == mark.log && m.boot == mark.boot;
        if let Some(known) = self.0.iter_mut().find(same) {
            let newer = mark.end > known.end;
            known.end = known.end.max(mark.end);
            return newer;
        }
        if self.0.is_full() {
            let gone = self.0.iter().position(|m| !held(m.log, m.boot));
            self.0.remove(gone.unwrap_or(0));
        }
        let _ = self.0.push(mark);
        true
    }
}
