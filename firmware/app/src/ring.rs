//! A ring of flash pages that holds numbered entries of several boots (PROTOCOL.md section 9).
//!
//! A page is one erase unit, belongs to one boot, holds one unbroken range, and is filled chunk by chunk (`chunk.rs`). So
//! a power cut costs the chunk that was being written and no more: opening the ring walks the pages and ends each at
//! its first chunk that does not add up, and so does reading.
//!
//! Page numbers grow for ever, so the newest page is known after a restart and every page is worn alike.

use embedded_storage_async::nor_flash::NorFlash;

use crate::chunk::{Chunk, FlashFault, Meta, PageHead, PAGE, PAGE_HEADER};
use crate::index::{Index, Page, Range, State};
use crate::walk::Walk;

/// Refusals of the flash that cost nothing, from each start on: what was to be written goes to another page. A flash that
/// refuses for good is not to take the index of page after page with it.
const SPARE: u8 = 4;

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

/// Entries that `Ring::read` has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub first: u32,
    pub n: usize,
    /// What is said of these entries, and of which entry it was said first.
    pub meta: Meta,
    pub meta_first: u32,
}

/// At most `MAX` pages, entries of `ENTRY` bytes (a multiple of 4).
pub struct Ring<const MAX: usize, const ENTRY: usize> {
    area: Area,
    index: Index<MAX>,
    /// Where the next chunk goes in the head page; 0 = that page takes no more.
    at: u32,
    /// What the last chunk in the head page says.
    meta: Meta,
    next_page: u32,
    overwritten: u32,
    spare: u8,
}

impl<const MAX: usize, const ENTRY: usize> Ring<MAX, ENTRY> {
    /// A ring that is known to hold nothing.
    pub fn blank(area: Area) -> Self {
        let index = Index::new(area.pages);
        Self {
            area: Area {
                pages: index.count,
                ..area
            },
            index,
            at: 0,
            meta: [0; 12],
            next_page: 0,
            overwritten: 0,
            spare: SPARE,
        }
    }

    /// Find what the flash holds. Pages below number `erased_before` are forgotten, and so is of each boot what lies
    /// below `acknowledged(boot)`. A fault costs the pages that cannot be read.
    pub async fn open<F: NorFlash>(
        &mut self,
        flash: &mut F,
        erased_before: u32,
        acknowledged: impl Fn(u32) -> u32,
    ) -> Result<(), FlashFault> {
        self.clear();
        self.next_page = erased_before;
        let (mut newest, mut outcome) = (None, Ok(()));
        for k in 0..self.area.pages {
            let (head, mut page) = match self.inspect(flash, k).await {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(fault) => {
                    outcome = Err(fault);
                    continue;
                }
            };
            let live = head.number >= erased_before;
            page.forget(acknowledged(page.boot));
            if live && page.n > 0 {
                self.index.set(k, page);
            }
            if newest.is_none_or(|newest| head.number > newest) {
                (newest, self.index.head) = (Some(head.number), k);
                self.next_page = self.next_page.max(head.number.saturating_add(1));
                self.overwritten = if live { head.overwritten } else { 0 };
            }
        }
        outcome
    }

    /// One page as the flash has it.
    async fn inspect<F: NorFlash>(
        &self,
        flash: &mut F,
        k: usize,
    ) -> Result<Option<(PageHead, Page)>, FlashFault> {
        let Some(mut walk) = Walk::<ENTRY>::begin(flash, self.address(k)).await? else {
            return Ok(None);
        };
        let mut page = Page::of(walk.head.boot);
        while let Some(piece) = walk.next(flash).await? {
            if !walk.verify(flash, &piece).await? {
                break;
            }
            page.add(piece.first, piece.n);
        }
        Ok(Some((walk.head, page)))
    }

    /// Write a chunk of the newest boot. The chunk is emptied in any case; a fault need not have cost it.
    pub async fn append<F: NorFlash, const SIZE: usize>(
        &mut self,
        flash: &mut F,
        boot: u32,
        chunk: &mut Chunk<SIZE>,
    ) -> Result<(), FlashFault> {
        if chunk.is_empty() {
            return Ok(());
        }
        let mut outcome = Ok(());
        while let Err(fault) = self.write(flash, boot, chunk).await {
            (outcome, self.at) = (Err(fault), 0);
            if !self.spend() {
                break;
            }
        }
        chunk.clear();
        outcome
    }

    /// Whether there is one refusal more to spare.
    fn spend(&mut self) -> bool {
        let left = self.spare.checked_sub(1);
        self.spare = left.unwrap_or(0);
        left.is_some()
    }

    async fn write<F: NorFlash, const SIZE: usize>(
        &mut self,
        flash: &mut F,
        boot: u32,
        chunk: &mut Chunk<SIZE>,
    ) -> Result<(), FlashFault> {
        let head = self.index.page(self.index.head);
        let mut starts = self.at == PAGE_HEADER as u32 || chunk.meta != self.meta;
        let follows = self.at == PAGE_HEADER as u32 || chunk.first == head.end();
        if self.at == 0 || head.boot != boot || !follows || self.at + chunk.size(starts) > PAGE {
            self.at = 0;
            self.begin_page(flash, boot).await?;
            starts = true;
        }
        let page = self.next_page.wrapping_sub(1);
        let to = self.address(self.index.head) + self.at;
        let written = flash.write(to, chunk.seal(page, boot, starts)).await;
        written.map_err(|_| FlashFault)?;
        self.at += chunk.size(starts);
        self.meta = chunk.meta;
        let mut head = self.index.page(self.index.head);
        head.add(chunk.first, u16::from(chunk.n()));
        self.index.set(self.index.head, head);
        Ok(())
    }

    async fn begin_page<F: NorFlash>(
        &mut self,
        flash: &mut F,
        boot: u32,
    ) -> Result<(), FlashFault> {
        let k = self.index.next();
        let old = self.index.page(k);
        self.overwritten = self.overwritten.saturating_add(u32::from(old.n));
        self.index.set(k, self.in_doubt());
        if old.state != State::Blank {
            self.erase(flash, k).await?;
        }
        let head = PageHead {
            number: self.next_page,
            boot,
            overwritten: self.overwritten,
        };
        self.next_page = self.next_page.saturating_add(1);
        let written = flash.write(self.address(k), &head.encode::<ENTRY>()).await;
        written.map_err(|_| FlashFault)?;
        (self.index.head, self.at) = (k, PAGE_HEADER as u32);
        self.index.set(k, Page::of(boot));
        Ok(())
    }

    /// What a page is that is about to be erased and begun, should that fail.
    const fn in_doubt(&self) -> Page {
        if self.spare > 0 {
            Page::BAD
        } else {
            Page::STALE // to be tried again: the fault may pass
        }
    }

    /// Erase the next page ahead of time where it holds nothing: then the next `append` has not to wait for it.
    pub async fn tidy<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), FlashFault> {
        let k = self.index.next();
        if self.index.page(k).state == State::Stale {
            self.index.set(k, self.in_doubt());
            if let Err(fault) = self.erase(flash, k).await {
                self.spend();
                return Err(fault);
            }
            self.index.set(k, Page::BLANK);
        }
        Ok(())
    }

    async fn erase<F: NorFlash>(&self, flash: &mut F, k: usize) -> Result<(), FlashFault> {
        let from = self.address(k);
        flash.erase(from, from + PAGE).await.map_err(|_| FlashFault)
    }

    /// Up to `most` consecutive entries of `index ... end - 1` of a boot: the first that are there, of which the same is
    /// said. What does not add up any more is there no longer.
    pub async fn read<F: NorFlash>(
        &mut self,
        flash: &mut F,
        boot: u32,
        index: u32,
        end: u32,
        most: usize,
        out: &mut [u8],
    ) -> Result<Option<Found>, FlashFault> {
        while let Some((k, page)) = self.index.find(boot, index) {
            let first = index.max(page.first);
            let most = most.min(out.len() / ENTRY) as u32;
            let last = end.min(page.end()).min(first.saturating_add(most));
            if first >= last {
                return Ok(None);
            }
            match self.fetch(flash, k, first..last, out).await? {
                Ok(found) => return Ok(Some(found)),
                Err(sound) => self.cut(k, sound),
            }
        }
        Ok(None)
    }

    /// The first entries of `wanted`, which page `k` should hold; else where what it holds ends.
    async fn fetch<F: NorFlash>(
        &self,
        flash: &mut F,
        k: usize,
        wanted: core::ops::Range<u32>,
        out: &mut [u8],
    ) -> Result<Result<Found, u32>, FlashFault> {
        let Some(mut walk) = Walk::<ENTRY>::begin(flash, self.address(k)).await? else {
            return Ok(Err(0));
        };
        let (mut sound, mut found) = (0, None::<Found>);
        while let Some(piece) = walk.next(flash).await? {
            let at = found.map_or(wanted.start, |found| found.first + found.n as u32);
            let goes_on = found.is_none_or(|found| found.meta_first == piece.meta_first);
            if at >= wanted.end || !goes_on {
                break;
            }
            if at < piece.end() {
                if at < piece.first || !walk.verify(flash, &piece).await? {
                    break;
                }
                let before = found.map_or(0, |found| found.n);
                let n = (piece.end().min(wanted.end) - at) as usize;
                let Some(room) = out.get_mut(before * ENTRY..(before + n) * ENTRY) else {
                    break;
                };
                let from = self.address(k) + piece.at + (at - piece.first) * ENTRY as u32;
                flash.read(from, room).await.map_err(|_| FlashFault)?;
                found = Some(Found {
                    first: wanted.start,
                    n: before + n,
                    meta: piece.meta,
                    meta_first: piece.meta_first,
                });
            }
            sound = piece.end();
        }
        Ok(found.ok_or(sound))
    }

    fn cut(&mut self, k: usize, end: u32) {
        let mut page = self.index.page(k);
        page.cut(end);
        if k == self.index.head {
            self.at = 0;
        } else if page.n == 0 {
            page.state = State::Stale;
        }
        self.index.set(k, page);
    }

    /// Forget everything of this boot below `end`.
    pub fn acknowledge(&mut self, boot: u32, end: u32) {
        self.index.acknowledge(boot, end);
    }

    /// Forget everything: pages below `next_page` are of the past, also after a restart that is told so.
    pub fn clear(&mut self) {
        self.index.clear();
        (self.at, self.overwritten, self.spare) = (0, 0, SPARE);
    }

    /// The number that the next page will have.
    pub const fn next_page(&self) -> u32 {
        self.next_page
    }

    pub fn ranges(&self) -> impl Iterator<Item = Range> + '_ {
        self.index.ranges()
    }

    /// Whether it has anything of this boot.
    pub fn holds(&self, boot: u32) -> bool {
        self.index.find(boot, 0).is_some()
    }

    /// Behind the last entry of this boot; 0 without any.
    pub fn end(&self, boot: u32) -> u32 {
        let own = self.ranges().filter(|range| range.boot == boot);
        own.map(|range| range.end).max().unwrap_or(0)
    }

    pub const fn area(&self) -> Area {
        self.area
    }

    /// Entries held.
    pub fn len(&self) -> u32 {
        self.index.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entries that were overwritten before anybody acknowledged them.
    pub const fn overwritten(&self) -> u32 {
        self.overwritten
    }

    /// Pages that hold something, in thousandths.
    pub fn fill_permille(&self) -> u16 {
        self.index.fill_permille()
    }

    /// The highest boot id in it.
    pub fn newest_boot(&self) -> Option<u32> {
        self.index.newest_boot()
    }

    const fn address(&self, k: usize) -> u32 {
        self.area.start + k as u32 * PAGE
    }
}
