//! A pod to which anything happens, in the order that bytes say: for the seeded lives of `anything.rs` and for the fuzzer.

use embassy_futures::block_on;
use evenstride_app::{Effect, Layout};
use evenstride_protocol::{
    advertising_data, header_of, BackfillDone, Command, Info, Log, LogRanges, Mode, PodFlag,
    PodStatus, RawFrame, Reply, Request, ResetReason, Status, StrideRecords, Table,
};

use super::numbered::{pod, record, Numbered};
use super::{counts, number, Ram, Refuses, World};

const MTUS: [u16; 6] = [23, 99, 100, 185, 247, 517];

/// What the bytes have left to say; zeros behind their end.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn u8(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes([self.u8(), self.u8()])
    }

    fn bytes(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

struct Life {
    world: World<Numbered>,
    /// The flash has refused something: what was not kept may come again.
    harmed: bool,
    asked: bool,
}

fn layout() -> Layout {
    Layout::with_pages(6, 4)
}

/// No panic, every answer and message is one of the protocol, every sample and record is the one of its number, what is
/// refused changes nothing, and boots count up.
pub fn anything(data: &[u8]) {
    let mut script = Script(data);
    let mut life = Life {
        world: pod(Ram::new(), layout()),
        harmed: false,
        asked: false,
    };
    while !script.0.is_empty() {
        life.step(&mut script);
    }
    life.ends();
}

impl Life {
    fn step(&mut self, script: &mut Script) {
        match script.u8() % 16 {
            0 | 1 => {
                let n = usize::from(script.u8());
                self.send(script.bytes(n));
            }
            2..=6 => self.command(script),
            7..=9 => self.world.play(9 * u32::from(script.u8())),
            10 | 11 => {
                let (hears, confirms) = (script.u8() % 32, script.u8() % 32);
                self.hear(hears.into());
                self.world.pod.stream.confirm(confirms.into());
            }
            12 => self.link_lost(),
            13 => {
                self.link_lost();
                let bits = script.u8();
                let link = &mut self.world.link;
                link.mtu = MTUS[usize::from(bits >> 3) % MTUS.len()];
                (link.subscribed, link.encrypted) = (bits & 1 == 0, bits & 6 > 0);
                link.bonded = bits & 4 > 0;
            }
            14 if script.u8() & 1 == 0 => self.restart(),
            14 => self.sleep(),
            _ => self.harm(script.u8(), script.u8()),
        }
    }

    fn link_lost(&mut self) {
        self.world.pod.link_lost();
        self.asked = false;
    }

    fn command(&mut self, script: &mut Script) {
        let (kind, small, wide) = (script.u8(), script.u8(), script.u16());
        let boot_id = self
            .world
            .pod
            .boot_id()
            .wrapping_sub(u32::from(small >> 1) % 4);
        let log = [Log::Raw, Log::Records][usize::from(small) % 2];
        let content = script.bytes(usize::from(small) % 64 + 1);
        let chunk = if content.is_empty() { &[0] } else { content };
        let command = match kind % 20 {
            0 | 1 => Command::Start {
                mode: [Mode::Raw, Mode::Strides][usize::from(small) % 2],
            },
            2 => Command::Stop,
            3 => Command::Identify { duration_s: small },
            4 => Command::SetRate {
                rate_mhz: [416_000, 208_000, 104_000][usize::from(small) % 3],
            },
            5 => Command::GetStatus,
            6 => Command::Anchor {
                utc_ns: i64::from(wide) * 1_000_000_007,
            },
            7 => Command::AnchorList { first: wide % 4 },
            8 => Command::LogStatus { first: wide % 4 },
            9..=11 => Command::Backfill {
                boot_id,
                first: u32::from(wide) % 4000,
                log,
                count: u32::from(small) * 32,
            },
            12 => Command::BackfillCancel,
            13 => Command::AckLog {
                boot_id,
                end: u32::from(wide) % 4000,
                log,
            },
            14 => Command::EraseLog,
            15 => Command::TableBegin {
                table: [Table::Coefficients, Table::Rotation][usize::from(small) % 2],
                version: wide,
                length: chunk.len() as u32,
                crc32: evenstride_protocol::crc32(chunk),
            },
            16 => Command::TableChunk {
                offset: u32::from(wide) % 3,
                data: chunk,
            },
            17 => Command::TableCommit,
            18 => Command::ClearBonds,
            _ => Command::UpdateChunk {
                offset: 0,
                data: chunk,
            },
        };
        let mut out = [0; 244];
        let token = script.u8();
        let size = Request { token, command }.encode(&mut out).unwrap();
        self.send(&out[..size]);
        if kind % 20 == 15 && small & 4 > 0 {
            // as a host sends it: otherwise no table would ever be whole
            let table = Command::TableChunk {
                offset: 0,
                data: chunk,
            };
            for command in [table, Command::TableCommit] {
                let size = Request { token, command }.encode(&mut out).unwrap();
                self.send(&out[..size]);
            }
        }
    }

    /// One write to Control.
    fn send(&mut self, data: &[u8]) {
        let (link, tick) = (self.world.link, self.world.tick());
        let before = self.seen();
        let answer = block_on(self.world.pod.command(data, link, tick));
        let reply = Reply::decode(answer.bytes()).expect("a reply");
        assert_eq!((reply.opcode, reply.token), header_of(data));
        let ok = reply.status == Status::Ok;
        let request = Request::decode(data);
        assert_eq!(
            request.is_err(),
            reply.status == Status::Malformed,
            "{data:?}"
        );
        if !ok && !self.harmed {
            assert_eq!(self.seen(), before, "refused: {request:?}");
        }
        match request.map(|request| request.command) {
            Ok(Command::EraseLog | Command::ClearBonds) => assert!(link.bonded || !ok),
            Ok(Command::Start { .. }) => {
                assert!(!ok || link.mtu >= 100 && link.subscribed);
            }
            Ok(Command::Backfill { .. }) => self.asked |= ok,
            Ok(Command::UpdateBegin(_) | Command::UpdateCommit { .. }) => assert!(!ok),
            _ => {}
        }
        let cleared = matches!(answer.effect, Effect::ClearBonds);
        assert!(!cleared || link.bonded && ok);
        self.says();
    }

    /// What no refused command may change.
    fn seen(&self) -> (u32, u32, u32, u32, bool, u32) {
        let (pod, tick) = (&self.world.pod, self.world.tick());
        let status = pod.status(tick);
        (
            pod.boot_id(),
            pod.rate_mhz(),
            status.taken,
            status.next_seq,
            status.mode == Mode::Idle,
            pod.identify_until() as u32,
        )
    }

    /// What everybody may read at any time.
    fn says(&mut self) {
        let mut out = [0; 244];
        let size = self.world.pod.info(&mut out);
        let info = Info::decode(&out[..size]).expect("Info");
        assert_eq!(info.boot_id, self.world.pod.boot_id());
        let status = self.world.pod.status(self.world.tick());
        let size = status.encode(&mut out).expect("a status");
        assert_eq!(PodStatus::decode(&out[..size]), Ok(status));
        assert!(status.log_fill_permille <= 1000);
        let _ = advertising_data(&self.world.pod.summary(self.world.tick()));
    }

    fn hear(&mut self, most: usize) -> bool {
        for _ in 0..most {
            let (boot_id, taken) = (self.world.pod.boot_id(), self.world.pod.stream.taken());
            let Some(message) = self.world.hear() else {
                return false;
            };
            if let Ok(frame) = RawFrame::decode(&message) {
                let head = frame.head;
                assert!(head.backfill || head.boot_id == boot_id);
                let held: Vec<i16> = frame.counts().collect();
                for (sample, index) in held.chunks(6).zip(head.first_index..) {
                    assert_eq!(sample, counts(index), "sample {index}: {}", number(sample));
                    assert!(head.boot_id != boot_id || index < taken);
                }
            } else if let Ok(records) = StrideRecords::decode(&message) {
                for (read, number) in records.records().zip(records.head.first_record..) {
                    assert_eq!(read, record(number));
                }
            } else if BackfillDone::decode(&message).is_ok() {
                assert!(core::mem::take(&mut self.asked), "nobody asked");
            }
        }
        true
    }

    /// Nobody is connected; the pod sleeps and wakes.
    fn sleep(&mut self) {
        self.link_lost();
        let (boot_id, told) = (self.world.pod.boot_id(), self.is_dated());
        block_on(self.world.pod.wake(ResetReason::Wake));
        let new = self.world.pod.boot_id();
        assert!(new == boot_id + 1 || self.harmed && new > boot_id); // flash may not have kept it
        assert_eq!(self.is_dated(), told);
        self.says();
    }

    fn is_dated(&self) -> bool {
        let status = self.world.pod.status(self.world.tick());
        status.flags & PodFlag::CLOCK_UNSET == 0
    }

    /// The battery is pulled and put back in.
    fn restart(&mut self) {
        let (boot_id, link) = (self.world.pod.boot_id(), self.world.link);
        let flash = self.world.pod.flash().clone();
        self.world = pod(flash.again(), layout());
        self.world.link = link;
        self.asked = false;
        assert!(self.harmed || self.world.pod.boot_id() > boot_id);
        self.says();
    }

    /// The power goes at one of the next bytes, or the flash stops doing something.
    fn harm(&mut self, kind: u8, when: u8) {
        self.harmed = true;
        let flash = self.world.pod.flash_mut();
        if kind & 1 == 0 {
            flash.power = flash.spent + usize::from(when) * 37;
        } else {
            let [reading, writing, erasing] = [2, 4, 8].map(|bit| kind & bit > 0);
            flash.refuses = Refuses::of(reading, writing, erasing, when.into());
        }
    }

    /// With power and a sound flash again: what the log says that it holds it can bring, every sample the right one.
    fn ends(&mut self) {
        self.restart();
        self.world.link = super::LINK;
        let held = self.world.ok(Command::LogStatus { first: 0 });
        for range in LogRanges::decode(&held).expect("ranges").ranges.iter() {
            assert!(range.first < range.end && range.boot_id <= self.world.pod.boot_id());
            self.world.ok(Command::Backfill {
                boot_id: range.boot_id,
                first: range.first,
                log: range.log,
                count: range.end - range.first,
            });
            self.asked = true;
            while self.hear(1) {
                self.world.pod.stream.confirm(1);
            }
            assert!(!self.asked, "a backfill ends");
        }
    }
}
