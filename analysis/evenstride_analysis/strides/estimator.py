"""The seam between finding strides and timing their events: an estimator sees one whole stride and nothing else.

The detector owns windows, time, gaps and clipping; an `Estimator` owns the events. The rules are one estimator; a
learned one takes their place behind the same Protocol (and may use them as its start).
"""

from dataclasses import dataclass
from typing import Protocol

from evenstride_analysis.model import Doubt, FloatArray, Gait
from evenstride_analysis.strides.candidates import (
    ZERO_CROSSING_LIMIT_S,
    Candidates,
    find_candidates,
    rule_kernels,
)
from evenstride_analysis.strides.rules import Rules

_DISAGREE_S = 0.040
_RUN_STANCE_S = (0.12, 0.45)
_WALK_STANCE_S = (0.40, 1.20)
# Not validated against force. The OptoGait of the walking set says 0.16, 0.11 and 0.06 s more at 3.0, 3.7 and 4.4 km/h
# (its light barrier lies above the belt and sees the foot longer), so no better than this is claimed.
_WALK_STANCE_SD_S = 0.100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StrideWindow:
    """One stride with its surroundings, in shank axes. `rate_hz` is nominal and sizes filters; `true_rate_hz`, fitted
    to the stamps, turns positions into durations.

    accel_mps2, gyro_radps (n, 3), columns contiguous; `swing0` and `swing1` are the positions of the mid-swings before
    and after the stance. The window reaches `before_s` ahead of swing0 and `after_s` past swing1 (of the estimator).
    """

    rate_hz: float
    true_rate_hz: float
    accel_mps2: FloatArray
    gyro_radps: FloatArray
    swing0: int
    swing1: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What an estimator answers: positions in the window (fractional samples), offsets already subtracted.

    `opening` is the gyro's zero crossing before the contact: where the search for it began. `stance_system_sd_s` is the
    part of the error that stays with a leg for a whole run, where the method knows it.
    """

    contact: float
    toe_off: float
    next_contact: float
    opening: float
    swing_peak_radps: float
    gait: Gait
    stance_sd_s: float
    doubt: Doubt
    stance_system_sd_s: float | None = None


class Estimator(Protocol):
    """Times the events of one stride. Must be a pure function of the window."""

    @property
    def method(self) -> str:
        """The name that its strides carry: rule or table, version, hardware offset."""
        ...

    @property
    def before_s(self) -> float:
        """How far ahead of the first mid-swing the window must reach, s."""
        ...

    @property
    def after_s(self) -> float:
        """How far past the second mid-swing the window must reach, s."""
        ...

    def events(self, window: StrideWindow) -> Events | None:
        """The events of this stride, or None where there is no stride (the leg did not touch the ground)."""
        ...


class RulesEstimator:
    """The rules of signals.md section 4: axial 1 g contact, gyro-complement toe-off, bend as cross-check.

    A stride is running when the swing before or after it exceeds 300 deg/s (15 Hz) and it lasts less than 0.95 s, each
    with its own leg only; else walking, where toe-off is the gyro's minimum. Offsets of `rules` are subtracted here.
    """

    before_s = 0.15
    after_s = ZERO_CROSSING_LIMIT_S + 0.22

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    @property
    def method(self) -> str:
        return self._rules.method

    def events(self, window: StrideWindow) -> Events | None:
        """The events of this stride, or None where there is no stride."""
        found = self.candidates(window)
        return None if found is None else self.judged(window, found)

    def candidates(self, window: StrideWindow) -> Candidates | None:
        """What the rules find, or None where the gyro does not cross zero after a mid-swing."""
        found = find_candidates(
            window.accel_mps2,
            window.gyro_radps,
            window.swing0,
            window.swing1,
            window.rate_hz,
            rule_kernels(window.rate_hz),
        )
        return found if found.found else None

    def judged(self, window: StrideWindow, found: Candidates) -> Events | None:
        """The candidates with the offsets subtracted and their doubts; None where their order is impossible."""
        rate_hz, running = window.rate_hz, found.running
        doubt = Doubt(0)
        if abs(found.toe_off - found.bend) > _DISAGREE_S * rate_hz:
            doubt |= Doubt.CANDIDATES_DISAGREE
        if running and found.fallback:
            doubt |= Doubt.FALLBACK
        ic_offset, tc_offset = self._rules.ic_offset_s * rate_hz, self._rules.tc_offset_s * rate_hz
        start, following = found.contact - ic_offset, found.next_contact - ic_offset
        toe_off = found.toe_off - (tc_offset if running else 0.0)
        shortest, longest = _RUN_STANCE_S if running else _WALK_STANCE_S
        if not shortest <= (toe_off - start) / rate_hz <= longest:
            doubt |= Doubt.OUT_OF_RANGE
        if not start < toe_off < following:
            return None
        return Events(
            contact=start,
            toe_off=toe_off,
            next_contact=following,
            opening=found.opening,
            swing_peak_radps=found.swing_peak_radps,
            gait=Gait.RUN if running else Gait.WALK,
            stance_sd_s=self._rules.stance_sd_s if running else _WALK_STANCE_SD_S,
            doubt=doubt,
        )
