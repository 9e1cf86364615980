//! Coefficients and rotation: transferred, checked, kept twice so that a power cut leaves the old one or the new one.

use embedded_storage_async::nor_flash::NorFlash;
use evenstride_protocol::{crc32, Status, Table, MAX_TABLE, TICK_HZ};

use crate::chunk::{FlashFault, PAGE};
use crate::settings::{Key, Settings};
use crate::strides::Strides;

const META: usize = 11;
const PATIENCE: u64 = 30 * TICK_HZ as u64; // between chunks

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Begun {
    table: Table,
    version: u16,
    length: u32,
    crc32: u32,
}

/// Where a table lies in flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kept {
    slot: u8,
    version: u16,
    length: u32,
    crc32: u32,
}

impl Kept {
    fn bytes(self) -> [u8; META] {
        let [v0, v1] = self.version.to_le_bytes();
        let [l0, l1, l2, l3] = self.length.to_le_bytes();
        let [c0, c1, c2, c3] = self.crc32.to_le_bytes();
        [self.slot, v0, v1, l0, l1, l2, l3, c0, c1, c2, c3]
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let [slot, v0, v1, l0, l1, l2, l3, c0, c1, c2, c3] = *bytes.first_chunk()?;
        Some(Self {
            slot,
            version: u16::from_le_bytes([v0, v1]),
            length: u32::from_le_bytes([l0, l1, l2, l3]),
            crc32: u32::from_le_bytes([c0, c1, c2, c3]),
        })
    }
}

/// The tables in flash and the one that is being transferred.
pub struct Tables {
    start: u32,
    slots: [u8; 2],
    begun: Option<Begun>,
    touched: u64,
    held: usize,
    content: [u8; MAX_TABLE as usize],
}

const fn index(table: Table) -> usize {
    match table {
        Table::Coefficients => 0,
        Table::Rotation => 1,
    }
}

const fn key(table: Table) -> Key {
    match table {
        Table::Coefficients => Key::COEFFICIENTS,
        Table::Rotation => Key::ROTATION,
    }
}

impl Tables {
    pub const fn new(start: u32) -> Self {
        Self {
            start,
            slots: [0; 2],
            begun: None,
            touched: 0,
            held: 0,
            content: [0; MAX_TABLE as usize],
        }
    }

    /// Hand the tables that flash has to the detector.
    pub async fn load<F: NorFlash, D: Strides>(
        &mut self,
        flash: &mut F,
        settings: &mut Settings,
        detector: &mut D,
    ) -> Result<(), FlashFault> {
        for table in [Table::Coefficients, Table::Rotation] {
            let kept = settings.get(flash, key(table), Kept::read).await?.flatten();
            let Some(kept) = kept.filter(|kept| kept.length <= MAX_TABLE) else {
                continue;
            };
            let padded = (kept.length as usize).next_multiple_of(4);
            let Some(room) = self.content.get_mut(..padded) else {
                continue;
            };
            let from = slot_start(self.start, table, kept.slot);
            flash.read(from, room).await.map_err(|_| FlashFault)?;
            let content = room.get(..kept.length as usize).unwrap_or(&[]);
            if crc32(content) == kept.crc32 && detector.use_table(table, kept.version, content) {
                self.set_slot(table, kept.slot);
            }
        }
        Ok(())
    }

    pub fn begin(&mut self, table: Table, version: u16, length: u32, crc32: u32, tick_now: u64) {
        self.touched = tick_now;
        self.begun = Some(Begun {
            table,
            version,
            length,
            crc32,
        });
        self.held = 0;
    }

    pub fn forget_transfer(&mut self) {
        self.begun = None;
    }

    /// A transfer that nobody has touched for 30 s is forgotten.
    fn touch(&mut self, tick_now: u64) {
        if tick_now.saturating_sub(self.touched) > PATIENCE {
            self.begun = None;
        }
        self.touched = tick_now;
    }

    pub fn chunk(&mut self, offset: u32, data: &[u8], tick_now: u64) -> Result<(), Status> {
        self.touch(tick_now);
        let begun = self.begun.ok_or(Status::BadState)?;
        let (offset, length) = (offset as usize, begun.length as usize);
        let end = offset.checked_add(data.len()).ok_or(Status::OutOfRange)?;
        if end <= self.held {
            return Ok(()); // a repetition
        }
        if offset != self.held || end > length {
            return Err(Status::OutOfRange);
        }
        match self.content.get_mut(offset..end) {
            Some(room) => room.copy_from_slice(data),
            None => return Err(Status::OutOfRange),
        }
        self.held = end;
        Ok(())
    }

    /// Check, write to the slot that is not in use, say in the settings that it is, use it.
    pub async fn commit<F: NorFlash, D: Strides>(
        &mut self,
        flash: &mut F,
        settings: &mut Settings,
        detector: &mut D,
        tick_now: u64,
    ) -> Result<(), Status> {
        self.touch(tick_now);
        let begun = self.begun.take().ok_or(Status::BadState)?;
        let length = begun.length as usize;
        let content = self.content.get(..length).unwrap_or(&[]);
        if self.held != length || crc32(content) != begun.crc32 {
            return Err(Status::CrcMismatch);
        }
        if !detector.can_use(begun.table, begun.version, content) {
            return Err(Status::NotSupported);
        }
        let slot = 1 - self
            .slots
            .get(index(begun.table))
            .copied()
            .unwrap_or(0)
            .min(1);
        let kept = Kept {
            slot,
            version: begun.version,
            length: begun.length,
            crc32: begun.crc32,
        };
        let to = slot_start(self.start, begun.table, slot);
        let padded = length.next_multiple_of(4);
        let written = async {
            let end = to + begun.length.next_multiple_of(PAGE);
            flash.erase(to, end).await.map_err(|_| FlashFault)?;
            let bytes = self.content.get(..padded).unwrap_or(&[]);
            flash.write(to, bytes).await.map_err(|_| FlashFault)?;
            same(flash, to, bytes).await
        };
        written.await.map_err(|_| Status::StorageError)?;
        let kept = kept.bytes();
        let named = settings.put(flash, key(begun.table), &kept);
        named.await.map_err(|_| Status::StorageError)?;
        detector.use_table(begun.table, begun.version, content);
        self.set_slot(begun.table, slot);
        Ok(())
    }

    fn set_slot(&mut self, table: Table, slot: u8) {
        if let Some(known) = self.slots.get_mut(index(table)) {
            *known = slot;
        }
    }
}

/// Whether the flash gives back what was written to it.
async fn same<F: NorFlash>(flash: &mut F, from: u32, bytes: &[u8]) -> Result<(), FlashFault> {
    let mut piece = [0; 64];
    for (k, written) in bytes.chunks(piece.len()).enumerate() {
        let room = piece.get_mut(..written.len()).ok_or(FlashFault)?;
        let at = from + k as u32 * 64;
        flash.read(at, room).await.map_err(|_| FlashFault)?;
        if room != written {
            return Err(FlashFault);
        }
    }
    Ok(())
}

const fn slot_start(start: u32, table: Table, slot: u8) -> u32 {
    start + (2 * index(table) as u32 + (slot & 1) as u32) * MAX_TABLE
}
