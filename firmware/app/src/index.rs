//! What the pages of a ring hold, in RAM: 12 bytes a page. Pure.

/// Entries of one boot, `first ... end - 1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    pub boot: u32,
    pub first: u32,
    pub end: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Holds nothing, must be erased before it is written.
    Stale,
    /// Erased by us since the start.
    Blank,
    /// Holds entries, some perhaps acknowledged; or is being filled.
    Live,
    /// Has refused to be erased or begun.
    Bad,
}

/// One page: entries `first ... first + n - 1` of a boot.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub boot: u32,
    pub first: u32,
    pub n: u16,
    pub state: State,
}

impl Page {
    pub const STALE: Self = Self {
        boot: 0,
        first: 0,
        n: 0,
        state: State::Stale,
    };
    pub const BAD: Self = Self {
        state: State::Bad,
        ..Self::STALE
    };
    pub const BLANK: Self = Self {
        state: State::Blank,
        ..Self::STALE
    };

    pub const fn of(boot: u32) -> Self {
        Self {
            boot,
            state: State::Live,
            ..Self::STALE
        }
    }

    pub const fn end(&self) -> u32 {
        self.first + self.n as u32
    }

    /// `n` entries from `first` on have been added behind the others.
    pub fn add(&mut self, first: u32, n: u16) {
        if self.n == 0 {
            self.first = first;
        }
        self.n += n;
    }

    /// Forget entries below `end`.
    pub fn forget(&mut self, end: u32) {
        if self.n > 0 && self.first < end {
            let left = self.end().saturating_sub(end);
            self.first = self.end() - left;
            self.n = left as u16; // less than it was
        }
    }

    /// Forget entries from `end` on.
    pub fn cut(&mut self, end: u32) {
        let left = end.saturating_sub(self.first).min(u32::from(self.n));
        self.n = left as u16;
    }
}

/// `count` pages of at most `MAX`; the head is the one that was begun last.
pub struct Index<const MAX: usize> {
    pages: [Page; MAX],
    pub count: usize,
    pub head: usize,
}

impl<const MAX: usize> Index<MAX> {
    /// At least two pages.
    pub fn new(count: usize) -> Self {
        let count = count.clamp(2, MAX);
        Self {
            pages: [Page::STALE; MAX],
            count,
            head: count - 1,
        }
    }

    pub fn clear(&mut self) {
        self.pages = [Page::STALE; MAX];
    }

    pub fn page(&self, k: usize) -> Page {
        self.pages.get(k).copied().unwrap_or(Page::STALE)
    }

    pub fn set(&mut self, k: usize, page: Page) {
        if let Some(slot) = self.pages.get_mut(k) {
            *slot = page;
        }
    }

    /// The page that is filled after the head.
    pub fn next(&self) -> usize {
        let mut sound = self.in_order().filter(|(_, page)| page.state != State::Bad);
        sound.next().map_or(self.head, |(k, _)| k)
    }

    /// Forget everything of this boot below `end`.
    pub fn acknowledge(&mut self, boot: u32, end: u32) {
        let head = self.head;
        for (k, page) in self.pages.iter_mut().enumerate() {
            if page.boot == boot {
                page.forget(end);
            }
            if page.n == 0 && k != head && page.state == State::Live {
                page.state = State::Stale;
            }
        }
    }

    /// The page that holds entry `index` of a boot, or else the first that holds a later one.
    pub fn find(&self, boot: u32, index: u32) -> Option<(usize, Page)> {
        let fits = |page: &Page| page.boot == boot && page.n > 0 && page.end() > index;
        self.in_order().find(|(_, page)| fits(page))
    }

    /// Unbroken ranges, oldest first: one for each boot, unless flash has lost something.
    pub fn ranges(&self) -> impl Iterator<Item = Range> + '_ {
        let held = self.in_order().map(|(_, page)| page);
        let mut pages = held.filter(|page| page.n > 0).peekable();
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

    /// Entries held.
    pub fn len(&self) -> u32 {
        self.pages.iter().map(|page| u32::from(page.n)).sum()
    }

    /// Pages that hold something, in thousandths.
    pub fn fill_permille(&self) -> u16 {
        let used = self.pages.iter().filter(|page| page.n > 0).count();
        (used * 1000 / self.count) as u16
    }

    /// The highest boot id in it.
    pub fn newest_boot(&self) -> Option<u32> {
        let held = self.pages.iter().filter(|page| page.n > 0);
        held.map(|page| page.boot).max()
    }

    fn in_order(&self) -> impl Iterator<Item = (usize, Page)> + '_ {
        (1..=self.count).map(move |step| {
            let k = (self.head + step) % self.count;
            (k, self.page(k))
        })
    }
}
