//! When samples were taken: stamps of the pod clock, and the line through them.

const RING: usize = 256;
/// Stamps closer than this are left out: the ring then reaches over the longest stride.
const APART: u32 = 8;

pub(crate) struct Stamps {
    /// Index and the low half of the tick.
    ring: [(u32, u32); RING],
    n: usize,
    next: usize,
    last: Option<(u32, u64)>,
}

/// The line of time: `tick + rest` at sample `index + x` is `base + offset + x period`, ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) index: u32,
    pub(crate) base: u64,
    pub(crate) offset: f32,
    pub(crate) period: f32,
}

impl Stamps {
    pub(crate) const fn new() -> Self {
        Self {
            ring: [(0, 0); RING],
            n: 0,
            next: 0,
            last: None,
        }
    }

    pub(crate) fn clear(&mut self) {
        (self.n, self.last) = (0, None);
    }

    /// Sample `index` was taken at `tick`. Ignored where it is not after the last one.
    pub(crate) fn push(&mut self, index: u32, tick: u64) {
        if let Some((last_index, last_tick)) = self.last {
            if index < last_index.saturating_add(APART) || tick <= last_tick {
                return;
            }
        }
        if let Some(slot) = self.ring.get_mut(self.next) {
            *slot = (index, tick as u32);
        }
        self.next = (self.next + 1) % RING;
        self.n = (self.n + 1).min(RING);
        self.last = Some((index, tick));
    }

    /// Least squares through the stamps of samples [start, stop); `None` where they are fewer than `least` or span less
    /// than `span` samples. Sums are exact.
    pub(crate) fn line(&self, start: u32, stop: u32, least: i64, span: u32) -> Option<Line> {
        let (_, last_tick) = self.last?;
        let within = |k: &usize| {
            let at = (self.next + RING - self.n + k) % RING;
            self.ring.get(at).copied()
        };
        let mut first: Option<(u32, u32)> = None;
        let mut latest = 0;
        let (mut n, mut sx, mut sy, mut sxx, mut sxy) = (0_i64, 0_i64, 0_i64, 0_i64, 0_i64);
        for (index, tick) in (0..self.n).filter_map(|k| within(&k)) {
            if index < start || index >= stop {
                continue;
            }
            let (origin, origin_tick) = *first.get_or_insert((index, tick));
            let x = i64::from(index - origin);
            let y = i64::from(tick.wrapping_sub(origin_tick));
            n += 1;
            sx += x;
            sy += y;
            sxx += x * x;
            sxy += x * y;
            latest = index;
        }
        let (index, low) = first?;
        if n < least || latest - index < span {
            return None;
        }
        let below = n * sxx - sx * sx;
        if below <= 0 {
            return None;
        }
        let period = (n * sxy - sx * sy) as f32 / below as f32;
        let base = last_tick - u64::from((last_tick as u32).wrapping_sub(low));
        let mean_y = sy / n;
        let rest = (sy - mean_y * n) as f32 / n as f32;
        Some(Line {
            index,
            base: base + mean_y as u64,
            offset: rest - sx as f32 / n as f32 * period,
            period,
        })
    }
}

impl Line {
    /// Whole ticks, rounded, at `x` samples after `index`.
    pub(crate) fn tick(&self, x: f32) -> u64 {
        let off = self.offset + x * self.period;
        self.base
            .saturating_add_signed(i64::from(crate::arrays::floor(off + 0.5)))
    }
}
