//! A page as the flash has it, chunk by chunk from its beginning; it ends at its first chunk that does not add up.

use embedded_storage_async::nor_flash::NorFlash;

use crate::chunk::{word, ChunkWord, FlashFault, Meta, PageHead, PAGE, PAGE_HEADER, START, WORD};

const WINDOW: usize = 256; // flash likes few, longer reads

/// One chunk in flash.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    pub first: u32,
    pub n: u16,
    /// What is said of its entries, and of which entry it was said first.
    pub meta: Meta,
    pub meta_first: u32,
    word: ChunkWord,
    /// Of its entries, in the page.
    pub at: u32,
}

impl Piece {
    pub const fn end(&self) -> u32 {
        self.first + self.n as u32
    }
}

/// See the module. Entries have `ENTRY` bytes, a multiple of 4.
pub struct Walk<const ENTRY: usize> {
    pub head: PageHead,
    base: u32,
    at: u32,
    last: Option<Piece>,
    window: [u8; WINDOW],
    from: u32,
    held: usize,
}

impl<const ENTRY: usize> Walk<ENTRY> {
    /// The page that begins at `base`, None where there is none.
    pub async fn begin<F: NorFlash>(flash: &mut F, base: u32) -> Result<Option<Self>, FlashFault> {
        let mut walk = Self {
            head: PageHead {
                number: 0,
                boot: 0,
                overwritten: 0,
            },
            base,
            at: PAGE_HEADER as u32,
            last: None,
            window: [0; WINDOW],
            from: 0,
            held: 0,
        };
        let head = walk.bytes(flash, 0, PAGE_HEADER).await?;
        let Some(head) = PageHead::decode::<ENTRY>(head) else {
            return Ok(None);
        };
        walk.head = head;
        Ok(Some(walk))
    }

    /// The next chunk by what its head says; `verify` tells whether all of it adds up.
    pub async fn next<F: NorFlash>(&mut self, flash: &mut F) -> Result<Option<Piece>, FlashFault> {
        let at = self.at;
        if at + WORD as u32 > PAGE {
            return Ok(None);
        }
        let Some(head) = ChunkWord::decode(word(self.bytes(flash, at, WORD).await?, 0)) else {
            return Ok(None);
        };
        let start = if head.starts { START as u32 } else { 0 };
        let entries = at + WORD as u32 + start;
        let end = entries + u32::from(head.n) * ENTRY as u32;
        if end > PAGE {
            return Ok(None);
        }
        let (first, meta, meta_first) = if head.starts {
            let start = self.bytes(flash, at + WORD as u32, START).await?;
            let first = word(start, 0);
            let mut meta = [0; 12];
            meta.copy_from_slice(start.get(4..START).unwrap_or(&[0; 12]));
            (first, meta, first)
        } else {
            let Some(last) = self.last else {
                return Ok(None);
            };
            (last.end(), last.meta, last.meta_first)
        };
        let follows = self.last.is_none_or(|last| last.end() == first);
        if !follows || first.checked_add(u32::from(head.n)).is_none() {
            return Ok(None);
        }
        let piece = Piece {
            first,
            n: u16::from(head.n),
            meta,
            meta_first,
            word: head,
            at: entries,
        };
        (self.at, self.last) = (end, Some(piece));
        Ok(Some(piece))
    }

    /// Whether the CRC of a piece is right.
    pub async fn verify<F: NorFlash>(
        &mut self,
        flash: &mut F,
        piece: &Piece,
    ) -> Result<bool, FlashFault> {
        let PageHead { number, boot, .. } = self.head;
        let mut crc = piece.word.crc(number, boot, piece.first, &piece.meta);
        let (mut at, mut left) = (piece.at, usize::from(piece.n) * ENTRY);
        while left > 0 {
            let n = left.min(WINDOW);
            crc.push(self.bytes(flash, at, n).await?);
            at += n as u32;
            left -= n;
        }
        Ok(piece.word.confirms(&crc))
    }

    /// `n` bytes of the page, at most `WINDOW`.
    async fn bytes<F: NorFlash>(
        &mut self,
        flash: &mut F,
        at: u32,
        n: usize,
    ) -> Result<&[u8], FlashFault> {
        let inside = self.from <= at && at as usize + n <= self.from as usize + self.held;
        if !inside {
            let held = WINDOW.min(PAGE.saturating_sub(at) as usize);
            let room = self.window.get_mut(..held).ok_or(FlashFault)?;
            self.held = 0;
            let read = flash.read(self.base + at, room).await;
            read.map_err(|_| FlashFault)?;
            (self.from, self.held) = (at, held);
        }
        let offset = (at - self.from) as usize;
        self.window.get(offset..offset + n).ok_or(FlashFault)
    }
}
