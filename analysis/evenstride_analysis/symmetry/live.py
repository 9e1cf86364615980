"""Symmetry while it happens: the last 30 pairs, and a point every 10 s of session time."""

import math
from collections import deque
from collections.abc import Iterable

from evenstride_analysis.model import Measure, Step, Symmetry
from evenstride_analysis.symmetry.gathered import PairCounts, StepCounts
from evenstride_analysis.symmetry.interval import PairSums
from evenstride_analysis.symmetry.pairs import Pair, belong, value_of
from evenstride_analysis.symmetry.system import SystematicError
from evenstride_analysis.symmetry.verdict import judge

LIVE_PAIRS = 30
GRID_S = 10.0
_STALE_S = 120.0  # a live value does not speak of strides older than this


class _Window:
    """Steps and pairs that a live value speaks of, with their running sums: a step in or out costs the same."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self.steps: deque[Step] = deque()
        self.pairs: deque[Pair] = deque()
        self.step_counts, self.pair_counts, self.sums = StepCounts(), PairCounts(), PairSums()

    def copy(self) -> "_Window":
        twin = _Window(self._measure)
        twin.steps, twin.pairs = self.steps.copy(), self.pairs.copy()
        twin.step_counts, twin.pair_counts = self.step_counts.copy(), self.pair_counts.copy()
        twin.sums = self.sums.copy()
        return twin

    def add(self, step: Step) -> None:
        pair = (self.steps[-1], step) if self.steps and belong(self.steps[-1], step, self._measure) else None
        self.steps.append(step)
        self.step_counts.add(step)
        if pair is not None:
            self.pairs.append(pair)
            self.pair_counts.add(pair)
            if (values := self._values(pair)) is not None:
                self.sums.add(*values)

    def forget(self, since_s: float) -> None:
        """Leave out what struck before `since_s`, and all before the first of the last 30 pairs."""
        while self.pairs and (len(self.pairs) > LIVE_PAIRS or self.pairs[0][0].t_s < since_s):
            oldest = self.pairs.popleft()
            self.pair_counts.add(oldest, sign=-1)
            if self._values(oldest) is not None:
                self.sums.drop_oldest()
        first_s = self.pairs[0][0].t_s if len(self.pairs) == LIVE_PAIRS else since_s
        while self.steps and self.steps[0].t_s < first_s:
            self.step_counts.add(self.steps.popleft(), sign=-1)

    def is_stale(self, since_s: float) -> bool:
        return bool(self.steps) and self.steps[0].t_s < since_s

    def _values(self, pair: Pair) -> tuple[float, float] | None:
        left, right = (value_of(step, self._measure) for step in pair)
        return None if left is None or right is None else (left, right)


class LiveSymmetry:
    """The last 30 clean pairs as they come; points on the fixed 10 s grid of session time once a step lies past them.

    Each value is that of `symmetry` over the pairs struck in the 120 s before it, 30 at most, to the last bit.
    """

    def __init__(self, *, system: SystematicError, measure: Measure = Measure.STANCE) -> None:
        self.late = 0
        self._system, self._measure = system, measure
        self._window = _Window(measure)
        self._last_s: float | None = None
        self._points: list[Symmetry] = []
        self._next_grid: int | None = None

    def push(self, step: Step) -> None:
        """Take the next step. One that struck before the last one (a leg that Pairing gave up on and that came back) is
        too late for a live value: it is counted in `late`, and enters when the session is summarised.
        """
        if self._last_s is not None and step.t_s < self._last_s:
            self.late += 1
            return
        if self._next_grid is None:
            self._next_grid = math.floor(step.t_s / GRID_S) + 1
        last_s = step.t_s if self._last_s is None else self._last_s
        while self._next_grid * GRID_S <= step.t_s:
            if self._next_grid * GRID_S > last_s + _STALE_S + GRID_S:  # a long silence: no point has anything to say
                self._next_grid = math.floor(step.t_s / GRID_S) + 1
                break
            self._points.append(self.at(self._next_grid * GRID_S))
            self._next_grid += 1
        self._last_s = step.t_s
        self._window.add(step)
        self._window.forget(step.t_s - _STALE_S)

    def at(self, t_s: float) -> Symmetry:
        """The value at `t_s`, not before the last step pushed."""
        return self.judged(t_s, system=self._system)

    def judged(self, t_s: float, *, system: SystematicError) -> Symmetry:
        """The same with a system error of this moment."""
        window, since_s = self._window, t_s - _STALE_S
        if window.is_stale(since_s):  # after a silence only: the window itself must stay as it is for the next step
            window = window.copy()
            window.forget(since_s)
        return judge(
            window.step_counts,
            window.pair_counts,
            len(window.sums),
            lambda u: window.sums.evidence(system=u),
            self._measure,
            t_s=t_s,
            system=system,
        )[0]

    def grid_points(self) -> list[Symmetry]:
        """The grid points settled since the last call."""
        points, self._points = self._points, []
        return points


def grid(steps: Iterable[Step], measure: Measure, *, system: SystematicError) -> list[Symmetry]:
    """The points of the 10 s grid that lie within `steps` (in order of strike), as LiveSymmetry gives them out."""
    live = LiveSymmetry(system=system, measure=measure)
    for step in steps:
        live.push(step)
    return live.grid_points()
