"""Symmetry of straight running over time, while it happens and afterwards."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

from evenstride_analysis.context import ANYWHERE, Ground, LiveContext, Placed
from evenstride_analysis.model import Measure, Step, Surface, Symmetry
from evenstride_analysis.summary.doubting import FEW, LiveDoubts, refusal_of, refused, wider_words
from evenstride_analysis.symmetry import MIN_PAIRS, LiveSymmetry, SystematicError, is_clean

_MEMORY_S = 120.0  # as far back as a live value looks


class DoubtingSymmetry(LiveSymmetry):
    """LiveSymmetry whose interval is wider, or whose verdict is refused, where many strides of the last minute are
    doubted: by the rules of a whole session."""

    def __init__(self, *, system: SystematicError, measure: Measure) -> None:
        super().__init__(system=system, measure=measure)
        self._plain, self._doubts = system, LiveDoubts(measure)

    def push(self, step: Step) -> None:
        """Take the next step."""
        late = self.late
        super().push(step)
        if self.late == late:
            self._doubts.add(step)

    def at(self, t_s: float) -> Symmetry:
        """The value at `t_s`, not before the last step pushed."""
        self._doubts.forget(t_s)
        found = self.judged(t_s, system=self._doubts.widened(self._plain))
        shares = self._doubts.shares()
        if reason := refusal_of(shares):
            return refused(found, reason)
        wider = "" if found.index is None else wider_words(shares)
        return replace(found, reason=f"{found.reason}; {wider}") if wider else found


class StraightSymmetry:
    """DoubtingSymmetry of all steps but those in bends; where these stand in the way of a value, its reason says so."""

    def __init__(self, measure: Measure, *, system: SystematicError) -> None:
        self._measure = measure
        self._live = DoubtingSymmetry(system=system, measure=measure)
        self._bends: deque[float] = deque()

    def push(self, step: Step) -> None:
        """Take the next step, its surface known."""
        if step.surface is not Surface.BEND:
            self._live.push(step)
        elif is_clean(step, self._measure):
            self._bends.append(step.t_s)
            while self._bends[0] < step.t_s - 2.0 * _MEMORY_S:
                self._bends.popleft()

    def at(self, t_s: float) -> Symmetry:
        """The value at `t_s`, not before the last step pushed."""
        return self._explained(self._live.at(t_s))

    def grid_points(self) -> list[Symmetry]:
        """The points of the 10 s grid settled since the last call."""
        return [self._explained(point) for point in self._live.grid_points()]

    def _explained(self, found: Symmetry) -> Symmetry:
        if not found.reason.startswith(FEW):
            return found
        bends = sum(found.t_s - _MEMORY_S <= t_s <= found.t_s for t_s in self._bends)
        if bends < max(MIN_PAIRS, found.n_pairs):
            return found
        return replace(found, reason="bend: the last strides were in a bend; the legs are compared on straights")


class LiveSession:
    """Both legs' steps as they come: where the runner is, and the symmetry of straight running."""

    def __init__(self, measures: Sequence[Measure], *, system: SystematicError, ground: Ground = ANYWHERE) -> None:
        self._context = LiveContext(ground)
        self._symmetry = [StraightSymmetry(measure, system=system) for measure in measures]

    @property
    def place(self) -> Placed:
        return self._context.now

    def places(self) -> list[tuple[Step, Placed]]:
        """The steps whose place was settled since the last call."""
        return self._context.places()

    def push(self, steps: Iterable[Step]) -> None:
        """Take the next steps, in order of strike."""
        for step in steps:
            self._take(self._context.push(step))

    def flush(self) -> None:
        """Nothing more will come."""
        self._take(self._context.flush())

    def _take(self, settled: Iterable[Step]) -> None:
        for step in settled:
            for live in self._symmetry:
                live.push(step)

    def at(self, t_s: float) -> list[Symmetry]:
        """The value of every measure at `t_s`, not before the last step pushed."""
        return [live.at(t_s) for live in self._symmetry]

    def grid_points(self) -> list[Symmetry]:
        """The points of the 10 s grid settled since the last call."""
        return [point for live in self._symmetry for point in live.grid_points()]


def straight_grid(steps: Iterable[Step], measure: Measure, *, system: SystematicError) -> list[Symmetry]:
    """The points of the 10 s grid that lie within `steps` (in order of strike, their surface known)."""
    live = StraightSymmetry(measure, system=system)
    for step in steps:
        live.push(step)
    return live.grid_points()
