//! What a pod says by itself: status, frames, records, backfill, Info, advertising.

use embedded_storage_async::nor_flash::NorFlash;
use evenstride_protocol::{
    Feature, FrameBuilder, FrameHead, Info, Log, Mode, PodFlag, PodStatus, RecordsHead,
    StrideRecord, Summary, SummaryFlag, MAX_RECORDS, MIN_STREAM_MTU, SIX_AXES_MASK, TICK_HZ,
};

use crate::backfill::{Job, Stood};
use crate::chunk::FlashFault;
use crate::meta::{line_of, method_of};
use crate::packed::{unpacked, PACKED};
use crate::pod::{Pod, SAMPLE};
use crate::stream::{BACKFILL_PENDING, MAX_PENDING};
use crate::strides::{Method, Strides};

const MOST_SAMPLES: usize = 18; // of six axes in 244 bytes

impl<F: NorFlash, D: Strides> Pod<F, D> {
    /// Pod status (section 8).
    pub fn status(&self, tick_now: u64) -> PodStatus {
        let (stream, vitals) = (&self.stream, &self.vitals);
        let anchored = self.dates.has(stream.boot_id);
        let flags = [
            (vitals.charging, PodFlag::CHARGING),
            (vitals.battery_low, PodFlag::BATTERY_LOW),
            (self.raw.overwritten() > 0, PodFlag::LOG_FULL),
            (!anchored, PodFlag::CLOCK_UNSET),
            (vitals.imu_fault, PodFlag::IMU_FAULT),
            (self.flash_fault, PodFlag::FLASH_FAULT),
            (
                self.detector.method().rotation_version == 0,
                PodFlag::UNALIGNED,
            ),
        ];
        let set = flags.iter().filter(|(set, _)| *set);
        PodStatus {
            reset_reason: self.reason,
            flags: set.fold(0, |all, (_, flag)| all | flag),
            boot_id: stream.boot_id,
            tick: tick_now,
            taken: stream.taken(),
            next_seq: stream.seq(),
            dropped: stream.dropped(),
            clipped: stream.clipped(),
            log_samples: self.raw.len(),
            log_overwritten: self.raw.overwritten(),
            battery_mv: vitals.battery_mv,
            battery_percent: vitals.battery_percent,
            mode: stream.mode,
            temperature: vitals.temperature,
            log_fill_permille: self.raw.fill_permille(),
        }
    }

    /// Info (section 4), written to `out`.
    pub fn info(&self, out: &mut [u8]) -> usize {
        let records = if D::RECORDS { Feature::RECORDS } else { 0 };
        let bonded = if self.plan.bonded_only {
            Feature::BONDED_ONLY
        } else {
            0
        };
        let method = self.detector.method();
        let info = Info {
            minor: evenstride_protocol::MINOR,
            pod_id: self.plan.pod_id,
            boot_id: self.stream.boot_id,
            tick_hz: TICK_HZ,
            rate_mhz: self.rate_mhz,
            log_capacity: self.raw.area().bytes(),
            min_mtu: MIN_STREAM_MTU,
            features: Feature::RAW_LOG | Feature::SQUAD | records | bonded,
            coefficients_version: method.coefficients_version,
            rotation_version: method.rotation_version,
            channels: self.plan.channels(),
            firmware: self.plan.firmware,
            hardware: self.plan.hardware,
        };
        info.encode(out).unwrap_or(0)
    }

    /// What goes into the advertising (section 3).
    pub fn summary(&self, tick_now: u64) -> Summary {
        let flags = [
            (self.vitals.battery_low, SummaryFlag::BATTERY_LOW),
            (!self.raw.is_empty(), SummaryFlag::LOG_WAITING),
            (self.plan.bonded_only, SummaryFlag::BONDED_ONLY),
        ];
        let set = flags.iter().filter(|(set, _)| *set);
        let flags = set.fold(0, |all, (_, flag)| all | flag);
        let battery_percent = self.vitals.battery_percent;
        self.recent.summary(flags, battery_percent, tick_now)
    }

    /// The next live notification on Data, written to `out`; 0 when nothing is ready or the radio's hands are full.
    pub fn live(&mut self, mtu: u16, tick_now: u64, out: &mut [u8]) -> usize {
        self.stood = None;
        if matches!(self.stream.mode, Mode::Idle) || self.stream.pending() >= MAX_PENDING {
            return 0;
        }
        let size = if self.stream.status_is_due(tick_now) {
            self.status(tick_now).encode(out).unwrap_or(0)
        } else if !self.live.is_empty() {
            self.live_records(mtu, out)
        } else {
            return self.stream.frame(mtu, out);
        };
        if size > 0 {
            self.stream.hand_over();
        }
        size
    }

    fn live_records(&mut self, mtu: u16, out: &mut [u8]) -> usize {
        let most = records_per_message(mtu);
        let head = self.records_head(
            false,
            self.stream.boot_id,
            self.records_made - self.live.len() as u32,
            self.detector.method(),
        );
        let mut records = [StrideRecord::default(); MAX_RECORDS];
        let mut n = 0;
        for slot in records.iter_mut().take(most) {
            let Some(record) = self.live.pop_front() else {
                break;
            };
            *slot = record;
            n += 1;
        }
        let records = records.get(..n).unwrap_or(&[]);
        head.encode(records, out).unwrap_or(0)
    }

    const fn records_head(
        &self,
        backfill: bool,
        boot_id: u32,
        first_record: u32,
        method: Method,
    ) -> RecordsHead {
        RecordsHead {
            backfill,
            boot_id,
            first_record,
            rules: method.rules,
            coefficients_version: method.coefficients_version,
            rotation_version: method.rotation_version,
        }
    }

    /// The next backfill notification, the last being the end of the backfill; 0 when none is asked for or the radio
    /// has enough. Live frames go first: ask `live` before.
    pub async fn backfill(&mut self, mtu: u16, out: &mut [u8]) -> usize {
        let Some(job) = self.backfill else {
            return 0;
        };
        if self.stream.pending() >= BACKFILL_PENDING {
            return 0;
        }
        let seq = self.backfill_seq;
        let sent = match job.log {
            _ if job.cancelled => Ok(0),
            Log::Raw => self.backfill_frame(job, mtu, out).await,
            Log::Records => self.backfill_records(job, mtu, out).await,
        };
        let size = match sent {
            Ok(size) if size > 0 => size,
            sent => {
                self.backfill = None;
                self.flash_fault |= sent.is_err();
                job.done(sent.is_err()).encode(out).unwrap_or(0)
            }
        };
        self.stream.hand_over();
        self.stood = Some(Stood { job, seq });
        size
    }

    /// What `live` or `backfill` made last has not gone out, as nobody is subscribed to it any more. A backfill makes it
    /// again; live samples are dropped, live records are in the log.
    pub fn not_sent(&mut self) {
        self.stream.not_sent();
        let Some(Stood { job, seq }) = self.stood.take() else {
            return;
        };
        let again = self.backfill.map_or(Some(job), |now| now.back_to(job));
        if again.is_some() {
            (self.backfill, self.backfill_seq) = (again, seq);
        }
    }

    async fn backfill_frame(
        &mut self,
        mut job: Job,
        mtu: u16,
        out: &mut [u8],
    ) -> Result<usize, FlashFault> {
        let most = evenstride_protocol::samples_per_frame(mtu, 6).min(MOST_SAMPLES);
        let mut samples = [0; MOST_SAMPLES * SAMPLE];
        let (boot, flash) = (job.boot_id, &mut self.flash);
        let read = self
            .raw
            .read(flash, boot, job.cursor, job.end(), most, &mut samples);
        let Some(found) = read.await? else {
            return Ok(0);
        };
        let head = FrameHead {
            backfill: true,
            boot_id: boot,
            seq: self.backfill_seq,
            first_index: found.first,
            tick: line_of(&found.meta, found.meta_first).tick(found.first),
            mask: SIX_AXES_MASK,
            backlog: 0,
        };
        let mut frame = FrameBuilder::new(mtu, head).ok_or(FlashFault)?;
        for sample in samples.chunks_exact(SAMPLE).take(found.n) {
            let mut counts = [0; 6];
            for (count, bytes) in counts.iter_mut().zip(sample.chunks_exact(2)) {
                *count = i16::from_le_bytes(bytes.try_into().map_err(|_| FlashFault)?);
            }
            frame.push(&counts);
        }
        let bytes = frame.finish(self.backfill_seq, 0);
        let size = bytes.len();
        out.get_mut(..size)
            .ok_or(FlashFault)?
            .copy_from_slice(bytes);
        self.backfill_seq = self.backfill_seq.wrapping_add(1);
        job.step(found.first, found.n);
        self.backfill = Some(job);
        Ok(size)
    }

    async fn backfill_records(
        &mut self,
        mut job: Job,
        mtu: u16,
        out: &mut [u8],
    ) -> Result<usize, FlashFault> {
        let mut entries = [0; MAX_RECORDS * PACKED];
        let (boot, most, flash) = (job.boot_id, records_per_message(mtu), &mut self.flash);
        let read = self
            .records
            .read(flash, boot, job.cursor, job.end(), most, &mut entries);
        let Some(found) = read.await? else {
            return Ok(0);
        };
        let mut records = [StrideRecord::default(); MAX_RECORDS];
        for (record, entry) in records.iter_mut().zip(entries.chunks_exact(PACKED)) {
            *record = unpacked(entry).ok_or(FlashFault)?;
        }
        let head = self.records_head(true, boot, found.first, method_of(&found.meta));
        let size = head
            .encode(records.get(..found.n).unwrap_or(&[]), out)
            .ok_or(FlashFault)?;
        job.step(found.first, found.n);
        self.backfill = Some(job);
        Ok(size)
    }
}

const fn records_per_message(mtu: u16) -> usize {
    let room = (mtu as usize).saturating_sub(3 + RecordsHead::SIZE) / StrideRecord::SIZE;
    if room < MAX_RECORDS {
        room
    } else {
        MAX_RECORDS
    }
}
