//! What a pod answers to each command (PROTOCOL.md section 5).

use embedded_storage_async::nor_flash::NorFlash;
use evenstride_protocol::{
    header_of, Command, List, Log, LogRange, LogRanges, Mode, Reply, Request, ResetReason, Status,
    UtcAnchor, UtcAnchors, MAX_ANCHORS, MAX_MESSAGE, MAX_PAYLOAD, MAX_RANGES, MIN_STREAM_MTU,
    TICK_HZ,
};

use crate::backfill::Job;
use crate::chunk::FlashFault;
use crate::index::Range;
use crate::pod::Pod;
use crate::settings::{anchor_bytes, Key, Mark};
use crate::strides::Strides;

/// What the radio knows of the link on which a command came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkFacts {
    pub mtu: u16,
    pub encrypted: bool,
    /// Encrypted with a bond.
    pub bonded: bool,
    /// To Data.
    pub subscribed: bool,
}

/// What the shell has to do besides sending the reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    #[default]
    Nothing,
    /// Forget every bond, also those in the radio's memory.
    ClearBonds,
}

/// A reply as it goes out.
pub struct Answer {
    bytes: [u8; MAX_MESSAGE],
    size: usize,
    pub effect: Effect,
}

impl Answer {
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.size).unwrap_or(&[])
    }
}

type Outcome = Result<usize, Status>;

impl From<FlashFault> for Status {
    fn from(_: FlashFault) -> Self {
        Self::StorageError
    }
}

fn demand(fulfilled: bool, otherwise: Status) -> Result<(), Status> {
    if fulfilled {
        Ok(())
    } else {
        Err(otherwise)
    }
}

impl<F: NorFlash, D: Strides> Pod<F, D> {
    /// Obey one write to Control. A refused command changes nothing.
    pub async fn command(&mut self, data: &[u8], link: LinkFacts, tick_now: u64) -> Answer {
        let (opcode, token) = header_of(data);
        let mut answer = Answer {
            bytes: [0; MAX_MESSAGE],
            size: 0,
            effect: Effect::Nothing,
        };
        let mut payload = [0; MAX_PAYLOAD];
        let outcome = match Request::decode(data) {
            Ok(request) => {
                self.obey(request.command, link, tick_now, &mut payload)
                    .await
            }
            Err(_) => Err(Status::Malformed),
        };
        self.flash_fault |= outcome == Err(Status::StorageError);
        let reply = match outcome {
            Ok(size) => Reply {
                opcode,
                token,
                status: Status::Ok,
                payload: payload.get(..size).unwrap_or(&[]),
            },
            Err(status) => Reply {
                opcode,
                token,
                status,
                payload: &[],
            },
        };
        if outcome.is_ok() && opcode == Command::ClearBonds.opcode() {
            answer.effect = Effect::ClearBonds;
        }
        answer.size = reply.encode(&mut answer.bytes).unwrap_or(0);
        answer
    }

    async fn obey(
        &mut self,
        command: Command<'_>,
        link: LinkFacts,
        tick_now: u64,
        out: &mut [u8],
    ) -> Outcome {
        match command {
            Command::Start { mode } => self.start(mode, link, tick_now, out),
            Command::Stop => {
                self.stream.stop();
                self.live.clear();
                self.position(tick_now, out)
            }
            Command::Identify { duration_s } => {
                self.identify_until = tick_now + u64::from(duration_s) * u64::from(TICK_HZ);
                Ok(0)
            }
            Command::SetRate { rate_mhz } => self.set_rate(rate_mhz, tick_now, out).await,
            Command::GetStatus => written(self.status(tick_now).encode(out)),
            Command::Anchor { utc_ns } => self.anchor(utc_ns, tick_now, out).await,
            Command::AnchorList { first } => self.anchor_list(first, out),
            Command::LogStatus { first } => self.log_status(first, out).await,
            Command::Backfill {
                boot_id,
                first,
                log,
                count,
            } => {
                self.begin_backfill(Job::new(log, boot_id, first, count), link)
                    .await
            }
            Command::BackfillCancel => {
                if let Some(job) = &mut self.backfill {
                    job.cancelled = true;
                }
                Ok(0)
            }
            Command::AckLog { boot_id, end, log } => self.acknowledge(log, boot_id, end).await,
            Command::EraseLog => self.erase(link).await,
            Command::TableBegin {
                table,
                version,
                length,
                crc32,
            } => {
                self.tables.begin(table, version, length, crc32, tick_now);
                Ok(0)
            }
            Command::TableChunk { offset, data } => {
                self.tables.chunk(offset, data, tick_now).map(|()| 0)
            }
            Command::TableCommit => {
                let (flash, settings) = (&mut self.flash, &mut self.settings);
                let commit = self
                    .tables
                    .commit(flash, settings, &mut self.detector, tick_now);
                commit.await.map(|()| 0)
            }
            Command::ClearBonds => {
                demand(link.bonded, Status::NeedsBond)?;
                self.put_bonds(&[]).await?;
                Ok(0)
            }
            Command::UpdateBegin(_)
            | Command::UpdateChunk { .. }
            | Command::UpdateCommit { .. } => Err(if link.bonded {
                Status::NotSupported
            } else {
                Status::NeedsBond
            }),
            Command::Unknown { .. } => Err(Status::UnknownCommand),
        }
    }

    fn position(&self, tick_now: u64, out: &mut [u8]) -> Outcome {
        written(self.stream.position(tick_now).encode(out))
    }

    fn start(&mut self, mode: Mode, link: LinkFacts, tick_now: u64, out: &mut [u8]) -> Outcome {
        demand(link.encrypted || !self.plan.bonded_only, Status::NeedsBond)?;
        demand(link.mtu >= MIN_STREAM_MTU, Status::MtuTooSmall)?;
        demand(link.subscribed, Status::BadState)?;
        self.stream.start(mode, tick_now);
        self.live.clear();
        self.position(tick_now, out)
    }

    async fn set_rate(&mut self, rate_mhz: u32, tick_now: u64, out: &mut [u8]) -> Outcome {
        demand(matches!(self.stream.mode, Mode::Idle), Status::BadState)?;
        demand(self.plan.offers(rate_mhz), Status::OutOfRange)?;
        if rate_mhz != self.rate_mhz {
            let kept = self
                .settings
                .put_u32(&mut self.flash, Key::RATE_MHZ, rate_mhz);
            kept.await?;
            self.rate_mhz = rate_mhz;
            self.new_boot(ResetReason::RateChanged).await;
        }
        self.position(tick_now, out)
    }

    // ---- dates -------------------------------------------------------------------------------------------------

    async fn anchor(&mut self, utc_ns: i64, tick_now: u64, out: &mut [u8]) -> Outcome {
        let anchor = UtcAnchor {
            boot_id: self.stream.boot_id,
            tick: tick_now,
            utc_ns,
        };
        self.write_staged().await;
        let (mut dates, raw, records) = (self.dates.clone(), &self.raw, &self.records);
        let logged = raw.ranges().chain(records.ranges()).map(|held| held.boot);
        dates.say(anchor, logged, |boot| {
            raw.holds(boot) || records.holds(boot)
        });
        let bytes = anchor_bytes(dates.anchors());
        let kept = self.settings.put(&mut self.flash, Key::ANCHORS, &bytes);
        kept.await?;
        self.dates = dates;
        let mut list = List::new();
        list.push(anchor);
        written(
            UtcAnchors {
                total: 1,
                first: 0,
                anchors: list,
            }
            .encode(out),
        )
    }

    fn anchor_list(&self, first: u16, out: &mut [u8]) -> Outcome {
        let all = self.dates.anchors().as_slice();
        let rest = all.get(usize::from(first)..).ok_or(Status::OutOfRange)?;
        let page = rest.get(..rest.len().min(MAX_ANCHORS)).unwrap_or(&[]);
        written(
            UtcAnchors {
                total: all.len() as u16,
                first,
                anchors: List::from_slice(page).unwrap_or_default(),
            }
            .encode(out),
        )
    }

    // ---- the log -----------------------------------------------------------------------------------------------

    async fn log_status(&mut self, first: u16, out: &mut [u8]) -> Outcome {
        self.write_staged().await;
        let of = |log: Log| {
            move |range: Range| LogRange {
                log,
                boot_id: range.boot,
                first: range.first,
                end: range.end,
            }
        };
        let raw = self.raw.ranges().map(of(Log::Raw));
        let records = self.records.ranges().map(of(Log::Records));
        let (mut total, mut page) = (0_u16, List::<LogRange, MAX_RANGES>::new());
        for range in raw.chain(records) {
            if total >= first {
                page.push(range);
            }
            total += 1;
        }
        demand(first <= total, Status::OutOfRange)?;
        written(
            LogRanges {
                total,
                first,
                ranges: page,
            }
            .encode(out),
        )
    }

    async fn begin_backfill(&mut self, job: Job, link: LinkFacts) -> Outcome {
        demand(link.mtu >= MIN_STREAM_MTU, Status::MtuTooSmall)?;
        demand(link.subscribed, Status::BadState)?;
        demand(self.backfill.is_none(), Status::Busy)?;
        let fits = job.count > 0 && job.count <= u32::MAX - job.first;
        demand(fits, Status::OutOfRange)?;
        self.write_staged().await;
        self.backfill = Some(job);
        Ok(0)
    }

    async fn acknowledge(&mut self, log: Log, boot: u32, end: u32) -> Outcome {
        self.write_staged().await;
        let (raw, records) = (&self.raw, &self.records);
        let end = end.min(match log {
            Log::Raw => raw.end(boot), // what comes later is not there yet
            Log::Records => records.end(boot),
        });
        let mark = Mark {
            log: log as u8,
            boot,
            end,
        };
        let mut marks = self.marks.clone();
        let held = |log: u8, boot: u32| match log {
            0 => raw.holds(boot),
            _ => records.holds(boot),
        };
        if !held(mark.log, boot) {
            return Ok(0); // nothing of that boot is left to forget
        }
        if marks.set(mark, held) {
            let bytes = marks.bytes();
            let kept = self.settings.put(&mut self.flash, Key::MARKS, &bytes);
            kept.await?;
            self.marks = marks;
        }
        match log {
            Log::Raw => self.raw.acknowledge(boot, end),
            Log::Records => self.records.acknowledge(boot, end),
        }
        Ok(0)
    }

    async fn erase(&mut self, link: LinkFacts) -> Outcome {
        demand(link.bonded, Status::NeedsBond)?;
        demand(self.backfill.is_none(), Status::Busy)?;
        self.write_staged().await;
        let (raw, records) = (self.raw.next_page(), self.records.next_page());
        let [a, b, c, d] = raw.to_le_bytes();
        let [e, f, g, h] = records.to_le_bytes();
        let numbers = [a, b, c, d, e, f, g, h];
        let kept = self.settings.put(&mut self.flash, Key::ERASED, &numbers);
        kept.await?;
        self.raw.clear();
        self.records.clear();
        self.dates.keep_only(self.stream.boot_id);
        let bytes = anchor_bytes(self.dates.anchors());
        let kept = self.settings.put(&mut self.flash, Key::ANCHORS, &bytes);
        self.flash_fault |= kept.await.is_err(); // the log is erased all the same
        Ok(0)
    }
}

fn written(size: Option<usize>) -> Outcome {
    size.ok_or(Status::Failed)
}
