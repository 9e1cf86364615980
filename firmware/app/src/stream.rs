//! The live stream of one boot: what is taken, queued, in the radio's hands, delivered, dropped. Pure (section 6).

use evenstride_protocol::{FrameBuilder, FrameHead, Mode, StreamPosition, SIX_AXES_MASK, TICK_HZ};
use heapless::Deque;

use crate::clock::SampleClock;
use crate::imu::Counts;
use crate::queue::Queue;

/// Data notifications that may be in the radio's hands; backfill leaves half of them to live frames.
pub const MAX_PENDING: usize = 8;
/// Backfill goes out only while fewer are pending.
pub const BACKFILL_PENDING: usize = 4;
const STATUS_PERIOD: u64 = 5 * TICK_HZ as u64;

/// Whether a count stands at the end of its range.
pub const fn is_clipped(count: i16) -> bool {
    count == i16::MAX || count <= -i16::MAX
}

/// A notification on Data that the link layer has not confirmed; `n` samples of a live frame, 0 for anything else.
#[derive(Clone, Copy, Debug)]
struct Sent {
    seq: u32,
    n: u32,
}

/// See the module.
pub struct Stream {
    pub boot_id: u32,
    pub mode: Mode,
    pub clock: SampleClock,
    queue: Queue,
    taken: u32,
    seq: u32,
    dropped: u32,
    clipped: u32,
    /// A stream was asked for in this boot and not stopped since.
    wanted: bool,
    in_flight: Deque<Sent, MAX_PENDING>,
    status_due: Option<u64>,
}

impl Stream {
    pub fn new(boot_id: u32) -> Self {
        Self {
            boot_id,
            mode: Mode::Idle,
            clock: SampleClock::default(),
            queue: Queue::new(),
            taken: 0,
            seq: 0,
            dropped: 0,
            clipped: 0,
            wanted: false,
            in_flight: Deque::new(),
            status_due: None,
        }
    }

    /// Another boot begins on the same link. What the radio still has of the old one is confirmed in its turn.
    pub fn restart(&mut self, boot_id: u32) {
        let pending = self.in_flight.len();
        (self.boot_id, self.mode, self.wanted) = (boot_id, Mode::Idle, false);
        (self.taken, self.seq, self.dropped, self.clipped) = (0, 0, 0, 0);
        self.clock = SampleClock::default();
        self.queue.restart(0);
        self.status_due = None;
        self.in_flight.clear();
        for _ in 0..pending {
            let _ = self.in_flight.push_back(Sent { seq: 0, n: 0 });
        }
    }

    pub const fn taken(&self) -> u32 {
        self.taken
    }

    pub const fn seq(&self) -> u32 {
        self.seq
    }

    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    pub const fn clipped(&self) -> u32 {
        self.clipped
    }

    /// Data notifications in the radio's hands.
    pub fn pending(&self) -> usize {
        self.in_flight.len()
    }

    /// One sample was taken.
    pub fn take(&mut self, counts: &Counts) {
        self.taken += 1;
        self.clipped += u32::from(counts.iter().any(|&count| is_clipped(count)));
        if matches!(self.mode, Mode::Raw) {
            self.dropped += self.queue.push(counts);
        } else if self.wanted {
            self.dropped += 1;
        }
    }

    /// Where the live stream stands. `tick_now` serves before the first sample of the boot.
    pub fn position(&self, tick_now: u64) -> StreamPosition {
        StreamPosition {
            boot_id: self.boot_id,
            next_seq: self.seq,
            next_index: self.taken,
            tick: if self.clock.is_empty() {
                tick_now
            } else {
                self.clock.tick(self.taken)
            },
        }
    }

    /// Stream from the next sample on.
    pub fn start(&mut self, mode: Mode, tick_now: u64) {
        self.dropped += self.queue.restart(self.taken);
        self.mode = mode;
        self.wanted = matches!(mode, Mode::Raw);
        self.status_due = Some(tick_now);
    }

    /// No more live frames; what waits in the queue was no longer wanted.
    pub fn stop(&mut self) {
        self.queue.restart(self.taken);
        (self.mode, self.wanted, self.status_due) = (Mode::Idle, false, None);
    }

    /// Take back the numbers of what the link layer did not confirm, empty the queue, wait for the next START.
    pub fn link_lost(&mut self) {
        if let Some(first) = self.in_flight.iter().find(|sent| sent.n > 0) {
            self.seq = first.seq;
        }
        self.dropped += self.in_flight.iter().map(|sent| sent.n).sum::<u32>();
        self.in_flight.clear();
        self.dropped += self.queue.restart(self.taken);
        (self.mode, self.status_due) = (Mode::Idle, None);
    }

    /// The link layer has delivered the oldest `n` notifications on Data.
    pub fn confirm(&mut self, n: usize) {
        for _ in 0..n {
            self.in_flight.pop_front();
        }
    }

    /// What was handed over last has not gone out: its number is taken back, its samples are dropped.
    pub fn not_sent(&mut self) {
        if let Some(last) = self.in_flight.pop_back().filter(|last| last.n > 0) {
            self.seq = last.seq;
            self.dropped += last.n;
        }
    }

    /// Something else than a live frame goes out on Data.
    pub fn hand_over(&mut self) {
        let _ = self.in_flight.push_back(Sent { seq: 0, n: 0 });
    }

    /// Whether a pod status is due now; the next one is due five seconds later.
    pub fn status_is_due(&mut self, tick_now: u64) -> bool {
        let due = self.status_due.is_some_and(|due| tick_now >= due);
        if due {
            self.status_due = Some(tick_now + STATUS_PERIOD);
        }
        due
    }

    /// The next full live frame, written to `out`; 0 when there is none.
    pub fn frame(&mut self, mtu: u16, out: &mut [u8]) -> usize {
        if !matches!(self.mode, Mode::Raw) || self.in_flight.is_full() {
            return 0;
        }
        let first = self.queue.first();
        let head = FrameHead {
            backfill: false,
            boot_id: self.boot_id,
            seq: self.seq,
            first_index: first,
            tick: self.clock.tick(first),
            mask: SIX_AXES_MASK,
            backlog: 0,
        };
        let Some(mut frame) = FrameBuilder::new(mtu, head) else {
            return 0;
        };
        if self.queue.len() < frame.capacity() {
            return 0;
        }
        while !frame.is_full() {
            match self.queue.pop() {
                Some(counts) => frame.push(&counts),
                None => break,
            };
        }
        let n = frame.n() as u32;
        let bytes = frame.finish(self.seq, self.queue.len());
        let size = bytes.len();
        match out.get_mut(..size) {
            Some(room) => room.copy_from_slice(bytes),
            None => return 0,
        }
        let _ = self.in_flight.push_back(Sent { seq: self.seq, n });
        self.seq += 1;
        size
    }
}
