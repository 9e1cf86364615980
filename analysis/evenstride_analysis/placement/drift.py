"""Does the pod stay where it was put on? The axes of each minute of running against those of the first."""

import math
from dataclasses import dataclass, field

import numpy as np

from evenstride_analysis.frames import Rotation, rotation_from_axes, turn_between_rad
from evenstride_analysis.model import FloatArray
from evenstride_analysis.placement.alignment import flexion_axis

ALARM_RAD = math.radians(10.0)
_MEAN_S = 0.040  # groups of samples whose mean stands for a low-pass of about 11 Hz
_RUNNING_RADPS = 3.3
_LEAST_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftPoint:
    """The pod's turn in this minute (1 = the first) against the first minute of running."""

    minute: int
    turn_rad: float

    @property
    def alarms(self) -> bool:
        return self.turn_rad > ALARM_RAD


@dataclass(slots=True)
class _Minute:
    number: int
    seconds: int = 0
    moments: FloatArray = field(default_factory=lambda: np.zeros((3, 3)))
    force: FloatArray = field(default_factory=lambda: np.zeros(3))


class DriftWatch:
    """Samples of one pod in order -> one DriftPoint for each minute with 20 s of running. Memory: one minute's sums.

    The frame of a minute is its flexion axis (first principal component of the gyro) and its mean acceleration, both in
    sensor axes, so that a turn about any axis shows. A frame moves a little with speed, too: between 2.5, 3.5 and
    4.5 m/s the same pod's frame turned by 2.9 degrees (median), 6.6 (95th percentile), 11 at most (RBDS). The alarm at
    10 degrees is that of signals.md section 8. Not validated: a slip along the shin, which turns nothing.
    """

    def __init__(self, rate_hz: float) -> None:
        self._group = max(1, round(_MEAN_S * rate_hz))
        self._second = round(rate_hz) // self._group * self._group
        self._rest = np.empty((0, 6))
        self._rest_s = 0.0
        self._rate_hz = rate_hz
        self._minute: _Minute | None = None
        self._reference: Rotation | None = None
        self._axis: FloatArray | None = None

    def push(self, accel_mps2: FloatArray, gyro_radps: FloatArray, t_s: float) -> list[DriftPoint]:
        """Take samples (n, 3) of which the first is at session time t_s; return the minutes that are over."""
        if len(self._rest) and abs(self._rest_s + len(self._rest) / self._rate_hz - t_s) > 0.5:
            self._rest = np.empty((0, 6))  # a gap: the second that it cut is left out
        if not len(self._rest):
            self._rest_s = t_s
        samples = np.vstack([self._rest, np.hstack([accel_mps2, gyro_radps])])
        points: list[DriftPoint] = []
        start = 0
        while start + self._second <= len(samples):
            second_s = self._rest_s + start / self._rate_hz
            points += self._take(samples[start : start + self._second], int(second_s // 60.0) + 1)
            start += self._second
        self._rest, self._rest_s = samples[start:].copy(), self._rest_s + start / self._rate_hz
        return points

    def flush(self) -> list[DriftPoint]:
        """The minute that is not over yet, if it has enough running."""
        minute, self._minute = self._minute, None
        return [] if minute is None else self._close(minute)

    def _take(self, second: FloatArray, number: int) -> list[DriftPoint]:
        points: list[DriftPoint] = []
        if self._minute is not None and self._minute.number != number:
            points = self._close(self._minute)
            self._minute = None
        if self._minute is None:
            self._minute = _Minute(number)
        means = second.reshape(-1, self._group, 6).mean(axis=1)
        turning = means[:, 3:]
        if math.sqrt(float((turning**2).sum()) / len(turning)) >= _RUNNING_RADPS:
            self._minute.seconds += 1
            self._minute.moments += turning.T @ turning
            self._minute.force += means[:, :3].sum(axis=0)
        return points

    def _close(self, minute: _Minute) -> list[DriftPoint]:
        if minute.seconds < _LEAST_S:
            return []
        axis = flexion_axis(minute.moments)
        if self._axis is None:
            self._axis = axis
        axis = axis * math.copysign(1.0, float(axis @ self._axis))
        # the flexion axis is kept, the mean force made orthogonal to it
        force = minute.force - axis * float(axis @ minute.force)
        frame = rotation_from_axes(force.tolist(), axis.tolist())
        if self._reference is None:
            self._reference = frame
        return [DriftPoint(minute=minute.number, turn_rad=turn_between_rad(frame, self._reference))]


def drift_words(side: str, points: list[DriftPoint]) -> str:
    """The alarm in words, "" where there is none: from which minute on, and how far it turned at most."""
    first = next((point for point in points if point.alarms), None)
    if first is None:
        return ""
    most = max(point.turn_rad for point in points if point.alarms)
    return (
        f"The pod on the {side} leg turned by {math.degrees(most):.0f}° where it sits, from minute {first.minute} on:"
        " tighten its strap. Strides from then on are less sure."
    )
