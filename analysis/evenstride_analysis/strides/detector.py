"""One pod's samples -> strides in pod time, streaming, the same bits for any split of the stream."""

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from evenstride_analysis.errors import InputError
from evenstride_analysis.frames import IDENTITY, checked_rotation
from evenstride_analysis.model import Doubt, FloatArray, Gait, Gap, IntArray, ProvisionalStride, SampleBlock, Stride
from evenstride_analysis.strides.buffer import Fault, SampleBuffer, StampBuffer, fault_of, take
from evenstride_analysis.strides.estimator import Estimator, Events, StrideWindow
from evenstride_analysis.strides.impact import impact_span
from evenstride_analysis.strides.learned.estimator import LearnedEstimator
from evenstride_analysis.strides.learned.frame import functional_frame
from evenstride_analysis.strides.measures import GAP_MARGIN_S, cut_window, limits, measured
from evenstride_analysis.strides.provisional import Known, LiveMethod, LiveStances
from evenstride_analysis.strides.swings import SwingSearch

BRIDGE_S = 0.040
_STRIDE_S = (0.4, 2.0)  # between mid-swings: sprinting to slow walking
_STAMP_REACH_S = 10.0  # where a stride's own window holds too few stamps
_HOP_S = 0.080
_RATES_HZ = (95.0, 1100.0)
_FULL_SCALE = 0.99  # of the range: the last counts before the end are not signal either


class StrideDetector:
    """Strides of one leg. Each is a pure function of the samples in a fixed window around it.

    The window of a stride between mid-swings p0 and p1 reaches from 0.65 s before p0 to 0.65 s after p1 (nominal time);
    its period is fitted to the stamps inside [p0 - 0.15 s, p1 + 0.62 s], or, where these are fewer than four or span
    less than half of it, to those from 10 s before p0 on. A stride whose window is not whole (start and end of the
    stream, a gap of more than 40 ms) does not exist: so neither chunks nor the moment of `flush` can change one.
    Shorter gaps are bridged linearly; strides whose stance (50 ms more at either end) touches one carry Doubt.GAP.
    """

    def __init__(
        self,
        *,
        pod_id: str,
        rate_hz: float,
        accel_range_mps2: float | None = None,
        gyro_range_radps: float | None = None,
        rotation: Sequence[float] = IDENTITY,
        estimator: Estimator | None = None,
        live: LiveMethod | None = None,
    ) -> None:
        """`rate_hz` is nominal, 95-1100 Hz. Raises InputError on another rate or a rotation that is none.

        `estimator` times the events and names the method of the strides; without one, the learned estimator does.
        With `live`, `provisional` hands out stances right after toe-off; without, none are sought.
        """
        if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
            raise InputError(f"pod {pod_id}: {rate_hz:g} Hz; strides need {_RATES_HZ[0]:g} to {_RATES_HZ[1]:g} Hz")
        self.untimed = 0  # strides that could not be given a time: fewer than two stamps within reach
        self._pod_id, self._rate_hz = pod_id, rate_hz
        turned = checked_rotation(rotation)
        self._rotation: FloatArray = np.array(turned)
        accel_full = math.inf if accel_range_mps2 is None else _FULL_SCALE * accel_range_mps2
        gyro_full = math.inf if gyro_range_radps is None else _FULL_SCALE * gyro_range_radps
        self._limits = limits(rate_hz, accel_full, gyro_full)
        self._estimator: Estimator = LearnedEstimator() if estimator is None else estimator
        self._swings = SwingSearch(rate_hz=rate_hz, axis=turned[6:])
        self._hop = round(_HOP_S * rate_hz)
        self._before = math.ceil(self._estimator.before_s * rate_hz)
        self._after = math.ceil(self._estimator.after_s * rate_hz)
        self._shortest, self._longest = (round(limit * rate_hz) for limit in _STRIDE_S)
        self._bridge = math.ceil(BRIDGE_S * rate_hz - 1e-9)
        self._slice = math.ceil(rate_hz)
        self._stamp_reach = math.ceil(_STAMP_REACH_S * rate_hz)
        self._samples = SampleBuffer(keep=math.ceil(5.0 * rate_hz))
        self._stamps = StampBuffer(keep=math.ceil((_STAMP_REACH_S + 6.0) * rate_hz))
        self._ahead: LiveStances | None = None
        if live is not None:
            self._ahead = LiveStances(
                pod_id=pod_id, rate_hz=rate_hz, rotation=self._rotation, limits=self._limits, method=live
            )
        self._boot_id: int | None = None
        self._search_at = 0  # how far the samples must reach for the next search
        self._expected = 0  # the index that the next sample would have if nothing were missing
        self._last_swing: int | None = None
        self._pending: deque[tuple[int, int]] = deque()

    def push(self, item: SampleBlock | Gap) -> list[Stride]:
        """Take the next samples, or the news that some are missing; return the strides they settle, oldest first.

        A jump forward counts as a Gap; a new boot ends the old one. Raises InputError on another pod's data, on samples
        that were already pushed, on values that are not finite and on stamps that do not increase.
        """
        if (
            isinstance(item, SampleBlock)
            and item.first_index == self._expected == self._samples.end_index
            and item.boot_id == self._boot_id
            and item.pod_id == self._pod_id
            and 0 < len(item.accel_mps2) <= self._slice
        ):
            self._take(item.accel_mps2, item.gyro_radps, item.stamp_index, item.stamp_s, item.first_index)
            return self._advance()
        return self._push_unusual(item)

    def _push_unusual(self, item: SampleBlock | Gap) -> list[Stride]:
        """What is not the next few samples of the same boot: another boot, a gap, a long block, a mistake."""
        if item.pod_id != self._pod_id:
            raise InputError(f"data of pod {item.pod_id} pushed to the detector of pod {self._pod_id}")
        strides: list[Stride] = []
        if item.boot_id != self._boot_id:
            strides += self.flush()
            self._stamps.clear()
            self._boot_id = item.boot_id
            self._restart(item.first_index)
        elif item.first_index < self._expected:
            raise InputError(
                f"pod {self._pod_id}: sample {item.first_index} comes after sample {self._expected - 1};"
                " samples must come in order and once"
            )
        if isinstance(item, Gap):
            self._expected = item.first_index + item.missing
            return strides
        return strides + self._push_pieces(item) if len(item.accel_mps2) else strides

    def flush(self) -> list[Stride]:
        """Settle what the samples pushed so far allow. Pushing may go on: nothing is closed by this."""
        if self._samples.end_index >= self._swings.due(1):
            self._search()
        return self._settle()

    def provisional(self) -> list[ProvisionalStride]:
        """The stances timed since the last call, ahead of their strides; the same bits for any split of the stream."""
        return [] if self._ahead is None else self._ahead.drain()

    def _push_pieces(self, block: SampleBlock) -> list[Stride]:
        """A block after a gap, or one so long that it is taken a second at a time; refused as a whole or not at all."""
        stamps = self._stamps
        self._refuse(
            fault_of(
                stamps.index,
                stamps.time_s,
                stamps.count,
                block.accel_mps2,
                block.gyro_radps,
                block.stamp_index,
                block.stamp_s,
                block.first_index,
            ),
            block.first_index,
        )
        strides = self._close_gap(block)
        for start in range(0, len(block.accel_mps2), self._slice):
            stop = min(start + self._slice, len(block.accel_mps2))
            first = block.first_index + start
            low, high = np.searchsorted(block.stamp_index, (first, block.first_index + stop))
            self._take(
                block.accel_mps2[start:stop],
                block.gyro_radps[start:stop],
                block.stamp_index[low:high],
                block.stamp_s[low:high],
                first,
            )
            strides += self._advance()
        return strides

    def _take(
        self, accel_mps2: FloatArray, gyro_radps: FloatArray, stamp_index: IntArray, stamp_s: FloatArray, first: int
    ) -> None:
        """At most `_slice` samples that follow without a gap."""
        samples, stamps = self._samples, self._stamps
        n, k = len(accel_mps2), len(stamp_index)
        if samples.count + n > samples.capacity:
            samples.make_room(n)
        if stamps.count + k > stamps.capacity:
            stamps.make_room(k, first)
        fault = take(
            samples.rows,
            samples.count,
            stamps.index,
            stamps.time_s,
            stamps.count,
            accel_mps2,
            gyro_radps,
            stamp_index,
            stamp_s,
            first,
        )
        if fault:
            self._refuse(fault, first)
        samples.count += n
        stamps.count += k
        self._expected = first + n

    def _refuse(self, fault: int, first: int) -> None:
        """Raise InputError for what was found wrong with the block that starts at sample `first`, if anything."""
        match fault:
            case Fault.NOT_FINITE:
                raise InputError(f"pod {self._pod_id}: samples from {first} on are not all finite numbers")
            case Fault.STAMP_OUTSIDE:
                raise InputError(f"pod {self._pod_id}: a stamp belongs to no sample of its block {first}")
            case Fault.STAMP_ORDER:
                last = self._stamps.last()
                after = "" if last is None else f"; the last one was sample {last[0]} at {last[1]:.6f} s"
                raise InputError(
                    f"pod {self._pod_id}: pod time does not increase with the samples in block {first}{after}"
                )
            case _:
                pass

    def _close_gap(self, block: SampleBlock) -> list[Stride]:
        missing = block.first_index - self._samples.end_index
        if missing == 0:
            return []
        if missing > self._bridge or self._samples.count == 0:
            strides = self.flush()
            self._restart(block.first_index)
            return strides
        self._samples.bridge(block.accel_mps2[0], block.gyro_radps[0], missing)
        return []

    def _restart(self, index: int) -> None:
        self._samples.restart(index)
        self._swings.restart(index)
        self._search_at = self._swings.due(self._hop)
        self._expected = index
        self._last_swing = None
        self._pending.clear()
        if self._ahead is not None:
            self._ahead.restart()

    def _advance(self) -> list[Stride]:
        if self._samples.end_index >= self._search_at:
            self._search()
        if self._ahead is not None or (self._pending and self._pending[0][1] + self._after <= self._samples.end_index):
            return self._settle()
        return []

    def _search(self) -> None:
        for swing in self._swings.search(self._samples):
            if self._last_swing is not None and self._shortest <= swing - self._last_swing <= self._longest:
                self._pending.append((self._last_swing, swing))
            self._last_swing = swing
        self._search_at = self._swings.due(self._hop)

    def _settle(self) -> list[Stride]:
        strides: list[Stride] = []
        while self._pending and self._pending[0][1] + self._after <= self._samples.end_index:
            stride = self._stride(*self._pending.popleft())
            if stride is not None:
                strides.append(stride)
        if self._ahead is not None:
            self._ahead.look(self._samples, self._stamps)
        return strides

    def _stride(self, swing0: int, swing1: int) -> Stride | None:
        start, stop = swing0 - self._before, swing1 + self._after
        samples, stamps, rate_hz = self._samples, self._stamps, self._rate_hz
        column = start - samples.first_index
        rows = cut_window(samples.rows, self._rotation, column, column + stop - start)
        timed, line_index, line_s, period_s = stamps.line(start, stop, least=4, least_span=(stop - start) // 2)
        if not timed:
            timed, line_index, line_s, period_s = stamps.line(swing0 - self._stamp_reach, stop, least=2, least_span=1)
        window = StrideWindow(
            rate_hz=rate_hz,
            true_rate_hz=1.0 / period_s if timed else rate_hz,
            accel_mps2=rows[:3].T,
            gyro_radps=rows[3:].T,
            swing0=swing0 - start,
            swing1=swing1 - start,
        )
        events = self._estimator.events(window)
        if events is None:
            return None
        if not timed:
            self.untimed += 1
            return None
        whole, impact, heading = self._unbridged(start, events) if samples.has_bridges else (True, True, True)
        axial, resultant, loading, turn, doubts = measured(
            samples.rows,
            column,
            rows,
            window.swing0,
            window.swing1,
            events.contact,
            events.toe_off,
            events.next_contact,
            events.opening,
            events.gait is Gait.RUN,
            period_s,
            impact,
            heading,
            self._limits,
        )
        if not whole:
            doubts |= Doubt.GAP.value
        ahead = start - line_index
        assert self._boot_id is not None  # samples belong to a boot
        if self._ahead is not None and events.gait is Gait.RUN:
            self._ahead.expect(
                Known(
                    boot_id=self._boot_id,
                    swing0=swing0,
                    swing1=swing1,
                    next_contact=events.next_contact - window.swing1,
                    stance=events.toe_off - events.contact,
                    frame=functional_frame(window.accel_mps2, window.gyro_radps, window.swing0, window.swing1),
                    period_s=period_s,
                )
            )
        return Stride(
            pod_id=self._pod_id,
            boot_id=self._boot_id,
            strike_index=start + math.floor(events.contact),
            end_index=start + math.floor(events.next_contact),
            strike_s=line_s + (ahead + events.contact) * period_s,
            toe_off_s=line_s + (ahead + events.toe_off) * period_s,
            end_s=line_s + (ahead + events.next_contact) * period_s,
            stance_sd_s=events.stance_sd_s,
            impact_axial_mps2=_known(axial),
            impact_mps2=_known(resultant),
            loading_mps3=_known(loading),
            swing_peak_radps=events.swing_peak_radps,
            heading_rad=_known(turn),
            gait=events.gait,
            method=self._estimator.method,
            doubt=events.doubt | Doubt(doubts) if doubts else events.doubt,
            stance_system_sd_s=events.stance_system_sd_s,
        )

    def _unbridged(self, start: int, events: Events) -> tuple[bool, bool, bool]:
        """Whether stance (50 ms more at either end), impact window and whole stride are free of bridged samples."""
        margin = math.ceil(GAP_MARGIN_S * self._rate_hz)
        first, last = math.floor(events.opening) - margin, math.ceil(events.toe_off) + margin
        low, high = impact_span(events.contact, self._rate_hz)
        spans = (
            (first, last + 1),
            (min(first, low), high),
            (math.ceil(events.contact), math.floor(events.next_contact) + 1),
        )
        whole, impact, heading = (not self._samples.any_bridged(start + a, start + b) for a, b in spans)
        return whole, impact, heading


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
