"""Where on the 400 m track the runner is, and which way it heads."""

import math

import numpy as np

from evenstride_analysis.model import FloatArray, Surface
from evenstride_analysis.simulate.plan import RunnerPlan

STRAIGHT_M = 84.39
KERB_RADIUS_M = 36.50
RUN_RADIUS_M = KERB_RADIUS_M + 0.30  # the line on which a lap measures 400 m
LANE_M = 1.22
_SHARE_POINTS = 21
BEND_M = math.pi * RUN_RADIUS_M
LAP_M = 2 * (STRAIGHT_M + BEND_M)


def radius_m(lane: int) -> float:
    """Radius of the line on which a lane is measured: 0.30 m from the kerb in lane 1, 0.20 m from the line outside."""
    return RUN_RADIUS_M if lane == 1 else KERB_RADIUS_M + (lane - 1) * LANE_M + 0.20


def lap_m(lane: int = 1) -> float:
    """Length of a lap: 400 m in lane 1."""
    return 2 * (STRAIGHT_M + math.pi * radius_m(lane))


class Track:
    """Distance, surface, lap and heading against time. The run begins at the start of a straight."""

    def __init__(self, plan: RunnerPlan) -> None:
        self.on_track = plan.track
        self.direction = (-1 if plan.clockwise else 1) if plan.track else 0
        self._radius_m = radius_m(plan.lane)
        self._lap_m = lap_m(plan.lane)
        timed = plan.timed_parts()
        self._t = np.array([start_s for start_s, _ in timed] + [plan.duration_s])
        speed = np.array([0.0 if part.gait is None else part.speed_mps for _, part in timed])
        self._s = np.concatenate([[0.0], np.cumsum(speed * np.diff(self._t))])
        self._moved_s = np.concatenate([[0.0], np.cumsum((speed > 0) * np.diff(self._t))])
        self._speed = np.append(speed, 0.0)

    def distance_m(self, t_s: FloatArray) -> FloatArray:
        return np.interp(t_s, self._t, self._s)

    def speed_mps(self, from_s: float, to_s: float) -> float:
        """Mean speed between two times, standing left out: the last stride of a run ends in a stand."""
        t_s = np.array([from_s, to_s])
        moved_s = float(np.diff(np.interp(t_s, self._t, self._moved_s))[0])
        return float(np.diff(self.distance_m(t_s))[0]) / moved_s if moved_s > 0 else 0.0

    def _in_half_m(self, t_s: FloatArray) -> FloatArray:
        return np.mod(self.distance_m(t_s), self._lap_m / 2)

    def bend(self, t_s: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        if not self.on_track:
            return np.zeros(len(t_s), bool)
        return self._in_half_m(t_s) >= STRAIGHT_M

    def yaw_rate_radps(self, t_s: FloatArray) -> FloatArray:
        """Turning rate (n,) about the vertical, positive to the left: v / r in the bends."""
        speed = self._speed[np.clip(np.searchsorted(self._t, t_s, side="right") - 1, 0, len(self._speed) - 1)]
        return np.where(self.bend(t_s), self.direction * speed / self._radius_m, 0.0)

    def heading_rad(self, t_s: FloatArray) -> FloatArray:
        """Heading (n,), 0 at the start, growing to the left without wrapping."""
        if not self.on_track:
            return np.zeros(len(t_s))
        halves = np.floor(self.distance_m(t_s) / (self._lap_m / 2))
        turned = math.pi * halves + np.maximum(self._in_half_m(t_s) - STRAIGHT_M, 0.0) / self._radius_m
        return self.direction * turned

    def bend_share(self, from_s: float, to_s: float) -> float:
        """Share of the time between two times that is spent in a bend."""
        return float(self.bend(np.linspace(from_s, to_s, _SHARE_POINTS)).mean())

    def surface(self, t_s: float) -> Surface:
        if not self.on_track:
            return Surface.UNKNOWN
        return Surface.BEND if self.bend(np.array([t_s]))[0] else Surface.STRAIGHT

    def lap(self, t_s: float) -> int:
        return int(self.distance_m(np.array([t_s]))[0] // self._lap_m) + 1 if self.on_track else 0
