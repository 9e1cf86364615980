"""Straight or bend while it is run: the same method as afterwards, over the last minutes, a few seconds late."""

from collections import deque
from dataclasses import dataclass, replace

from evenstride_analysis.context.reading import ANYWHERE, Ground, surface_of, surfaced
from evenstride_analysis.context.turning import STRAIGHT, find_turns
from evenstride_analysis.model import Step, Surface

LAG_STEPS = 12  # some four seconds: a bend is sure when both legs have turned twice in it
_WINDOW_STEPS = 240  # straights and bends of the last 80 s
_HOP_STEPS = 6
_BEND_STEPS = 40  # the shortest bend that counts for a lap: a sprinter's takes 45


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where the runner is now. `direction` +1 in a bend to the left, -1 to the right, 0 on the straight.

    `lap` counts from 1 and changes at the end of the second bend; None before the first whole bend.
    """

    surface: Surface = Surface.UNKNOWN
    direction: int = 0
    lap: int | None = None


class LiveContext:
    """Steps in, steps with their surface out, in order and once, `LAG_STEPS` later. Bounded work for each step.

    What it says is provisional: the session's end judges all steps together.
    """

    def __init__(self, ground: Ground = ANYWHERE) -> None:
        self.now = Placed()
        self._ground = ground
        self._held: deque[Step] = deque()  # not given out yet
        self._recent: deque[Step] = deque(maxlen=_WINDOW_STEPS)
        self._settled: deque[tuple[Step, Placed]] = deque(maxlen=_WINDOW_STEPS)
        self._new = 0
        self._in_bend = self._bends = 0

    def push(self, step: Step) -> list[Step]:
        """Take the next step (in order of strike); return those that are settled now."""
        if self._ground.treadmill_mps is not None:
            self.now = Placed(surface=Surface.STRAIGHT)
            self._settled.append((step, self.now))
            return surfaced([step], self._ground)
        if self._recent and step.t_s < self._recent[-1].t_s:
            return [step]  # a leg that came back late: no place in the order of turning
        self._held.append(step)
        self._recent.append(step)
        self._new += 1
        if self._new < _HOP_STEPS or len(self._recent) < 2 * LAG_STEPS:
            return []
        return self._settle(LAG_STEPS)

    def places(self) -> list[tuple[Step, Placed]]:
        """The steps that were settled since the last call, each with its place."""
        found = list(self._settled)
        self._settled.clear()
        return found

    def flush(self) -> list[Step]:
        """The remaining steps: nothing more will come."""
        return self._settle(0) if self._held else []

    def _settle(self, keep: int) -> list[Step]:
        self._new = 0
        turning = find_turns(list(self._recent))
        levels, measured = turning.levels.tolist(), turning.measured.tolist()
        n = max(0, len(self._held) - keep)
        offset = len(self._recent) - len(self._held)
        given: list[Step] = []
        for k in range(n):
            level = levels[offset + k]
            given.append(replace(self._held.popleft(), surface=surface_of(level, measured=measured[offset + k])))
            self._count(level)
            self._settled.append((given[-1], self._place(given[-1].surface, level)))
        self.now = self._place(surface_of(levels[-1], measured=measured[-1]), levels[-1])
        return given

    def _place(self, surface: Surface, level: int) -> Placed:
        lap = self._bends // 2 + 1 if self._bends else None
        return Placed(surface=surface, direction=level if surface is Surface.BEND else 0, lap=lap)

    def _count(self, level: int) -> None:
        if level != STRAIGHT:
            self._in_bend += 1
        else:
            self._bends += self._in_bend >= _BEND_STEPS
            self._in_bend = 0
