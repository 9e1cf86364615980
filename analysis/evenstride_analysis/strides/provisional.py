"""Stances for the live page: each timed about 50 ms of signal after its toe-off, long before its stride is complete."""

import math
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from evenstride_analysis.calibration import HardwareOffset
from evenstride_analysis.errors import InputError
from evenstride_analysis.model import Doubt, FloatArray, ProvisionalStride
from evenstride_analysis.strides.buffer import SampleBuffer, StampBuffer
from evenstride_analysis.strides.impact import impact_span
from evenstride_analysis.strides.learned.live import WALK_STEPS, contact_until, toe_off_until
from evenstride_analysis.strides.learned.nets import Net, packed
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE, LIVE_NETS, LearnedTable
from evenstride_analysis.strides.learned.windows import smoothing_kernel
from evenstride_analysis.strides.measures import Limits, reaches

_SWING_SHARE = 0.20  # of a stride: how far the swing may lie from where the last one promises it
_LEAD_S = 0.015  # the first guess of toe-off stands so far before the last stance's: then the walk seldom waits
_FIRST_LOOK_S = 0.020  # after the expected toe-off: nothing can be decided before
_PATIENCE_S = 0.004  # samples are looked at again when at least so many more are there
_STANCE_S = (0.10, 0.50)  # anything else is no stance
_APART_S = 0.30  # of two strikes of one leg


class LiveMethod:
    """What times a provisional stance: a table's contact network and its two live ones, a hardware's offset."""

    def __init__(self, table: LearnedTable = DEFAULT_TABLE, offset: HardwareOffset | None = None) -> None:
        """Raises InputError for a table without live networks."""
        missing = [name for name in LIVE_NETS if name not in table.nets]
        if missing:
            raise InputError(f"table {table.method}: no network {', '.join(missing)}; it cannot time a stance live")
        nets: list[Net] = [table.nets[name] for name in ("contact", *LIVE_NETS)]
        self.weights = packed(nets)
        self.method = table.method if offset is None else offset.method_of(table.method)
        self.stance_s = table.stance_s
        self.ic_offset_s = table.ic_offset_s + (0.0 if offset is None else offset.ic_offset_s)
        self.tc_offset_s = table.tc_offset_s + (0.0 if offset is None else offset.tc_offset_s)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """The newest complete running stride: its mid-swings (sample indices), the contact that ended it (samples after
    `swing1`), its stance in samples, the leg's own axes (9,) in sensor axes, and the sampling period, s.
    """

    boot_id: int
    swing0: int
    swing1: int
    next_contact: float
    stance: float
    frame: FloatArray
    period_s: float


@dataclass(slots=True, kw_only=True, eq=False)
class _Awaited:
    """The stance after next of a known stride; positions in samples after its `swing1`."""

    known: Known
    stop: int  # the samples must reach so far before it is looked at again
    contact: float = -1.0
    guess: float = 0.0
    left: int = WALK_STEPS


class LiveStances:
    """Follows one leg ahead of the detector. A provisional stance is a pure function of the known stride's window and
    of the samples up to its own `decided_s`: it is looked at whenever the samples reach a point that they themselves
    set, never when a block happens to end.

    When a stride is complete, two swings later than its own begins the stance that will be timed next: its swing is
    expected one stride on, its toe-off one stance after its contact. Not found across a gap, in walking, or where the
    swing is not there within a fifth of a stride. Not validated: what `LearnedEstimator` names, starts and stops.
    """

    def __init__(
        self, *, pod_id: str, rate_hz: float, rotation: FloatArray, limits: Limits, method: LiveMethod
    ) -> None:
        self._pod_id, self._rate_hz, self._rotation = pod_id, rate_hz, rotation
        self._limits, self._method = limits, method
        self._kernel = smoothing_kernel(rate_hz)
        self._patience = max(1, math.ceil(_PATIENCE_S * rate_hz))
        self._awaited: deque[_Awaited] = deque()
        self._found: list[ProvisionalStride] = []
        self._last_strike: int | None = None

    def restart(self) -> None:
        """Samples are missing, or the pod booted: nothing is awaited any more."""
        self._awaited.clear()
        self._last_strike = None

    def drain(self) -> list[ProvisionalStride]:
        """What was found since the last call, oldest first."""
        found, self._found = self._found, []
        return found

    def expect(self, known: Known) -> None:
        """A running stride is complete; `known.frame` is in shank axes."""
        stride = known.swing1 - known.swing0
        turn = known.frame.reshape(3, 3)
        frame = np.array(
            [
                turn[row, 0] * self._rotation[axis]
                + turn[row, 1] * self._rotation[3 + axis]
                + turn[row, 2] * self._rotation[6 + axis]
                for row in range(3)
                for axis in range(3)
            ]
        )
        stop = math.floor(known.next_contact + stride + known.stance + _FIRST_LOOK_S * self._rate_hz)
        self._awaited.append(_Awaited(known=replace(known, frame=frame), stop=stop))

    def look(self, samples: SampleBuffer, stamps: StampBuffer) -> None:
        """Take every look that the samples allow by now."""
        while self._awaited and self._awaited[0].known.swing1 + self._awaited[0].stop <= samples.end_index:
            if not self._step(self._awaited[0], samples, stamps):
                self._awaited.popleft()

    def _step(self, it: _Awaited, samples: SampleBuffer, stamps: StampBuffer) -> bool:
        """One look; whether another one is needed."""
        known, rate_hz = it.known, 1.0 / it.known.period_s
        base = known.swing1 - samples.first_index
        stride = known.swing1 - known.swing0
        if base + known.swing0 - known.swing1 < 0:
            return False
        if it.contact < 0.0:
            first, last = (math.floor(stride * (1.0 + sign * _SWING_SHARE)) for sign in (-1.0, 1.0))
            contact, need = contact_until(
                samples.rows,
                base,
                first,
                last,
                it.stop,
                known.frame,
                self._kernel,
                rate_hz,
                self._method.weights,
            )
            if contact < 0.0:
                return False
            if need > it.stop:
                return self._again(it, need, 2.0 * stride)
            it.contact = contact
            it.guess = contact + known.stance - _LEAD_S * rate_hz
        it.guess, it.left, need = toe_off_until(
            samples.rows,
            base,
            it.guess,
            it.left,
            it.stop,
            known.frame,
            self._kernel,
            rate_hz,
            self._method.weights,
        )
        if it.left > 0:
            return self._again(it, need, it.contact + (_STANCE_S[1] + 0.1) * rate_hz)
        found = self._found_one(it, samples, stamps)
        if found is not None:
            self._last_strike = found.strike_index
            self._found.append(found)
        return False

    def _again(self, it: _Awaited, need: float, latest: float) -> bool:
        it.stop = max(int(need), it.stop + self._patience)
        return it.stop <= latest

    def _found_one(self, it: _Awaited, samples: SampleBuffer, stamps: StampBuffer) -> ProvisionalStride | None:
        known, method = it.known, self._method
        start, stop = known.swing0, known.swing1 + it.stop
        stance_s = (it.guess - it.contact) * known.period_s - (method.tc_offset_s - method.ic_offset_s)
        timed, line_index, line_s, period_s = stamps.line(start, stop, least=4, least_span=(stop - start) // 2)
        if not (timed and _STANCE_S[0] <= stance_s <= _STANCE_S[1]) or samples.any_bridged(start, stop):
            return None
        strike = known.swing1 + math.floor(it.contact - method.ic_offset_s / known.period_s)
        if self._last_strike is not None and strike - self._last_strike < _APART_S * self._rate_hz:
            return None
        doubt = Doubt(0) if method.stance_s.holds(stance_s) else Doubt.OUT_OF_RANGE
        column = known.swing1 - samples.first_index
        low, high = impact_span(it.contact, self._rate_hz)
        if reaches(samples.rows[0:3], column + low, column + min(high, it.stop), self._limits.accel_full):
            doubt |= Doubt.CLIPPED
        from_line = known.swing1 - line_index
        return ProvisionalStride(
            pod_id=self._pod_id,
            boot_id=known.boot_id,
            strike_index=strike,
            strike_s=line_s + (from_line + it.contact) * period_s - method.ic_offset_s,
            toe_off_s=line_s + (from_line + it.guess) * period_s - method.tc_offset_s,
            decided_s=line_s + (from_line + it.stop - 1) * period_s,
            method=method.method,
            doubt=doubt,
        )
