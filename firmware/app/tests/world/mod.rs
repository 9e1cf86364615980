//! A pod without radio for tests: flash in RAM whose power can be cut at any byte, samples that know their number.
#![allow(dead_code)] // each test file uses its own part

pub mod anything;
pub mod numbered;

use core::fmt;

use embassy_futures::block_on;
use embedded_storage_async::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use evenstride_app::{Counts, Layout, LinkFacts, NoStrides, Plan, Pod, Stamp, Strides};
use evenstride_protocol::{Command, Message, Reply, Request, ResetReason, Status};

pub const PERIOD_Q16: u32 = 5_162_221;
pub const LINK: LinkFacts = LinkFacts {
    mtu: 247,
    encrypted: false,
    bonded: false,
    subscribed: true,
};

/// Erase sets 4,096 bytes to 0xFF, a write only clears bits; every byte written or page erased costs one of `power`. Where
/// the power goes in the middle of an erase, half of the page is erased.
#[derive(Clone)]
pub struct Ram {
    pub bytes: Vec<u8>,
    pub power: usize,
    pub spent: usize,
    pub dead: bool,
    /// What was spent before each erase.
    pub erases: Vec<usize>,
    pub refuses: Refuses,
    /// The page at this address cannot be read.
    pub unreadable: u32,
    /// The page at this address can be neither erased nor written.
    pub worn: u32,
}

/// What a flash with a fault does not do any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refuses {
    pub reading: bool,
    pub writing: bool,
    pub erasing: bool,
    /// Not all, but each operation of the above with so many others between, a write after half of its bytes.
    pub between: u32,
    since: u32,
}

impl Refuses {
    pub const fn of(reading: bool, writing: bool, erasing: bool, between: u32) -> Self {
        Self {
            reading,
            writing,
            erasing,
            between,
            since: 0,
        }
    }

    fn obey(&mut self, refused: bool) -> Result<(), Dead> {
        self.since += 1;
        if !refused || self.since <= self.between {
            return Ok(());
        }
        self.since = 0;
        Err(Dead)
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Dead;

impl fmt::Display for Dead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no power")
    }
}

impl NorFlashError for Dead {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl Ram {
    pub fn new() -> Self {
        Self::of(vec![0xFF; Layout::BYTES as usize])
    }

    pub fn of(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            power: usize::MAX,
            spent: 0,
            dead: false,
            erases: Vec::new(),
            refuses: Refuses::default(),
            unreadable: u32::MAX,
            worn: u32::MAX,
        }
    }

    /// The same flash with power again, and sound.
    pub fn again(self) -> Self {
        Self::of(self.bytes)
    }

    /// Where to cut the power in the life that this flash has had: 700 bytes of all that were written, and every erase.
    pub fn cuts(&self) -> Vec<usize> {
        let step = 1 + self.spent / 700;
        let written = (0..self.spent).step_by(step);
        written.chain(self.erases.iter().copied()).collect()
    }

    fn spend(&mut self) -> Result<(), Dead> {
        if self.spent >= self.power {
            self.dead = true;
            return Err(Dead);
        }
        self.spent += 1;
        Ok(())
    }
}

impl ErrorType for Ram {
    type Error = Dead;
}

impl ReadNorFlash for Ram {
    const READ_SIZE: usize = 4;

    async fn read(&mut self, from: u32, to: &mut [u8]) -> Result<(), Dead> {
        assert_eq!((from % 4, to.len() % 4), (0, 0), "unaligned read");
        self.refuses.obey(self.refuses.reading)?;
        if from / 4096 == self.unreadable / 4096 {
            return Err(Dead);
        }
        let from = from as usize;
        to.copy_from_slice(&self.bytes[from..from + to.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Ram {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Dead> {
        assert_eq!((from % 4096, to % 4096), (0, 0), "unaligned erase");
        self.refuses.obey(self.refuses.erasing)?;
        for page in (from..to).step_by(4096) {
            if page / 4096 == self.worn / 4096 {
                return Err(Dead);
            }
            self.erases.push(self.spent);
            let dies = self.spent == self.power && !core::mem::replace(&mut self.dead, true);
            let half = page as usize + 2048 * (self.spent % 2); // what a cut in the middle of it has erased
            if dies {
                self.bytes[half..half + 2048].fill(0xFF);
            }
            self.spend()?;
            self.bytes[page as usize..page as usize + 4096].fill(0xFF);
        }
        Ok(())
    }

    async fn write(&mut self, to: u32, bytes: &[u8]) -> Result<(), Dead> {
        assert_eq!((to % 4, bytes.len() % 4), (0, 0), "unaligned write");
        let old = &self.bytes[to as usize..to as usize + bytes.len()];
        let settings = to < Layout::default().settings.end; // whose library knows what it does
        assert!(
            settings || old.iter().all(|byte| *byte == 0xFF),
            "written twice at {to}"
        );
        if to / 4096 == self.worn / 4096 {
            return Err(Dead);
        }
        let refused = self.refuses.obey(self.refuses.writing);
        let written = if refused.is_err() {
            bytes.len() / 8 * 4
        } else {
            bytes.len()
        };
        for (k, byte) in bytes[..written].iter().enumerate() {
            self.spend()?;
            self.bytes[to as usize + k] &= byte;
        }
        refused
    }
}

impl MultiwriteNorFlash for Ram {}

pub fn plan(layout: Layout) -> Plan {
    Plan {
        pod_id: [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77],
        rate_mhz: 416_000,
        accel: (0.0048, 157.0),
        gyro: (0.00107, 35.0),
        firmware: "test",
        hardware: "test",
        bonded_only: false,
        layout,
    }
}

/// Sample `index` holds its own number in its first two counts.
pub fn counts(index: u32) -> Counts {
    [
        (index % 30_000) as i16,
        (index / 30_000) as i16,
        -3,
        4,
        -5,
        6,
    ]
}

pub fn number(counts: &[i16]) -> u32 {
    counts[0] as u32 + 30_000 * counts[1] as u32
}

/// A pod and its clock: `play` takes samples, `say` sends commands, `hear` gets what it says on Data.
pub struct World<D: Strides = NoStrides> {
    pub pod: Pod<Ram, D>,
    pub link: LinkFacts,
    token: u8,
}

pub fn power_on(flash: Ram, layout: Layout) -> World {
    with_detector(flash, plan(layout), NoStrides::default())
}

pub fn with_detector<D: Strides>(flash: Ram, plan: Plan, detector: D) -> World<D> {
    started(flash, plan, detector, 99)
}

/// With the random number that a boot id may come from.
pub fn started<D: Strides>(flash: Ram, plan: Plan, detector: D, random: u32) -> World<D> {
    let mut pod = Pod::new(plan, flash, detector);
    block_on(pod.power_on(ResetReason::PowerOn, random));
    World {
        pod,
        link: LINK,
        token: 0,
    }
}

impl<D: Strides> World<D> {
    pub fn tick(&self) -> u64 {
        ((u64::from(self.pod.stream.taken()) * u64::from(PERIOD_Q16)) >> 16) + 1000
    }

    /// Take `n` samples, a multiple of 9.
    pub fn play(&mut self, n: u32) {
        for _ in 0..n / 9 {
            let first = self.pod.stream.taken();
            let block: Vec<Counts> = (first..first + 9).map(counts).collect();
            let stamp = Stamp {
                n: 9,
                tick_q16: (1000 << 16) + u64::from(first) * u64::from(PERIOD_Q16),
                period_q16: PERIOD_Q16,
            };
            block_on(self.pod.samples(&block, stamp));
        }
    }

    /// The status and payload that a command is answered with.
    pub fn say(&mut self, command: Command<'_>) -> (Status, Vec<u8>) {
        self.token = self.token.wrapping_add(1);
        let mut data = [0; 244];
        let request = Request {
            token: self.token,
            command,
        };
        let size = request.encode(&mut data).unwrap();
        let (link, tick) = (self.link, self.tick());
        let answer = block_on(self.pod.command(&data[..size], link, tick));
        let reply = Reply::decode(answer.bytes()).unwrap();
        assert_eq!((reply.opcode, reply.token), (command.opcode(), self.token));
        (reply.status, reply.payload.to_vec())
    }

    pub fn ok(&mut self, command: Command<'_>) -> Vec<u8> {
        let (status, payload) = self.say(command);
        assert_eq!(status, Status::Ok, "{command:?}");
        payload
    }

    /// The next notification on Data, live before backfill.
    pub fn hear(&mut self) -> Option<Vec<u8>> {
        let mut out = [0; 244];
        let (mtu, tick) = (self.link.mtu, self.tick());
        let mut size = self.pod.live(mtu, tick, &mut out);
        if size == 0 {
            size = block_on(self.pod.backfill(mtu, &mut out));
        }
        assert!(size <= usize::from(mtu) - 3);
        assert!(size == 0 || Message::decode(&out[..size]).is_ok());
        (size > 0).then(|| out[..size].to_vec())
    }

    /// Everything that is ready, each message confirmed at once.
    pub fn hear_all(&mut self) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(data) = self.hear() {
            self.pod.stream.confirm(1);
            all.push(data);
        }
        all
    }
}
