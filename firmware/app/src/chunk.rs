//! How entries lie in flash: chunks that are written at once and end with the CRC of all that they say.
//!
//! ```text
//! page    magic u32, page number u32, boot u32, overwritten u32, entry size u32, crc u32, then chunks
//! chunk   magic u16, n u16, first u32, meta 12 bytes, crc u32, then n entries
//! ```

use embedded_storage_async::nor_flash::NorFlash;
use evenstride_protocol::Crc32;

/// Bytes of a page: the erase unit of every flash that a pod may have.
pub const PAGE: u32 = 4096;
/// Bytes before a page's first chunk.
pub const PAGE_HEADER: usize = 24;
/// Bytes before a chunk's first entry.
pub const CHUNK_HEADER: usize = 24;
/// What a chunk says of its entries; its meaning is its writer's.
pub type Meta = [u8; 12];

pub const PAGE_MAGIC: u32 = 0x3152_5645; // "EVR1"
const CHUNK_MAGIC: u16 = 0x5EC7;

/// The flash refused; what was to be written is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlashFault;

/// Entries of one boot, `first ... end - 1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    pub boot: u32,
    pub first: u32,
    pub end: u32,
}

/// Entries that `Ring::read` has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub first: u32,
    pub n: usize,
    /// The chunk's first entry, and what the chunk says of its entries.
    pub chunk_first: u32,
    pub meta: Meta,
}

/// Where a ring lies: whole pages from `start` on, at least two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    pub start: u32,
    pub pages: usize,
}

impl Area {
    pub const fn bytes(&self) -> u32 {
        self.pages as u32 * PAGE
    }
}

/// A chunk in RAM before it is written: `ENTRIES` bytes of entries behind room for the header.
pub struct Chunk<const SIZE: usize> {
    bytes: [u8; SIZE],
    used: usize,
    n: u16,
    pub first: u32,
    pub meta: Meta,
}

impl<const SIZE: usize> Chunk<SIZE> {
    pub const fn new() -> Self {
        Self {
            bytes: [0; SIZE],
            used: CHUNK_HEADER,
            n: 0,
            first: 0,
            meta: [0; 12],
        }
    }

    pub const fn n(&self) -> u16 {
        self.n
    }

    /// Bytes with the header.
    pub const fn size(&self) -> u32 {
        self.used as u32
    }

    pub const fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Add one entry; false when the chunk is full.
    pub fn push(&mut self, entry: &[u8]) -> bool {
        let Some(room) = self.bytes.get_mut(self.used..self.used + entry.len()) else {
            return false;
        };
        room.copy_from_slice(entry);
        self.used += entry.len();
        self.n += 1;
        true
    }

    pub fn clear(&mut self) {
        self.used = CHUNK_HEADER;
        self.n = 0;
    }

    /// The bytes that go to flash as part of this page.
    pub fn seal(&mut self, page: u32, boot: u32) -> &[u8] {
        let mut head = [0; CHUNK_HEADER];
        put(&mut head, 0, &CHUNK_MAGIC.to_le_bytes());
        put(&mut head, 2, &self.n.to_le_bytes());
        put(&mut head, 4, &self.first.to_le_bytes());
        put(&mut head, 8, &self.meta);
        let mut crc = chunk_crc(page, boot, &head);
        crc.push(self.bytes.get(CHUNK_HEADER..self.used).unwrap_or(&[]));
        put(&mut head, 20, &crc.value().to_le_bytes());
        put(&mut self.bytes, 0, &head);
        self.bytes.get(..self.used).unwrap_or(&[])
    }
}

impl<const SIZE: usize> Default for Chunk<SIZE> {
    fn default() -> Self {
        Self::new()
    }
}

/// `first` and `n` of a chunk whose header stands at `at`; None where there is none.
pub fn entries<const ENTRY: usize>(head: &[u8; CHUNK_HEADER], at: u32) -> Option<(u32, u16)> {
    let [m0, m1, n0, n1, ..] = *head;
    let n = u16::from_le_bytes([n0, n1]);
    let size = CHUNK_HEADER as u32 + u32::from(n) * ENTRY as u32;
    let sound = u16::from_le_bytes([m0, m1]) == CHUNK_MAGIC && n > 0 && at + size <= PAGE;
    sound.then_some((word(head, 4), n))
}

pub async fn verify<F: NorFlash, const ENTRY: usize>(
    flash: &mut F,
    base: u32,
    at: u32,
    number: u32,
    boot: u32,
) -> Result<Option<(u32, u16)>, FlashFault> {
    if at + CHUNK_HEADER as u32 > PAGE {
        return Ok(None);
    }
    let mut head = [0; CHUNK_HEADER];
    read(flash, base + at, &mut head).await?;
    let Some((first, n)) = entries::<ENTRY>(&head, at) else {
        return Ok(None);
    };
    let mut crc = chunk_crc(number, boot, &head);
    let mut piece = [0; 240];
    let (mut from, mut left) = (base + at + CHUNK_HEADER as u32, usize::from(n) * ENTRY);
    while left > 0 {
        let size = left.min(piece.len());
        let Some(room) = piece.get_mut(..size) else {
            return Err(FlashFault);
        };
        read(flash, from, room).await?;
        crc.push(room);
        from += size as u32;
        left -= size;
    }
    Ok((crc.value() == word(&head, 20)).then_some((first, n)))
}

fn chunk_crc(number: u32, boot: u32, head: &[u8; CHUNK_HEADER]) -> Crc32 {
    let mut crc = Crc32::new();
    crc.push(&number.to_le_bytes()); // so that a chunk of an earlier life of this page is none of this one's
    crc.push(&boot.to_le_bytes());
    crc.push(head.get(..20).unwrap_or(&[]));
    crc
}

pub fn crc_of(bytes: &[u8], n: usize) -> u32 {
    evenstride_protocol::crc32(bytes.get(..n).unwrap_or(&[]))
}

pub fn word(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..at + 4) {
        Some(&[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]),
        _ => 0,
    }
}

pub fn put(to: &mut [u8], at: usize, what: &[u8]) {
    if let Some(room) = to.get_mut(at..at + what.len()) {
        room.copy_from_slice(what);
    }
}

pub async fn read<F: NorFlash>(flash: &mut F, from: u32, to: &mut [u8]) -> Result<(), FlashFault> {
    flash.read(from, to).await.map_err(|_| FlashFault)
}

pub async fn erase<F: NorFlash>(flash: &mut F, from: u32) -> Result<(), FlashFault> {
    flash.erase(from, from + PAGE).await.map_err(|_| FlashFault)
}
