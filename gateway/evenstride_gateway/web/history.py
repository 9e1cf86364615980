"""The strides of one leg that the page draws: final ones, and those that are shown before they are complete."""

import math
from bisect import insort
from dataclasses import dataclass, field
from statistics import fmean

from evenstride_analysis.model import Doubt, Gait

HISTORY_S = 120.0
MEAN_STRIDES = 30
SAME_STRIKE_S = 0.100  # a provisional stride and its final one

StrideKey = tuple[str, int, int]  # pod, boot, strike index


@dataclass(slots=True, order=True)
class Point:
    """One stride as it is drawn. A provisional one has no impact yet, and its `stride_s` is what has passed of it."""

    t_s: float
    n: int
    key: StrideKey = field(compare=False)
    stride_s: float = field(compare=False)
    stance_ms: float | None = field(compare=False)
    impact_g: float | None = field(compare=False)
    gait: Gait = field(compare=False)
    doubt: Doubt = field(compare=False)
    stance_mean_ms: float | None = field(compare=False, default=None)
    impact_mean_g: float | None = field(compare=False, default=None)
    provisional: bool = field(compare=False, default=False)

    @property
    def clean_run(self) -> bool:
        """As for a verdict on stance: a shock beyond the range does not touch it."""
        return not self.provisional and self.gait is Gait.RUN and not self.doubt & ~Doubt.CLIPPED

    @property
    def whole_impact_g(self) -> float | None:
        return None if Doubt.CLIPPED in self.doubt else self.impact_g


@dataclass(slots=True)
class LegHistory:
    """Two minutes of one leg, in order of t_s. A provisional point lives until the final strides have passed it."""

    points: list[Point] = field(default_factory=list[Point])
    changed: dict[int, Point] = field(default_factory=dict[int, Point])
    n_strides: int = 0
    numbered: int = 0

    @property
    def final(self) -> list[Point]:
        return [point for point in self.points if not point.provisional]

    def new_number(self) -> int:
        self.numbered += 1
        return self.numbered

    def find(self, key: StrideKey) -> Point | None:
        return next((p for p in reversed(self.points) if p.key == key and not p.provisional), None)

    def clean_until(self, t_s: float) -> list[Point]:
        return [point for point in self.points if point.clean_run and point.t_s <= t_s][-MEAN_STRIDES:]

    def put(self, point: Point) -> None:
        """Add a point; the means of a final one are those up to it."""
        insort(self.points, point)
        if not point.provisional:
            clean = self.clean_until(point.t_s)
            point.stance_mean_ms = mean([p.stance_ms for p in clean])
            point.impact_mean_g = mean([p.whole_impact_g for p in clean])
        self.changed[point.n] = point
        oldest_s = self.points[-1].t_s - HISTORY_S
        gone = next(i for i, p in enumerate(self.points) if p.t_s >= oldest_s)
        for old in self.points[:gone]:
            self.changed.pop(old.n, None)
        del self.points[:gone]

    def passed(self, key: StrideKey, t_s: float) -> int | None:
        """A final stride begins at `t_s`: the number of the provisional one that it replaces, which leaves, as do all
        of that pod that began before it and will have no final stride.
        """
        replaced: int | None = None
        for early in [p for p in self.points if p.provisional and p.key[0] == key[0]]:
            if early.key[1] == key[1] and abs(early.t_s - t_s) < SAME_STRIKE_S:
                replaced = early.n
            elif early.key[1] == key[1] and early.t_s > t_s:
                continue
            else:
                self.changed[early.n] = Point(
                    early.t_s, early.n, early.key, 0.0, None, None, early.gait, early.doubt, provisional=True
                )
            self.points.remove(early)
        return replaced

    def knows(self, key: StrideKey, t_s: float) -> bool:
        """Whether the strides of that boot have come as far as `t_s` already, final or provisional."""
        return any(p.key[:2] == key[:2] and p.t_s > t_s - SAME_STRIKE_S for p in self.points)


def rounded(value: float | None, digits: int) -> float | None:
    return round(value, digits) if value is not None and math.isfinite(value) else None


def mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(fmean(known), 2) if known else None
