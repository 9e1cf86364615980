"""The virtual pod without its radio: time and commands in, bytes out. Pure: no asyncio, no Bumble (PROTOCOL.md)."""

import math
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from evenstride_analysis.model import CountArray, FloatArray, SampleBlock
from evenstride_gateway.air import (
    Advertisement,
    Feature,
    Info,
    LogKind,
    Mode,
    PodFlag,
    PodStatus,
    RawFrame,
    ResetReason,
    StreamPosition,
    StrideRecord,
    StrideRecords,
    TableKind,
    samples_per_frame,
)
from evenstride_gateway.air.records import MAX_RECORDS
from evenstride_gateway.air.uuids import TICK_HZ
from evenstride_gateway.virtual.flash_log import BootClock, Flash, Ranges
from evenstride_gateway.virtual.pod_backfill import BackfillJob
from evenstride_gateway.virtual.pod_plan import BootTruth, Detector, PodPlan, Sent
from evenstride_gateway.virtual.pod_signal import FULL_COUNT, SignalSource
from evenstride_gateway.virtual.pod_summary import summary_of

_FETCH = 4096  # samples fetched at once after a long silence
_STAMP_EVERY = 18  # samples between stamps in the blocks that the on-pod detector sees


class PodCore:
    """A pod's state. Every method takes the true time `now_s` where time matters, in any unit's zero, never backwards.

    `detector` makes the on-pod stride detector of one boot; without it there are no records. `signal_start_s` is when
    the signal's sample 0 was taken (None = at the first boot): pods of one runner share it.
    """

    def __init__(
        self,
        plan: PodPlan,
        signal: SignalSource,
        *,
        flash: Flash | None = None,
        detector: Callable[[], Detector] | None = None,
        signal_start_s: float | None = None,
    ) -> None:
        self.plan = plan
        self.signal = signal
        self.flash = flash or Flash.blank()
        self.truth = dict[int, BootTruth]()
        self.mode = Mode.IDLE
        self.powered = False
        self.identified_until_s = -math.inf
        self._make_detector = detector
        self._start_s = signal_start_s
        self._scales = np.array([channel.scale for channel in signal.channels[:6]])
        self._mask = (1 << len(signal.channels)) - 1

    # power ------------------------------------------------------------------------------------------------------

    def boot(self, now_s: float, reason: ResetReason = ResetReason.POWER_ON) -> None:
        """Power on: a new boot id, index 0, and what flash has kept."""
        self._start_s = now_s if self._start_s is None else self._start_s
        self.powered, self._power_s = True, now_s
        self.life = self.flash.next_boot_id  # the first boot of this life of the counter
        self._new_boot(now_s, reason)

    def power_cut(self, now_s: float) -> None:
        """Everything in RAM dies: the queue, and the samples not yet in flash."""
        self.advance(now_s)
        truth = self.now_truth
        self._take_back()
        truth.died = Ranges([(self._staged_first, truth.taken)]).minus(truth.confirmed)
        truth.dropped, truth.skipped = truth.dropped.minus(truth.died), truth.skipped.minus(truth.died)
        self.powered = False
        self.mode = Mode.IDLE

    def change_rate(self, now_s: float, divisor: int) -> None:
        """Another sample rate is another boot id: index to time stays one line within a boot."""
        self.advance(now_s)
        self.write_staged()
        self.flash.rate_divisor = divisor
        self._new_boot(now_s, ResetReason.RATE_CHANGED)
        self.flash.carry_anchor(self.clock.boot_id, self.life)

    def _new_boot(self, now_s: float, reason: ResetReason) -> None:
        rate, start_s, self._divisor = self.signal.rate_hz, self._start_s or 0.0, self.flash.rate_divisor
        self._base = max(0, math.ceil((now_s - start_s) * rate - 1e-9))
        self._first_s = start_s + self._base / rate
        self._period_s = self._divisor / rate
        boot_id, self.flash.next_boot_id = self.flash.next_boot_id, self.flash.next_boot_id + 1
        self.clock = BootClock(
            boot_id=boot_id,
            first_tick=self._real_tick(self._first_s),
            ticks_per_sample=self._period_s * TICK_HZ * (1 + self.plan.skew_ppm * 1e-6),
        )
        self.truth[boot_id] = self.now_truth = BootTruth(boot_id=boot_id)
        self.reset_reason = reason
        self.mode = Mode.IDLE
        self.wanted = False  # a stream was asked for in this boot and not stopped since
        self.seq = 0
        self.backfill_seq = 0
        self._queue: CountArray = np.empty((0, len(self.signal.channels)), np.int16)
        self._queue_first = 0
        self._staged = list[CountArray]()
        self._staged_first = 0
        self._flash_every = max(1, round(self.plan.flash_write_s / self._period_s))
        self._in_flight = deque[Sent]()
        self._records_made = self._records_sent = 0
        self._recent = deque[StrideRecord](maxlen=30)
        self._status_due_s = math.inf
        self._backfill: BackfillJob | None = None
        self._detector = self._make_detector() if self._make_detector else None

    # time -------------------------------------------------------------------------------------------------------

    def _real_tick(self, now_s: float) -> float:
        return self.plan.first_tick + (now_s - self._power_s) * TICK_HZ * (1 + self.plan.skew_ppm * 1e-6)

    def tick(self, now_s: float) -> int:
        """The pod's counter now."""
        return int(self._real_tick(now_s))

    def sample_s(self, index: int) -> float:
        """True time of sample `index` of this boot."""
        return self._first_s + index * self._period_s

    def next_due_s(self, mtu: int) -> float:
        """When there will be something to do next: a full frame, a status, a write to flash."""
        index = self._staged_first + self._flash_every - 1
        if self.mode is Mode.RAW:
            index = min(index, self._queue_first + max(1, samples_per_frame(mtu, len(self.signal.channels))) - 1)
        return min(self.sample_s(index) + 1e-6, self._status_due_s)

    def advance(self, now_s: float) -> None:
        """Take every sample up to `now_s`: into the live queue when streaming, and towards flash."""
        if not self.powered:
            return
        end = math.floor((now_s - self._first_s) / self._period_s + 1e-9) + 1
        while (taken := self.now_truth.taken) < end:
            n = min(end - taken, _FETCH)
            counts = self.signal.counts(self._base + taken * self._divisor, n * self._divisor)
            self._take(counts[:: self._divisor] if self._divisor > 1 else counts)

    def _take(self, counts: CountArray) -> None:
        truth, n = self.now_truth, len(counts)
        first = truth.taken
        truth.taken += n
        if np.abs(counts.astype(np.int32)).max() >= FULL_COUNT:
            truth.clipped += int((np.abs(counts.astype(np.int32)) >= FULL_COUNT).any(axis=1).sum())
        self._staged.append(counts)
        if truth.taken - self._staged_first >= self._flash_every:
            self.write_staged(whole_pages=True)
        if self.mode is not Mode.RAW:
            (truth.dropped if self.wanted else truth.skipped).add(first, truth.taken)
            return
        self._queue = np.concatenate([self._queue, counts]) if len(self._queue) else counts
        if (excess := len(self._queue) - self.plan.queue_samples) > 0:
            truth.dropped.add(self._queue_first, self._queue_first + excess)
            self._queue = self._queue[excess:]
            self._queue_first += excess

    def write_staged(self, *, whole_pages: bool = False) -> None:
        """Bring the samples in RAM to flash; `whole_pages` leaves a rest behind."""
        counts = np.concatenate(self._staged) if self._staged else self._queue[:0]
        page, at = self._flash_every, 0
        while len(counts) - at >= page or (not whole_pages and at < len(counts)):
            piece = counts[at : at + page]
            self.flash.raw.append(self.clock, self._staged_first, piece)
            self._detect(self._staged_first, piece)
            self._staged_first += len(piece)
            at += len(piece)
        self._staged = [counts[at:]] if at < len(counts) else []

    def _detect(self, first: int, counts: CountArray) -> None:
        if self._detector is None:
            return
        values: FloatArray = counts[:, :6].astype(np.float64) * np.array(
            [channel.scale for channel in self.signal.channels[:6]]
        )
        stamps = np.arange(first, first + len(counts), _STAMP_EVERY)
        block = SampleBlock(
            pod_id=self.plan.pod_id,
            boot_id=self.clock.boot_id,
            first_index=first,
            stamp_index=stamps,
            stamp_s=np.array([self.clock.tick(int(index)) / TICK_HZ for index in stamps]),
            accel_mps2=values[:, :3],
            gyro_radps=values[:, 3:],
        )
        for stride in self._detector.push(block):
            record = StrideRecord.from_stride(stride)
            self.flash.records.append(self.clock.boot_id, self._records_made, record)
            self._records_made += 1
            self._recent.append(record)

    # what it says -----------------------------------------------------------------------------------------------

    def info(self) -> Info:
        features = Feature.RAW_LOG | Feature.SQUAD
        return Info(
            pod_id=self.plan.pod_id,
            boot_id=self.clock.boot_id,
            channels=self.signal.channels,
            rate_hz=self.signal.nominal_rate_hz / self._divisor,
            firmware=self.plan.firmware,
            hardware=self.plan.hardware,
            log_capacity_bytes=self.flash.raw.capacity_bytes,
            features=features
            | (Feature.RECORDS if self._make_detector else Feature(0))
            | (Feature.BONDED_ONLY if self.plan.bonded_only else Feature(0)),
            coefficients_version=self._version(TableKind.COEFFICIENTS),
            rotation_version=self._version(TableKind.ROTATION),
        )

    def status(self, now_s: float) -> PodStatus:
        truth, raw = self.now_truth, self.flash.raw
        flags = PodFlag.LOG_FULL if raw.overwritten else PodFlag(0)
        flags |= PodFlag(0) if self.flash.has_date(self.clock.boot_id) else PodFlag.CLOCK_UNSET
        flags |= PodFlag(0) if TableKind.ROTATION in self.flash.tables else PodFlag.UNALIGNED
        battery = max(0.0, self.plan.battery_fraction - 0.04 * (now_s - self._power_s) / 3600)
        return PodStatus(
            boot_id=truth.boot_id,
            tick=self.tick(now_s),
            taken=truth.taken,
            next_seq=self.seq,
            dropped=len(truth.dropped),
            clipped=truth.clipped,
            log_samples=raw.samples,
            log_overwritten=raw.overwritten,
            battery_v=3.3 + 0.9 * battery,
            battery_fraction=battery,
            temperature_degc=self.plan.temperature_degc,
            log_fill=raw.fill,
            mode=self.mode,
            reset_reason=self.reset_reason,
            flags=flags,
        )

    def advertisement(self, now_s: float) -> Advertisement:
        """The rolling summary of the last 30 strides."""
        return summary_of(
            self._recent,
            strides=self._records_made,
            status=self.status(now_s),
            log_waiting=self.flash.raw.samples > 0,
            bonded_only=self.plan.bonded_only,
        )

    # the link ---------------------------------------------------------------------------------------------------

    @property
    def position(self) -> StreamPosition:
        """Where the live stream stands; `tick` is that of the next sample."""
        boot_id, taken = self.clock.boot_id, self.now_truth.taken
        return StreamPosition(boot_id=boot_id, next_seq=self.seq, next_index=taken, tick=self.clock.tick(taken))

    def start(self, now_s: float, mode: Mode) -> None:
        """Stream from the next sample on."""
        self.advance(now_s)
        self._drop_queue()
        self.mode = mode
        self.wanted = mode is Mode.RAW
        self._queue_first = self.now_truth.taken
        self._records_sent = self._records_made
        self._status_due_s = now_s

    def stop(self, now_s: float) -> None:
        """No more live frames; what waits in the queue was no longer wanted."""
        self.advance(now_s)
        self.now_truth.skipped.add(self._queue_first, self._queue_first + len(self._queue))
        self._queue = self._queue[:0]
        self.mode, self.wanted, self._status_due_s = Mode.IDLE, False, math.inf

    def link_lost(self, now_s: float) -> None:
        """Un-sequence what the link layer did not confirm, empty the queue, wait for the next START."""
        if not self.powered:
            return
        self.advance(now_s)
        self._take_back()
        self._backfill = None
        self.mode, self._status_due_s = Mode.IDLE, math.inf

    def _take_back(self) -> None:
        unconfirmed = [sent for sent in self._in_flight if sent.seq >= 0]
        if unconfirmed:
            self.seq = unconfirmed[0].seq
        for sent in unconfirmed:
            self.now_truth.dropped.add(sent.first, sent.end)
        self._in_flight.clear()
        self._drop_queue()

    def _drop_queue(self) -> None:
        self.now_truth.dropped.add(self._queue_first, self._queue_first + len(self._queue))
        self._queue = self._queue[:0]

    def confirm(self, notifications: int) -> None:
        """The link layer has delivered the oldest `notifications` on Data that were taken from here."""
        for _ in range(min(notifications, len(self._in_flight))):
            sent = self._in_flight.popleft()
            self.now_truth.confirmed.add(sent.first, sent.end)

    def take_live(self, now_s: float, mtu: int) -> bytes | None:
        """The next notification on Data, None when nothing is ready: status, raw frame, records."""
        if self.mode is Mode.IDLE:
            return None
        if now_s >= self._status_due_s:
            self._status_due_s = now_s + self.plan.status_period_s
            return self._hand_over(bytes(self.status(now_s)))
        if self.mode is Mode.RAW:
            return self._take_frame(samples_per_frame(mtu, len(self.signal.channels)))
        if self.mode is Mode.STRIDES and self._records_sent < self._records_made:
            found = self.flash.records.read(self.clock.boot_id, self._records_sent, self._records_made, MAX_RECORDS)
            if found is not None:
                self._records_sent = found[0] + len(found[1])
                return self._hand_over(self._pack_records(self.clock.boot_id, *found, backfill=False))
        return None

    def _take_frame(self, n: int) -> bytes | None:
        if n < 1 or len(self._queue) < n:
            return None
        counts, self._queue = self._queue[:n], self._queue[n:]
        first, self._queue_first = self._queue_first, self._queue_first + n
        frame = RawFrame(
            boot_id=self.clock.boot_id,
            seq=self.seq,
            first_index=first,
            tick=self.clock.tick(first),
            backfill=False,
            counts=counts,
            clipped=bool((counts >= FULL_COUNT).any() or (counts <= -FULL_COUNT).any()),
            mask=self._mask,
            backlog=min(len(self._queue), 0xFFFF),
        )
        self.seq += 1
        return self._hand_over(bytes(frame), Sent(seq=frame.seq, first=first, end=first + n))

    def _hand_over(self, data: bytes, sent: Sent | None = None) -> bytes:
        self._in_flight.append(sent or Sent())
        return data

    # backfill ---------------------------------------------------------------------------------------------------

    @property
    def backfilling(self) -> bool:
        return self._backfill is not None

    def begin_backfill(self, what: LogKind, boot_id: int, first: int, count: int) -> None:
        """Serve first ... first + count - 1 of this boot's log, behind the live frames."""
        self.write_staged()
        self._backfill = BackfillJob(what=what, boot_id=boot_id, first=first, count=count)

    def cancel_backfill(self) -> None:
        if self._backfill is not None:
            self._backfill.cancelled = True

    def take_backfill(self, mtu: int) -> bytes | None:
        """The next backfill notification, the last being its BackfillDone; None when none is asked for."""
        job = self._backfill
        if job is None:
            return None
        if (data := self._next_of(job, mtu)) is not None:
            return self._hand_over(data)
        self._backfill = None
        return self._hand_over(bytes(job.done()))

    def _next_of(self, job: BackfillJob, mtu: int) -> bytes | None:
        if job.what is LogKind.RECORDS:
            found = job.next_records(self.flash)
            return None if found is None else self._pack_records(job.boot_id, *found, backfill=True)
        frame = job.next_frame(
            self.flash, samples_per_frame(mtu, len(self.signal.channels)), seq=self.backfill_seq, mask=self._mask
        )
        if frame is None:
            return None
        self.backfill_seq += 1
        return bytes(frame)

    def _pack_records(self, boot_id: int, number: int, records: Sequence[StrideRecord], *, backfill: bool) -> bytes:
        message = StrideRecords(
            boot_id=boot_id,
            first_record=number,
            rules=1,
            coefficients_version=self._version(TableKind.COEFFICIENTS),
            rotation_version=self._version(TableKind.ROTATION),
            records=tuple(records),
            backfill=backfill,
        )
        return bytes(message)

    def _version(self, kind: TableKind) -> int:
        table = self.flash.tables.get(kind)
        return 0 if table is None else table.version
