"""Laps of a closed track: bends of half a turn, all the same way, alternate with straights.

Every half turn is half a lap, whatever the lengths of straights and bends; how a half lap divides into the two is
taken from the session itself. So the ends of the bends are marks of known place. Between two marks the way is shared
out by estimated speed: a lap begins and ends where the session began, and standing still moves nobody.
Not validated: real tracks; laps that are left across the infield.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from evenstride_analysis.context.turning import STRAIGHT, Stretch
from evenstride_analysis.model import FloatArray, Step

_HALF_OFF_RAD = 0.25 * math.pi  # how far a bend may be from whole half turns
_ALIKE = 0.8  # of the bends are half turns of one direction: a track, not a road
_PAUSE_S = 1.5
_MARK_SD_M = 3.0  # of a place on the track: 0.3 s at the ends of a bend, and what the estimated speed shares out
_LINE_SHARE = 0.01  # the line that is run: a lane's middle is 2 % longer than its inner edge


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """How far round the track at which time. `direction` +1: bends turn left (counter-clockwise)."""

    direction: int
    t_s: FloatArray
    laps: FloatArray
    moved_s: FloatArray  # time in motion until then

    def laps_at(self, t_s: float) -> float:
        """Laps since the first step."""
        return float(np.interp(t_s, self.t_s, self.laps))

    def number_at(self, t_s: float) -> int:
        """Number of the lap, from 1."""
        return int(self.laps_at(t_s) + 1e-9) + 1

    def whole_laps(self) -> list[tuple[float, float]]:
        """(start, end) of each finished lap, session seconds."""
        n = int(float(self.laps[-1]) + 0.01)  # the last strides' ends are not counted in
        ends = np.interp(np.arange(n + 1), self.laps, self.t_s).tolist()
        return list(pairwise(ends))

    def speed_mps(self, start_s: float, end_s: float, lap_m: float) -> tuple[float, float] | None:
        """Mean speed in motion and its error SD on a lap of `lap_m`; None where it is not told to a tenth."""
        moved_s = float(np.diff(np.interp([start_s, end_s], self.t_s, self.moved_s))[0])
        if moved_s <= 0.0:
            return None
        way_m = (self.laps_at(end_s) - self.laps_at(start_s)) * lap_m
        sd_m = math.hypot(_MARK_SD_M * math.sqrt(2.0), _LINE_SHARE * way_m)
        return None if sd_m > 0.1 * way_m else (way_m / moved_s, sd_m / moved_s)


def find_course(steps: Sequence[Step], speeds_mps: FloatArray, stretches: Sequence[Stretch]) -> Course | None:
    """The course of a session on a closed track; None where fewer than two whole bends alternate with straights."""
    bends = _whole_bends(stretches)
    if len(bends) < 2:
        return None
    t = np.array([step.t_s for step in steps])
    spent = np.minimum(np.diff(t), _PAUSE_S)
    moved = np.concatenate(([0.0], np.cumsum(spent)))
    way = np.concatenate(([0.0], np.cumsum(spent * 0.5 * (speeds_mps[1:] + speeds_mps[:-1]))))
    starts = np.interp([bend.start_s for bend in bends], t, way)
    ends = np.interp([bend.end_s for bend in bends], t, way)
    in_bend, on_straight = ends - starts, starts[1:] - ends[:-1]
    turns = np.array([_half_turns(bend) for bend in bends])
    single = turns[:-1] == 1
    if not single.any() or not (on_straight > 0).all() or not (in_bend > 0).all():
        return None
    # how much of a half lap is bend: at a steady speed exactly, else in the middle of many
    share = float(np.median((in_bend[:-1] / (in_bend[:-1] + on_straight))[single]))
    done = np.concatenate(([0], np.cumsum(turns)[:-1]))
    first, last = done - 0.5 * share, done + turns - 1 + 0.5 * share
    at, halves = np.column_stack([starts, ends]).ravel(), np.column_stack([first, last]).ravel()
    scale = 0.5 * float(halves[-1] - halves[0]) / float(at[-1] - at[0])
    laps = np.interp(way, at, 0.5 * halves)
    laps = np.where(way < at[0], 0.5 * halves[0] + (way - at[0]) * scale, laps)
    laps = np.where(way > at[-1], 0.5 * halves[-1] + (way - at[-1]) * scale, laps)
    return Course(direction=bends[0].level, t_s=t, laps=laps - laps[0], moved_s=moved)


def _whole_bends(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The bends between two straights, in order; none where they are not those of a track."""
    bends = [
        middle
        for before, middle, after in zip(stretches, stretches[1:], stretches[2:], strict=False)
        if middle.level != STRAIGHT and before.level == after.level == STRAIGHT
    ]
    if not bends:
        return []
    direction = 1 if sum(bend.turn_rad for bend in bends) > 0 else -1
    good = [bend for bend in bends if bend.level == direction and _half_turns(bend) > 0]
    if len(good) < _ALIKE * len(bends):
        return []
    return good


def _half_turns(bend: Stretch) -> int:
    """Whole half turns of a bend; 0 where it is none of them."""
    halves = round(abs(bend.turn_rad) / math.pi)
    return halves if halves and abs(abs(bend.turn_rad) - halves * math.pi) <= _HALF_OFF_RAD else 0
