//! Raw frames (section 6).

use crate::error::DecodeError;
use crate::wire::{i16_at, need, open, slice, u16_at, u32_at, u64_at, u8_at, value, Writer};
use crate::{ATT_HEADER, MAX_MESSAGE, MAX_SAMPLES};

const BACKFILL: u8 = 1;
const CLIPPED: u8 = 2;

/// How many samples of `channels` channels a frame holds at this ATT MTU: 18 of six axes at 247.
pub const fn samples_per_frame(mtu: u16, channels: u32) -> usize {
    let message = if (mtu as usize) < MAX_MESSAGE + ATT_HEADER {
        mtu as usize
    } else {
        MAX_MESSAGE + ATT_HEADER
    };
    let room = message.saturating_sub(ATT_HEADER + FrameHead::SIZE);
    let sample = 2 * channels as usize;
    if sample == 0 {
        0
    } else if room / sample < MAX_SAMPLES {
        room / sample
    } else {
        MAX_SAMPLES
    }
}

/// What stands before the counts, n and CLIPPED apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHead {
    pub backfill: bool,
    pub boot_id: u32,
    pub seq: u32,
    pub first_index: u32,
    /// At the first sample.
    pub tick: u64,
    pub mask: u16,
    /// Samples that wait behind this frame, at most 65,535.
    pub backlog: u16,
}

impl FrameHead {
    pub const SIZE: usize = 28;
}

/// A frame as it was read; the counts stay where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawFrame<'a> {
    pub head: FrameHead,
    pub clipped: bool,
    counts: &'a [u8],
    n: usize,
}

impl<'a> RawFrame<'a> {
    pub const KIND: u8 = 0x01;

    pub fn decode(data: &'a [u8]) -> Result<Self, DecodeError> {
        open(data, Self::KIND, FrameHead::SIZE)?;
        let (flags, n, mask) = (
            u8_at(data, 1)?,
            usize::from(u8_at(data, 2)?),
            u16_at(data, 24)?,
        );
        if n == 0 || n > MAX_SAMPLES {
            return value(2);
        }
        if mask == 0 {
            return value(24);
        }
        let size = 2 * n * mask.count_ones() as usize;
        need(data, FrameHead::SIZE + size)?;
        Ok(Self {
            head: FrameHead {
                backfill: flags & BACKFILL != 0,
                boot_id: u32_at(data, 4)?,
                seq: u32_at(data, 8)?,
                first_index: u32_at(data, 12)?,
                tick: u64_at(data, 16)?,
                mask,
                backlog: u16_at(data, 26)?,
            },
            clipped: flags & CLIPPED != 0,
            counts: slice(data, FrameHead::SIZE, size)?,
            n,
        })
    }

    /// How many samples, 1 to 120.
    pub const fn n(&self) -> usize {
        self.n
    }

    pub const fn channels(&self) -> usize {
        self.head.mask.count_ones() as usize
    }

    /// Sample by sample, channels in order of their bits.
    pub fn counts(&self) -> impl Iterator<Item = i16> + 'a {
        let counts = self.counts;
        (0..counts.len() / 2).filter_map(move |k| i16_at(counts, 2 * k).ok())
    }

    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let flags = u8::from(self.head.backfill) * BACKFILL + u8::from(self.clipped) * CLIPPED;
        head(out, &self.head, flags, self.n)
            .raw(self.counts)
            .finish()
    }
}

/// Collects the samples of one frame, as many as the MTU holds.
#[derive(Clone, Debug)]
pub struct FrameBuilder {
    head: FrameHead,
    clipped: bool,
    n: usize,
    most: usize,
    out: [u8; MAX_MESSAGE],
}

impl FrameBuilder {
    /// `None` where not one sample would fit. The MTU is that of the moment.
    pub fn new(mtu: u16, head: FrameHead) -> Option<Self> {
        let most = samples_per_frame(mtu, head.mask.count_ones());
        (most > 0).then_some(Self {
            head,
            clipped: false,
            n: 0,
            most,
            out: [0; MAX_MESSAGE],
        })
    }

    /// Whether the sample was taken: not when the frame is full or the counts are not one for each bit of the mask.
    /// A count at the end of 16 bits marks the frame as clipped.
    pub fn push(&mut self, counts: &[i16]) -> bool {
        let channels = self.head.mask.count_ones() as usize;
        if self.is_full() || counts.len() != channels {
            return false;
        }
        let at = FrameHead::SIZE + 2 * self.n * channels;
        let Some(room) = self.out.get_mut(at..) else {
            return false;
        };
        let mut writer = Writer::new(room);
        for count in counts {
            writer.i16(*count);
            self.clipped |= *count <= -i16::MAX || *count == i16::MAX;
        }
        self.n += 1;
        true
    }

    pub const fn is_full(&self) -> bool {
        self.n >= self.most
    }

    /// Samples so far.
    pub const fn n(&self) -> usize {
        self.n
    }

    /// Samples that fit.
    pub const fn capacity(&self) -> usize {
        self.most
    }

    /// The frame's bytes, empty while it holds no sample; `seq` and `backlog` are those of the moment of sending.
    pub fn finish(&mut self, seq: u32, backlog: usize) -> &[u8] {
        if self.n == 0 {
            return &[];
        }
        self.head.seq = seq;
        self.head.backlog = u16::try_from(backlog).unwrap_or(u16::MAX);
        let flags = u8::from(self.head.backfill) * BACKFILL + u8::from(self.clipped) * CLIPPED;
        let counts = 2 * self.n * self.head.mask.count_ones() as usize;
        let (own_head, n) = (self.head, self.n);
        match head(&mut self.out, &own_head, flags, n).finish() {
            Some(size) => self.out.get(..size + counts).unwrap_or(&[]),
            None => &[],
        }
    }
}

fn head<'w>(out: &'w mut [u8], head: &FrameHead, flags: u8, n: usize) -> Writer<'w> {
    let mut writer = Writer::new(out);
    writer
        .u8(RawFrame::KIND)
        .u8(flags)
        .u8(n as u8)
        .u8(0)
        .u32(head.boot_id)
        .u32(head.seq)
        .u32(head.first_index)
        .u64(head.tick)
        .u16(head.mask)
        .u16(head.backlog);
    writer
}
