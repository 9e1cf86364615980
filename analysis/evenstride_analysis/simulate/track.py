"""Where on the 400 m track the runner is, and which way it heads."""

import math

import numpy as np

from evenstride_analysis.model import FloatArray, Surface
from evenstride_analysis.simulate.plan import RunnerPlan

STRAIGHT_M = 84.39
KERB_RADIUS_M = 36.50
RUN_RADIUS_M = KERB_RADIUS_M + 0.30  # the line on which a lap measures 400 m
BEND_M = math.pi * RUN_RADIUS_M
LAP_M = 2 * (STRAIGHT_M + BEND_M)


class Track:
    """Distance, surface, lap and heading against time. The run begins at the start of a straight, bends turn left."""

    def __init__(self, plan: RunnerPlan) -> None:
        self.on_track = plan.track
        timed = plan.timed_parts()
        self._t = np.array([start_s for start_s, _ in timed] + [plan.duration_s])
        speed = np.array([0.0 if part.gait is None else part.speed_mps for _, part in timed])
        self._s = np.concatenate([[0.0], np.cumsum(speed * np.diff(self._t))])
        self._speed = np.append(speed, 0.0)

    def distance_m(self, t_s: FloatArray) -> FloatArray:
        return np.interp(t_s, self._t, self._s)

    def _in_half_m(self, t_s: FloatArray) -> FloatArray:
        return np.mod(self.distance_m(t_s), LAP_M / 2)

    def bend(self, t_s: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        if not self.on_track:
            return np.zeros(len(t_s), bool)
        return self._in_half_m(t_s) >= STRAIGHT_M

    def yaw_rate_radps(self, t_s: FloatArray) -> FloatArray:
        """Turning rate (n,) about the vertical, positive to the left: v / r in the bends."""
        speed = self._speed[np.clip(np.searchsorted(self._t, t_s, side="right") - 1, 0, len(self._speed) - 1)]
        return np.where(self.bend(t_s), speed / RUN_RADIUS_M, 0.0)

    def heading_rad(self, t_s: FloatArray) -> FloatArray:
        """Heading (n,), 0 at the start, growing to the left without wrapping."""
        if not self.on_track:
            return np.zeros(len(t_s))
        halves = np.floor(self.distance_m(t_s) / (LAP_M / 2))
        return math.pi * halves + np.maximum(self._in_half_m(t_s) - STRAIGHT_M, 0.0) / RUN_RADIUS_M

    def surface(self, t_s: float) -> Surface:
        if not self.on_track:
            return Surface.UNKNOWN
        return Surface.BEND if self.bend(np.array([t_s]))[0] else Surface.STRAIGHT

    def lap(self, t_s: float) -> int:
        return int(self.distance_m(np.array([t_s]))[0] // LAP_M) + 1 if self.on_track else 0
