"""One pod's samples -> strides in pod time, streaming, the same bits for any split of the stream."""

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from evenstride_analysis.errors import InputError
from evenstride_analysis.filters import half_length, low_pass, low_pass_kernel
from evenstride_analysis.frames import IDENTITY, along, checked_rotation, to_shank
from evenstride_analysis.model import Doubt, Gap, SampleBlock, Stride
from evenstride_analysis.strides.buffer import SampleBuffer, StampBuffer, TimeLine
from evenstride_analysis.strides.candidates import SWING_CUTOFF_HZ, SWING_HALF_WINDOW_S, mid_swing
from evenstride_analysis.strides.estimator import Estimator, Events, RulesEstimator, StrideWindow
from evenstride_analysis.strides.heading import turn_rad
from evenstride_analysis.strides.impact import LOWEST_RATE_HZ, impact_span, measure_impact
from evenstride_analysis.strides.rules import DEFAULT_RULES, Rules

BRIDGE_S = 0.040
_STRIDE_S = (0.4, 2.0)  # between mid-swings: sprinting to slow walking
_STAMP_REACH_S = 10.0  # where a stride's own window holds too few stamps
_HOP_S = 0.080
_RATES_HZ = (95.0, 1100.0)
_GAP_MARGIN_S = 0.050
_FULL_SCALE = 0.99  # of the range: the last counts before the end are not signal either
_RATE_TOLERANCE = 0.10  # beyond it the filters are not the ones that were validated


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
        method: Rules = DEFAULT_RULES,
        estimator: Estimator | None = None,
    ) -> None:
        """`rate_hz` is nominal, 95-1100 Hz. Raises InputError on another rate or a rotation that is none."""
        if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
            raise InputError(f"pod {pod_id}: {rate_hz:g} Hz; strides need {_RATES_HZ[0]:g} to {_RATES_HZ[1]:g} Hz")
        self.untimed = 0  # strides that could not be given a time: fewer than two stamps within reach
        self._pod_id, self._rate_hz, self._method = pod_id, rate_hz, method.method
        self._rotation = checked_rotation(rotation)
        self._accel_full = math.inf if accel_range_mps2 is None else _FULL_SCALE * accel_range_mps2
        self._gyro_full = math.inf if gyro_range_radps is None else _FULL_SCALE * gyro_range_radps
        self._estimator: Estimator = RulesEstimator(method) if estimator is None else estimator
        self._kernel = low_pass_kernel(SWING_CUTOFF_HZ, rate_hz)
        self._half_window = round(SWING_HALF_WINDOW_S * rate_hz)
        self._reach = self._half_window + half_length(self._kernel)
        self._hop = round(_HOP_S * rate_hz)
        self._before = math.ceil(self._estimator.before_s * rate_hz)
        self._after = math.ceil(self._estimator.after_s * rate_hz)
        self._shortest, self._longest = (round(limit * rate_hz) for limit in _STRIDE_S)
        self._bridge = math.ceil(BRIDGE_S * rate_hz - 1e-9)
        self._slice = math.ceil(rate_hz)
        self._samples = SampleBuffer(keep=math.ceil(5.0 * rate_hz))
        self._stamps = StampBuffer(keep=math.ceil((_STAMP_REACH_S + 6.0) * rate_hz))
        self._boot_id: int | None = None
        self._expected = 0  # the index that the next sample would have if nothing were missing
        self._next_swing = 0  # the first position not yet searched for a mid-swing
        self._last_swing: int | None = None
        self._pending: deque[tuple[int, int]] = deque()

    def push(self, item: SampleBlock | Gap) -> list[Stride]:
        """Take the next samples, or the news that some are missing; return the strides they settle, oldest first.

        A jump forward counts as a Gap; a new boot ends the old one. Raises InputError on another pod's data, on samples
        that were already pushed, on values that are not finite and on stamps that do not increase.
        """
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
        n = len(item.accel_mps2)
        if n == 0:
            return strides
        self._check(item)
        strides += self._close_gap(item)
        for start in range(0, n, self._slice):
            stop = min(start + self._slice, n)
            self._samples.append(item.accel_mps2[start:stop], item.gyro_radps[start:stop])
            self._expected = item.first_index + stop
            self._take_stamps(item, start, stop, whole=stop - start == n)
            if self._expected - self._reach - self._next_swing >= self._hop:
                self._search(self._hop)
            if self._pending:
                strides += self._settle()
        return strides

    def flush(self) -> list[Stride]:
        """Settle what the samples pushed so far allow. Pushing may go on: nothing is closed by this."""
        self._search(1)
        return self._settle()

    def _check(self, block: SampleBlock) -> None:
        if not math.isfinite(float(block.accel_mps2.sum()) + float(block.gyro_radps.sum())):
            raise InputError(f"pod {self._pod_id}: samples from {block.first_index} on are not all finite numbers")
        if not len(block.stamp_index):
            return
        if not (block.first_index <= int(block.stamp_index[0]) and int(block.stamp_index[-1]) < block.end_index):
            raise InputError(f"pod {self._pod_id}: a stamp belongs to no sample of its block {block.first_index}")
        self._stamps.check(block.stamp_index, block.stamp_s)

    def _take_stamps(self, block: SampleBlock, start: int, stop: int, *, whole: bool) -> None:
        if not len(block.stamp_index):
            return
        if whole:
            self._stamps.append(block.stamp_index, block.stamp_s)
            return
        first, last = block.first_index + start, block.first_index + stop
        low, high = (int(k) for k in np.searchsorted(block.stamp_index, (first, last)))
        if high > low:
            self._stamps.append(block.stamp_index[low:high], block.stamp_s[low:high])

    def _close_gap(self, block: SampleBlock) -> list[Stride]:
        missing = block.first_index - self._samples.end_index
        if missing == 0:
            return []
        if missing > self._bridge or self._samples.end_index == self._samples.first_index:
            strides = self.flush()
            self._restart(block.first_index)
            return strides
        share = (np.arange(1, missing + 1) / (missing + 1))[:, np.newaxis]
        last = self._samples.end_index - 1
        accel, gyro = self._samples.accel(last, last + 1), self._samples.gyro(last, last + 1)
        self._samples.append(
            accel + (block.accel_mps2[:1] - accel) * share,
            gyro + (block.gyro_radps[:1] - gyro) * share,
            bridged=True,
        )
        return []

    def _restart(self, index: int) -> None:
        self._samples.restart(index)
        self._expected = index
        self._next_swing = index + self._reach
        self._last_swing = None
        self._pending.clear()

    def _search(self, least: int) -> None:
        """Look for mid-swings where their window is whole, at least `least` positions at a time."""
        while (ready := self._samples.end_index - self._reach - self._next_swing) >= least:
            first, n = self._next_swing, min(ready, self._hop)
            gyro = self._samples.gyro(first - self._reach, first + n + self._reach)
            smooth = low_pass(along(gyro, self._rotation, 2), self._kernel)
            found = mid_swing(smooth, self._half_window, self._half_window + n, self._half_window)
            self._next_swing += n
            if found is None:
                continue
            swing = first - self._half_window + found
            if self._last_swing is not None and self._shortest <= swing - self._last_swing <= self._longest:
                self._pending.append((self._last_swing, swing))
            self._last_swing = swing

    def _settle(self) -> list[Stride]:
        strides: list[Stride] = []
        while self._pending and self._pending[0][1] + self._after <= self._samples.end_index:
            stride = self._stride(*self._pending.popleft())
            if stride is not None:
                strides.append(stride)
        return strides

    def _stride(self, swing0: int, swing1: int) -> Stride | None:
        start, stop = swing0 - self._before, swing1 + self._after
        accel, gyro = self._samples.accel(start, stop), self._samples.gyro(start, stop)
        line = self._stamps.line(start, stop, least=4, least_span=(stop - start) // 2) or self._stamps.line(
            swing0 - math.ceil(_STAMP_REACH_S * self._rate_hz), stop, least=2, least_span=1
        )
        window = StrideWindow(
            rate_hz=self._rate_hz,
            true_rate_hz=self._rate_hz if line is None else 1.0 / line.period_s,
            accel_mps2=to_shank(accel, self._rotation),
            gyro_radps=to_shank(gyro, self._rotation),
            swing0=swing0 - start,
            swing1=swing1 - start,
        )
        events = self._estimator.events(window)
        if events is None:
            return None
        if line is None:
            self.untimed += 1
            return None
        return self._finish(start, window, events, line)

    def _finish(self, start: int, window: StrideWindow, events: Events, line: TimeLine) -> Stride | None:
        rate_hz, doubt = self._rate_hz, events.doubt
        margin = math.ceil(_GAP_MARGIN_S * rate_hz)
        first, last = math.floor(events.opening) - margin, math.ceil(events.toe_off) + margin
        if self._samples.any_bridged(start + first, start + last + 1):
            doubt |= Doubt.GAP
        low, high = impact_span(events.contact, rate_hz)
        low = min(first, low)
        accel = self._samples.accel(start + max(low, 0), start + high)
        gyro = self._samples.gyro(start + window.swing0, start + window.swing1)
        if bool((np.abs(accel) >= self._accel_full).any()):
            doubt |= Doubt.CLIPPED
        if bool((np.abs(gyro) >= self._gyro_full).any()):
            doubt |= Doubt.CLIPPED | Doubt.OUT_OF_RANGE  # the events themselves are read off the gyro
        if abs(line.period_s * rate_hz - 1.0) > _RATE_TOLERANCE:
            doubt |= Doubt.OUT_OF_RANGE
        impact = None
        if 1.0 / line.period_s >= LOWEST_RATE_HZ and not self._samples.any_bridged(start + low, start + high):
            impact = measure_impact(window.accel_mps2, events.contact, rate_hz)
        from_, to = math.ceil(events.contact), math.floor(events.next_contact) + 1
        heading = None
        if not self._samples.any_bridged(start + from_, start + to):
            heading = turn_rad(window.accel_mps2[from_:to], window.gyro_radps[from_:to], line.period_s)
        assert self._boot_id is not None  # samples belong to a boot
        return Stride(
            pod_id=self._pod_id,
            boot_id=self._boot_id,
            strike_index=start + math.floor(events.contact),
            end_index=start + math.floor(events.next_contact),
            strike_s=line.at(start + events.contact),
            toe_off_s=line.at(start + events.toe_off),
            end_s=line.at(start + events.next_contact),
            stance_sd_s=events.stance_sd_s,
            impact_axial_mps2=None if impact is None else impact.axial_mps2,
            impact_mps2=None if impact is None else impact.resultant_mps2,
            loading_mps3=None
            if impact is None or impact.loading_mps3 is None
            else impact.loading_mps3 / (line.period_s * rate_hz),
            swing_peak_radps=events.swing_peak_radps,
            heading_rad=heading,
            gait=events.gait,
            method=self._method,
            doubt=doubt,
            stance_system_sd_s=events.stance_system_sd_s,
        )
