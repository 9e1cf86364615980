//! How entries lie in flash: chunks, each written at once with a CRC of all that it says.
//!
//! ```text
//! page    magic u32, page number u32, boot u32, overwritten u32, entry size u32, crc u32, then chunks
//! chunk   word u32 (low byte: number of entries, and STARTS; else CRC), [first u32, meta 12 bytes,] the entries
//! ```
//! The brackets stand in chunks with STARTS only: the others go on where the chunk before them ends, and what that one
//! says of its entries holds for theirs. So an entry that is written alone costs four bytes more than itself.

use evenstride_protocol::Crc32;

/// Bytes of a page: the erase unit of every flash that a pod may have.
pub const PAGE: u32 = 4096;
/// Bytes before a page's first chunk.
pub const PAGE_HEADER: usize = 24;
/// Bytes before the entries of every chunk.
pub const WORD: usize = 4;
/// Bytes more where STARTS is set.
pub const START: usize = 16;
/// Room for both.
pub const CHUNK_HEADER: usize = WORD + START;
/// Entries of one chunk: with one more, an erased word would be the beginning of a chunk.
pub const MAX_ENTRIES: u8 = 0x7E;
/// What a chunk says of its entries; its meaning is its writer's.
pub type Meta = [u8; 12];

const STARTS: u8 = 0x80;
const PAGE_MAGIC: u32 = 0x3252_5645; // "EVR2": pages of "EVR1", whose chunks began otherwise, hold nothing

/// The flash refused; what was to be written is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlashFault;

/// What stands at the beginning of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageHead {
    /// Grows for ever.
    pub number: u32,
    pub boot: u32,
    /// Entries that had been overwritten unacknowledged when the page was begun.
    pub overwritten: u32,
}

impl PageHead {
    pub fn encode<const ENTRY: usize>(&self) -> [u8; PAGE_HEADER] {
        let mut bytes = [0; PAGE_HEADER];
        let words = [
            PAGE_MAGIC,
            self.number,
            self.boot,
            self.overwritten,
            ENTRY as u32,
        ];
        for (to, word) in bytes.chunks_exact_mut(4).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        let crc = crc_of(&bytes);
        put(&mut bytes, PAGE_HEADER - 4, &crc.to_le_bytes());
        bytes
    }

    /// None where no page of such entries, or none of this layout, begins.
    pub fn decode<const ENTRY: usize>(bytes: &[u8]) -> Option<Self> {
        let sound = word(bytes, 0) == PAGE_MAGIC
            && word(bytes, 16) == ENTRY as u32
            && word(bytes, PAGE_HEADER - 4) == crc_of(bytes);
        sound.then_some(Self {
            number: word(bytes, 4),
            boot: word(bytes, 8),
            overwritten: word(bytes, 12),
        })
    }
}

fn crc_of(head: &[u8]) -> u32 {
    evenstride_protocol::crc32(head.get(..PAGE_HEADER - 4).unwrap_or(&[]))
}

/// The first word of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkWord {
    pub n: u8,
    pub starts: bool,
    crc: u32,
}

impl ChunkWord {
    pub fn decode(word: u32) -> Option<Self> {
        let [low, ..] = word.to_le_bytes();
        let n = low & !STARTS;
        (n > 0 && n <= MAX_ENTRIES).then_some(Self {
            n,
            starts: low & STARTS != 0,
            crc: word >> 8,
        })
    }

    const fn low(self) -> u8 {
        if self.starts {
            self.n | STARTS
        } else {
            self.n
        }
    }

    /// Begin the CRC that is to be `confirms`ed: entries follow. The page and the number of the first entry are in it,
    /// so that a chunk of an earlier life of this page, or one after a hole, is none of this one's.
    pub fn crc(self, page: u32, boot: u32, first: u32, meta: &Meta) -> Crc32 {
        let mut crc = Crc32::new();
        for word in [page, boot, first] {
            crc.push(&word.to_le_bytes());
        }
        crc.push(&[self.low()]);
        if self.starts {
            crc.push(meta);
        }
        crc
    }

    pub const fn confirms(self, crc: &Crc32) -> bool {
        crc.value() >> 8 == self.crc
    }
}

/// A chunk in RAM before it is written: `SIZE` bytes, the entries behind room for `CHUNK_HEADER`.
pub struct Chunk<const SIZE: usize> {
    bytes: [u8; SIZE],
    used: usize,
    n: u8,
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

    pub const fn n(&self) -> u8 {
        self.n
    }

    /// Bytes in flash.
    pub const fn size(&self, starts: bool) -> u32 {
        let size = self.used - if starts { 0 } else { START };
        size as u32
    }

    pub const fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Add one entry; false when the chunk is full.
    pub fn push(&mut self, entry: &[u8]) -> bool {
        if self.n == MAX_ENTRIES {
            return false;
        }
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

    /// The bytes that go to flash as part of page number `page`.
    pub fn seal(&mut self, page: u32, boot: u32, starts: bool) -> &[u8] {
        let head = ChunkWord {
            n: self.n,
            starts,
            crc: 0,
        };
        let mut crc = head.crc(page, boot, self.first, &self.meta);
        crc.push(self.bytes.get(CHUNK_HEADER..self.used).unwrap_or(&[]));
        let word = (crc.value() & !0xFF) | u32::from(head.low());
        let from = if starts { 0 } else { START };
        if starts {
            let (first, meta) = (self.first.to_le_bytes(), self.meta);
            put(&mut self.bytes, WORD, &first);
            put(&mut self.bytes, WORD + 4, &meta);
        }
        put(&mut self.bytes, from, &word.to_le_bytes());
        self.bytes.get(from..self.used).unwrap_or(&[])
    }
}

impl<const SIZE: usize> Default for Chunk<SIZE> {
    fn default() -> Self {
        Self::new()
    }
}

pub fn word(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..at + 4) {
        Some(&[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]),
        _ => 0,
    }
}

fn put(to: &mut [u8], at: usize, what: &[u8]) {
    if let Some(room) = to.get_mut(at..at + what.len()) {
        room.copy_from_slice(what);
    }
}
