//! The pod without its radio: samples and commands in, messages out. Nothing here knows Bluetooth.

use embedded_storage_async::nor_flash::NorFlash;
use evenstride_protocol::{Mode, ResetReason, StrideRecord};
use heapless::Deque;

use crate::backfill::{Job, Stood};
use crate::chunk::{Chunk, FlashFault, CHUNK_HEADER};
use crate::clock::{Line, LINE_SAMPLES};
use crate::dates::Dates;
use crate::imu::{Counts, Stamp, MAX_BLOCK};
use crate::meta::{line_meta, method_meta};
use crate::packed::{packed, PACKED};
use crate::plan::{Plan, Vitals, RAW_PAGES, RECORD_PAGES};
use crate::ring::Ring;
use crate::settings::{anchor_bytes, anchors_from, Key, Marks, Settings};
use crate::stream::Stream;
use crate::strides::Strides;
use crate::summary::Recent;
use crate::tables::Tables;

/// Bytes of a sample in flash.
pub const SAMPLE: usize = 12;
const RAW_CHUNK: usize = CHUNK_HEADER + LINE_SAMPLES as usize * SAMPLE;
const RECORD_CHUNK: usize = CHUNK_HEADER + PACKED;
/// Longest time that a sample waits in RAM for its way to flash.
const STAGED_TICKS: u64 = evenstride_protocol::TICK_HZ as u64 / 2;
const LIVE_RECORDS: usize = 16;
/// A boot ends before its index does, 119 days at 416 Hz: while nobody streams, and 40 min later in any case.
const LAST_INDEX: [u32; 2] = [u32::MAX - 1_001_000, u32::MAX - 1_000];
/// Of a boot id that flash has not kept, so that the next start does not use it again: at power on, and in a life that
/// may see the flash come and go many times.
const UNKEPT: u32 = 0x3FFF_FFFF;
const UNKEPT_LATER: u32 = 0x00FF_FFFF;

pub type RawLog = Ring<RAW_PAGES, SAMPLE>;
pub type RecordLog = Ring<RECORD_PAGES, PACKED>;

/// A pod's whole state. Times are the pod's counter (`tick_now`).
pub struct Pod<F, D> {
    pub plan: Plan,
    pub vitals: Vitals,
    pub stream: Stream,
    pub(crate) flash: F,
    pub(crate) detector: D,
    pub(crate) settings: Settings,
    pub(crate) raw: RawLog,
    pub(crate) records: RecordLog,
    pub(crate) dates: Dates,
    pub(crate) marks: Marks,
    pub(crate) tables: Tables,
    pub(crate) backfill: Option<Job>,
    pub(crate) backfill_seq: u32,
    /// Where the backfill stood before its last message.
    pub(crate) stood: Option<Stood>,
    /// Samples after which a boot ends: while nobody streams, and in any case.
    pub last_index: [u32; 2],
    pub(crate) rate_mhz: u32,
    pub(crate) reason: ResetReason,
    random: u32,
    /// Flash knows the present boot's id.
    id_kept: bool,
    pub(crate) flash_fault: bool,
    pub(crate) identify_until: u64,
    staged: Chunk<RAW_CHUNK>,
    pub(crate) records_made: u32,
    pub(crate) live: Deque<StrideRecord, LIVE_RECORDS>,
    pub(crate) recent: Recent,
}

impl<F: NorFlash, D: Strides> Pod<F, D> {
    /// A pod before its power is switched on; large, so best made where it stays.
    pub fn new(plan: Plan, flash: F, detector: D) -> Self {
        let layout = &plan.layout;
        Self {
            vitals: Vitals::default(),
            stream: Stream::new(0),
            flash,
            detector,
            settings: Settings::new(layout.settings.clone()),
            raw: Ring::blank(layout.raw),
            records: Ring::blank(layout.records),
            dates: Dates::default(),
            marks: Marks::default(),
            tables: Tables::new(layout.tables),
            backfill: None,
            backfill_seq: 0,
            stood: None,
            last_index: LAST_INDEX,
            rate_mhz: plan.rate_mhz,
            reason: ResetReason::Unknown,
            random: 0,
            id_kept: false,
            flash_fault: false,
            identify_until: 0,
            staged: Chunk::new(),
            records_made: 0,
            live: Deque::new(),
            recent: Recent::new(),
            plan,
        }
    }

    /// Power on: what flash has kept, and a new boot id. `random` serves for it when the flash knows none. A pod whose
    /// flash fails streams all the same.
    pub async fn power_on(&mut self, reason: ResetReason, random: u32) {
        (self.reason, self.random) = (reason, random);
        let last = self.open_flash().await;
        let logged = self.raw.newest_boot().max(self.records.newest_boot());
        let newest = logged.max(self.dates.newest_boot());
        let mut boot_id = match (last, newest) {
            (None, None) => random & 0x7FFF_FFFE,
            (last, newest) => last.max(newest).unwrap_or(0),
        }
        .wrapping_add(1);
        let (flash, settings) = (&mut self.flash, &mut self.settings);
        let loaded = self.tables.load(flash, settings, &mut self.detector).await;
        let stored = settings.put_u32(flash, Key::BOOT_ID, boot_id).await;
        if stored.is_err() {
            boot_id = boot_id.saturating_add(random & UNKEPT);
        }
        self.id_kept = stored.is_ok();
        self.flash_fault |= loaded.is_err() || stored.is_err();
        self.dates.begin_life(boot_id);
        self.stream.restart(boot_id);
        self.detector.restart(self.rate_mhz);
    }

    /// The boot id that was used last.
    async fn open_flash(&mut self) -> Option<u32> {
        let kept = Kept::read(&mut self.flash, &mut self.settings).await;
        self.flash_fault |= kept.is_err();
        let kept = kept.unwrap_or_default();
        let rate_mhz = kept.rate_mhz.filter(|&rate| self.plan.offers(rate));
        self.rate_mhz = rate_mhz.unwrap_or(self.plan.rate_mhz);
        let [raw, records] = kept.erased;
        let ends = |log: u8| {
            let marks = &kept.marks;
            move |boot: u32| marks.end(log, boot)
        };
        let raw = self.raw.open(&mut self.flash, raw, ends(0)).await;
        let records = self.records.open(&mut self.flash, records, ends(1)).await;
        (self.marks, self.dates) = (kept.marks, kept.dates);
        self.flash_fault |= raw.is_err() || records.is_err();
        kept.boot_id
    }

    pub const fn rate_mhz(&self) -> u32 {
        self.rate_mhz
    }

    pub const fn boot_id(&self) -> u32 {
        self.stream.boot_id
    }

    /// Until when somebody wants to see which pod this is.
    pub const fn identify_until(&self) -> u64 {
        self.identify_until
    }

    /// Begin another boot without a reset: another rate, sleep is over, or the index has come near its end. The counter
    /// goes on, so the date does. Its anchor is kept after its id: else, were the power cut in between, the next boot
    /// would have the id of an anchor that is not its own. The first id that flash does not keep is a random step away from
    /// what it knows, those after it follow it.
    pub(crate) async fn new_boot(&mut self, reason: ResetReason) {
        self.write_staged().await;
        let mut boot_id = self.stream.boot_id.wrapping_add(1);
        let (flash, settings) = (&mut self.flash, &mut self.settings);
        let stored = settings.put_u32(flash, Key::BOOT_ID, boot_id).await;
        if stored.is_err() && self.id_kept {
            boot_id = boot_id.saturating_add(self.random & UNKEPT_LATER);
        }
        self.id_kept = stored.is_ok();
        self.flash_fault |= stored.is_err();
        let (raw, records) = (&self.raw, &self.records);
        let held = |boot: u32| raw.holds(boot) || records.holds(boot);
        if self.dates.carry(boot_id, held) {
            let bytes = anchor_bytes(self.dates.anchors());
            let kept = self.settings.put(&mut self.flash, Key::ANCHORS, &bytes);
            self.flash_fault |= kept.await.is_err();
        }
        self.stream.restart(boot_id);
        (self.reason, self.backfill_seq, self.records_made) = (reason, 0, 0);
        (self.backfill, self.stood) = (None, None);
        self.live.clear();
        self.recent = Recent::new();
        self.detector.restart(self.rate_mhz);
    }

    /// The sensor has lost samples or its own time: what comes next is another boot, as index to time is one line. A boot
    /// that has no sample yet goes on: a sensor that is dead for good is not to wear the flash.
    pub async fn sensor_failed(&mut self) {
        self.vitals.imu_fault = true;
        if self.stream.taken() > 0 {
            self.new_boot(ResetReason::Software).await;
        }
    }

    /// Sleep is over; the counter has gone on.
    pub async fn wake(&mut self, reason: ResetReason) {
        self.new_boot(reason).await;
    }

    // ---- samples -----------------------------------------------------------------------------------------------

    /// A block of samples has come from the sensor. The one that would begin another boot is not taken: the sensor
    /// begins it anew, as index to time is one line.
    pub async fn samples(&mut self, block: &[Counts], stamp: Stamp) {
        let [idle, streaming] = self.last_index;
        let last = match self.stream.mode {
            Mode::Idle => idle,
            _ => streaming,
        };
        if self.stream.taken() >= last {
            return self.new_boot(ResetReason::Software).await;
        }
        let index = self.stream.taken();
        let begins = self
            .stream
            .clock
            .block(index, stamp.tick_q16, stamp.period_q16);
        if begins {
            self.write_staged().await;
        }
        let line = self.stream.clock.line(index);
        for counts in block {
            let index = self.stream.taken();
            self.stage(index, &line, counts).await;
            self.stream.take(counts);
            self.detector.push(index, line.at_q16(index), counts);
        }
        let staged = u64::from(self.staged.n()) + MAX_BLOCK as u64;
        if (staged * u64::from(line.period_q16)) >> 16 > STAGED_TICKS {
            self.write_staged().await;
        }
        self.log_records().await;
        let tidy = (
            self.raw.tidy(&mut self.flash).await,
            self.records.tidy(&mut self.flash).await,
        );
        self.flash_fault |= tidy.0.is_err() || tidy.1.is_err();
    }

    async fn stage(&mut self, index: u32, line: &Line, counts: &Counts) {
        let mut entry = [0; SAMPLE];
        for (to, count) in entry.chunks_exact_mut(2).zip(counts) {
            to.copy_from_slice(&count.to_le_bytes());
        }
        if self.staged.is_empty() {
            (self.staged.first, self.staged.meta) = (index, line_meta(&line.from(index)));
        }
        if !self.staged.push(&entry) {
            self.write_staged().await;
            (self.staged.first, self.staged.meta) = (index, line_meta(&line.from(index)));
            self.staged.push(&entry);
        }
    }

    /// Bring the samples in RAM to flash.
    pub(crate) async fn write_staged(&mut self) {
        let boot = self.stream.boot_id;
        let written = self.raw.append(&mut self.flash, boot, &mut self.staged);
        self.flash_fault |= written.await.is_err();
    }

    /// Records are logged before they are sent, each alone: a power cut costs the one that is being written.
    async fn log_records(&mut self) {
        while let Some(record) = self.detector.poll() {
            let Some(entry) = packed(&record) else {
                continue;
            };
            let mut chunk = Chunk::<RECORD_CHUNK>::new();
            (chunk.first, chunk.meta) = (self.records_made, method_meta(self.detector.method()));
            chunk.push(&entry);
            let (boot, flash) = (self.stream.boot_id, &mut self.flash);
            let written = self.records.append(flash, boot, &mut chunk).await;
            self.flash_fault |= written.is_err();
            self.records_made += 1;
            self.recent.push(&record);
            if matches!(self.stream.mode, Mode::Strides) {
                if self.live.is_full() {
                    self.live.pop_front();
                }
                let _ = self.live.push_back(record);
            }
        }
    }

    // ---- the link ----------------------------------------------------------------------------------------------

    /// The link is gone: what was not confirmed is taken back, a backfill and a transfer end without a word.
    pub fn link_lost(&mut self) {
        self.stream.link_lost();
        (self.backfill, self.stood) = (None, None);
        self.live.clear();
        self.tables.forget_transfer();
    }

    /// The stored bonds, as `put_bonds` was given them.
    pub async fn bonds<R>(&mut self, take: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let found = self.settings.get(&mut self.flash, Key::BONDS, take).await;
        self.flash_fault |= found.is_err();
        found.ok().flatten()
    }

    /// Keep bonds; they are the radio's own bytes.
    pub async fn put_bonds(&mut self, bytes: &[u8]) -> Result<(), FlashFault> {
        self.settings.put(&mut self.flash, Key::BONDS, bytes).await
    }

    /// For tests that look into it, or harm it.
    pub const fn flash(&self) -> &F {
        &self.flash
    }

    pub fn flash_mut(&mut self) -> &mut F {
        &mut self.flash
    }

    /// What is left of it: for tests that cut the power.
    pub fn into_flash(self) -> F {
        self.flash
    }
}

/// What a power cut has left in the settings.
#[derive(Default)]
struct Kept {
    boot_id: Option<u32>,
    rate_mhz: Option<u32>,
    erased: [u32; 2],
    marks: Marks,
    dates: Dates,
}

impl Kept {
    async fn read<F: NorFlash>(flash: &mut F, settings: &mut Settings) -> Result<Self, FlashFault> {
        let erased = |v: &[u8]| {
            let word = |at: usize| Some(u32::from_le_bytes(v.get(at..at + 4)?.try_into().ok()?));
            [word(0).unwrap_or(0), word(4).unwrap_or(0)]
        };
        let marks = settings.get(flash, Key::MARKS, Marks::from_bytes).await?;
        let anchors = settings.get(flash, Key::ANCHORS, anchors_from).await?;
        Ok(Self {
            boot_id: settings.get_u32(flash, Key::BOOT_ID).await?,
            rate_mhz: settings.get_u32(flash, Key::RATE_MHZ).await?,
            erased: settings
                .get(flash, Key::ERASED, erased)
                .await?
                .unwrap_or_default(),
            marks: marks.unwrap_or_default(),
            dates: Dates::of(anchors.unwrap_or_default()),
        })
    }
}
