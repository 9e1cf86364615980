//! A ring of flash pages that holds numbered entries of several boots (PROTOCOL.md section 9).
//!
//! A page is one erase unit, belongs to one boot, and is filled chunk by chunk; a chunk is written at once and ends with
//! the CRC of all that it says. So a power cut costs the chunk that was being written and no more: opening the ring walks
//! the pages and ends each at its first chunk that does not add up.
//!
//! Page numbers grow for ever, so the newest page is known after a restart and every page is worn alike.

use crate::chunk::{
    crc_of, entries, erase, put, read, verify, word, Area, Chunk, FlashFault, Found, Range,
    CHUNK_HEADER, PAGE, PAGE_HEADER, PAGE_MAGIC,
};
use embedded_storage_async::nor_flash::NorFlash;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Holds nothing, must be erased before it is written.
    Stale,
    /// Erased by us since the start.
    Blank,
    /// Holds entries, some perhaps acknowledged.
    Live,
}

#[derive(Clone, Copy, Debug)]
struct Page {
    boot: u32,
    first: u32,
    n: u16,
    state: State,
}

const NOTHING: Page = Page {
    boot: 0,
    first: 0,
    n: 0,
    state: State::Stale,
};

impl Page {
    const fn end(&self) -> u32 {
        self.first + self.n as u32
    }
}

/// At most `MAX` pages, entries of `ENTRY` bytes (a multiple of 4).
pub struct Ring<const MAX: usize, const ENTRY: usize> {
    area: Area,
    pages: [Page; MAX],
    head: usize,
    /// Where the next chunk goes in the head page; 0 = that page takes no more.
    at: u32,
    next_page: u32,
    overwritten: u32,
}

impl<const MAX: usize, const ENTRY: usize> Ring<MAX, ENTRY> {
    /// A ring that is known to hold nothing.
    pub fn blank(area: Area) -> Self {
        let pages = area.pages.clamp(2, MAX);
        Self {
            area: Area { pages, ..area },
            pages: [NOTHING; MAX],
            head: pages - 1,
            at: 0,
            next_page: 0,
            overwritten: 0,
        }
    }

    /// Find what the flash holds. Pages below number `erased_before` are forgotten, and so is of each boot what lies
    /// below `acknowledged(boot)`. On a fault the ring is blank.
    pub async fn open<F: NorFlash>(
        &mut self,
        flash: &mut F,
        erased_before: u32,
        acknowledged: impl Fn(u32) -> u32,
    ) -> Result<(), FlashFault> {
        self.clear();
        self.next_page = erased_before;
        let mut newest = None;
        for k in 0..self.area.pages {
            let walked = self.walk(flash, k).await.inspect_err(|_| self.clear())?;
            let Some((number, overwritten, page)) = walked else {
                continue;
            };
            let live = number >= erased_before;
            if live {
                self.set(k, page);
            }
            if newest.is_none_or(|newest| number > newest) {
                (newest, self.head) = (Some(number), k);
                self.next_page = self.next_page.max(number + 1);
                self.overwritten = if live { overwritten } else { 0 };
            }
        }
        for page in &mut self.pages {
            forget(page, page.boot, acknowledged(page.boot));
            if page.n == 0 {
                page.state = State::Stale;
            }
        }
        Ok(())
    }

    /// One page as the flash has it: its number, its count of overwritten entries, its entries.
    async fn walk<F: NorFlash>(
        &self,
        flash: &mut F,
        k: usize,
    ) -> Result<Option<(u32, u32, Page)>, FlashFault> {
        let base = self.address(k);
        let mut head = [0; PAGE_HEADER];
        read(flash, base, &mut head).await?;
        if word(&head, 0) != PAGE_MAGIC
            || word(&head, 16) != ENTRY as u32
            || word(&head, 20) != crc_of(&head, 20)
        {
            return Ok(None);
        }
        let (number, boot) = (word(&head, 4), word(&head, 8));
        let mut page = Page {
            boot,
            state: State::Live,
            ..NOTHING
        };
        let mut at = PAGE_HEADER as u32;
        while let Some((first, n)) = verify::<F, ENTRY>(flash, base, at, number, boot).await? {
            if page.n > 0 && first != page.end() {
                break;
            }
            if page.n == 0 {
                page.first = first;
            }
            page.n += n;
            at += CHUNK_HEADER as u32 + u32::from(n) * ENTRY as u32;
        }
        Ok(Some((number, word(&head, 12), page)))
    }

    /// Write a chunk of the newest boot; it follows the last one of that boot. The chunk is emptied in any case.
    pub async fn append<F: NorFlash, const SIZE: usize>(
        &mut self,
        flash: &mut F,
        boot: u32,
        chunk: &mut Chunk<SIZE>,
    ) -> Result<(), FlashFault> {
        if chunk.is_empty() {
            return Ok(());
        }
        let size = chunk.size();
        let head = self.page(self.head);
        if self.at == 0 || head.boot != boot || self.at + size > PAGE {
            self.at = 0;
            if let Err(fault) = self.open_page(flash, boot).await {
                chunk.clear();
                return Err(fault);
            }
        }
        let to = self.address(self.head) + self.at;
        let number = self.next_page.wrapping_sub(1);
        let written = flash.write(to, chunk.seal(number, boot)).await;
        let (first, n) = (chunk.first, chunk.n());
        chunk.clear();
        if written.is_err() {
            self.at = 0;
            return Err(FlashFault);
        }
        self.at += size;
        let mut head = self.page(self.head);
        if head.n == 0 {
            head.first = first;
        }
        head.n += n;
        self.set(self.head, head);
        Ok(())
    }

    async fn open_page<F: NorFlash>(&mut self, flash: &mut F, boot: u32) -> Result<(), FlashFault> {
        let k = (self.head + 1) % self.area.pages;
        let old = self.page(k);
        if old.state != State::Blank {
            self.overwritten = self.overwritten.saturating_add(u32::from(old.n));
            self.set(k, NOTHING);
            erase(flash, self.address(k)).await?;
        }
        self.set(k, NOTHING);
        let mut head = [0; PAGE_HEADER];
        put(&mut head, 0, &PAGE_MAGIC.to_le_bytes());
        put(&mut head, 4, &self.next_page.to_le_bytes());
        put(&mut head, 8, &boot.to_le_bytes());
        put(&mut head, 12, &self.overwritten.to_le_bytes());
        put(&mut head, 16, &(ENTRY as u32).to_le_bytes());
        let crc = crc_of(&head, 20);
        put(&mut head, 20, &crc.to_le_bytes());
        self.next_page += 1;
        flash
            .write(self.address(k), &head)
            .await
            .map_err(|_| FlashFault)?;
        (self.head, self.at) = (k, PAGE_HEADER as u32); // only now: a flash that refuses loses one page, not one after the other
        self.set(
            k,
            Page {
                boot,
                state: State::Live,
                ..NOTHING
            },
        );
        Ok(())
    }

    /// Erase the next page ahead of time where it holds nothing: then the next `append` has not to wait for it.
    pub async fn tidy<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), FlashFault> {
        let k = (self.head + 1) % self.area.pages;
        if self.page(k).state == State::Stale {
            erase(flash, self.address(k)).await?;
            self.set(
                k,
                Page {
                    state: State::Blank,
                    ..NOTHING
                },
            );
        }
        Ok(())
    }

    /// Up to `most` consecutive entries of `index ... end - 1` of a boot: the first that are there, from one chunk.
    pub async fn read<F: NorFlash>(
        &self,
        flash: &mut F,
        boot: u32,
        index: u32,
        end: u32,
        most: usize,
        out: &mut [u8],
    ) -> Result<Option<Found>, FlashFault> {
        let Some((k, page)) = self
            .in_order()
            .find(|(_, page)| page.boot == boot && page.n > 0 && page.end() > index)
        else {
            return Ok(None);
        };
        let first = index.max(page.first);
        if first >= end {
            return Ok(None);
        }
        let base = self.address(k);
        let mut at = PAGE_HEADER as u32;
        while at + CHUNK_HEADER as u32 <= PAGE {
            let mut head = [0; CHUNK_HEADER];
            read(flash, base + at, &mut head).await?;
            let Some((chunk_first, n)) = entries::<ENTRY>(&head, at) else {
                return Err(FlashFault);
            };
            let chunk_end = chunk_first + u32::from(n);
            at += CHUNK_HEADER as u32;
            if first < chunk_end {
                let left = (chunk_end.min(end) - first) as usize;
                let n = left.min(most).min(out.len() / ENTRY);
                let Some(room) = out.get_mut(..n * ENTRY) else {
                    return Err(FlashFault);
                };
                let offset = (first - chunk_first) * ENTRY as u32;
                read(flash, base + at + offset, room).await?;
                let mut meta = [0; 12];
                meta.copy_from_slice(head.get(8..20).unwrap_or(&[0; 12]));
                return Ok(Some(Found {
                    first,
                    n,
                    chunk_first,
                    meta,
                }));
            }
            at += u32::from(n) * ENTRY as u32;
        }
        Err(FlashFault)
    }

    /// Forget everything of this boot below `end`.
    pub fn acknowledge(&mut self, boot: u32, end: u32) {
        let head = self.head;
        for (k, page) in self.pages.iter_mut().enumerate() {
            forget(page, boot, end);
            if page.n == 0 && k != head && page.state == State::Live {
                page.state = State::Stale;
            }
        }
    }

    /// Forget everything: pages below `next_page` are of the past, also after a restart that is told so.
    pub fn clear(&mut self) {
        self.pages = [NOTHING; MAX];
        self.at = 0;
        self.overwritten = 0;
    }

    /// The number that the next page will have.
    pub const fn next_page(&self) -> u32 {
        self.next_page
    }

    /// One range for each boot, oldest first.
    pub fn ranges(&self) -> impl Iterator<Item = Range> + '_ {
        let mut pages = self
            .in_order()
            .map(|(_, page)| page)
            .filter(|page| page.n > 0)
            .peekable();
        core::iter::from_fn(move || {
            let page = pages.next()?;
            let mut end = page.end();
            while let Some(next) = pages.next_if(|next| next.boot == page.boot && next.first == end)
            {
                end = next.end();
            }
            Some(Range {
                boot: page.boot,
                first: page.first,
                end,
            })
        })
    }

    pub const fn area(&self) -> Area {
        self.area
    }

    /// Entries held.
    pub fn len(&self) -> u32 {
        self.pages.iter().map(|page| u32::from(page.n)).sum()
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
        let used = self.pages.iter().filter(|page| page.n > 0).count();
        (used * 1000 / self.area.pages) as u16
    }

    /// The highest boot id in it.
    pub fn newest_boot(&self) -> Option<u32> {
        let held = self.pages.iter().filter(|page| page.n > 0);
        held.map(|page| page.boot).max()
    }

    fn in_order(&self) -> impl Iterator<Item = (usize, Page)> + '_ {
        (1..=self.area.pages).map(move |step| {
            let k = (self.head + step) % self.area.pages;
            (k, self.page(k))
        })
    }

    fn page(&self, k: usize) -> Page {
        self.pages.get(k).copied().unwrap_or(NOTHING)
    }

    fn set(&mut self, k: usize, page: Page) {
        if let Some(slot) = self.pages.get_mut(k) {
            *slot = page;
        }
    }

    const fn address(&self, k: usize) -> u32 {
        self.area.start + k as u32 * PAGE
    }
}

fn forget(page: &mut Page, boot: u32, end: u32) {
    if page.boot == boot && page.n > 0 && page.first < end {
        let left = page.end().saturating_sub(end);
        page.first = page.end() - left;
        page.n = left as u16;
    }
}
