"""Two legs together: what a stride is once the other leg is known."""

from collections import deque
from dataclasses import dataclass

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import Gait, Side, Step, Stride, Surface

WAIT_S = 90.0
WIDEST_BOUND_S = 0.010  # a wider clock bound would be a tenth of a flight time: flight is withheld
_SETTLED_S = 0.25  # a strike this long after a stride's end can no longer change what that stride's step says
_TOUCH_S = 0.25  # how long before toe-off the other leg may have struck (walking: double support)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    stride: Stride
    t_s: float
    bound_s: float

    @property
    def toe_off_s(self) -> float:
        return self.t_s + self.stride.stance_s

    @property
    def end_s(self) -> float:
        return self.t_s + self.stride.stride_s


class Pairing:
    """Strides of both legs in session time -> steps in order of strike.

    Waiting rule: a step is given out once both legs have delivered a strike 0.25 s after its end. A leg that stays
    silent is waited for until the other leg is `wait_s` ahead (90 s); then its absence is taken as a fact. Hence the
    list of steps is the same for every interleaving in which neither leg is later than `wait_s`.

    alternates: exactly one strike of the other leg lies between this strike and the leg's next one. gait: running when
    this leg says so and no neighbouring stride of the other leg disagrees. flight_s: the other leg's next strike minus
    this toe-off, running and alternating only, None where the two clocks' bounds add up to more than 10 ms.
    Surface is UNKNOWN: bends are told from the heading elsewhere.
    """

    def __init__(self, *, wait_s: float = WAIT_S) -> None:
        self._wait_s = wait_s
        self._open: dict[Side, deque[_Seen]] = {side: deque() for side in Side}  # not yet given out
        self._recent: dict[Side, deque[_Seen]] = {side: deque() for side in Side}  # what neighbours may still ask for
        self._latest_s: dict[Side, float] = dict.fromkeys(Side, float("-inf"))

    def push(self, side: Side, stride: Stride, t_s: float, bound_s: float) -> list[Step]:
        """Take a stride that struck at session time `t_s` (wrong by at most `bound_s`); return the steps it settles.

        Raises InputError when a leg's strides do not come in order.
        """
        if not t_s > self._latest_s[side]:
            raise InputError(f"{side} strides must come in order: {t_s:.3f} s after {self._latest_s[side]:.3f} s")
        seen = _Seen(stride=stride, t_s=t_s, bound_s=bound_s)
        self._latest_s[side] = t_s
        self._open[side].append(seen)
        self._recent[side].append(seen)
        return self._settle(final=False)

    def flush(self) -> list[Step]:
        """The remaining steps: nothing more will come."""
        return self._settle(final=True)

    def _settle(self, *, final: bool) -> list[Step]:
        steps: list[Step] = []
        while (side := self._first_open()) is not None:
            seen = self._open[side][0]
            settled_s = seen.end_s + _SETTLED_S
            newest_s = max(self._latest_s.values())
            if not (final or min(self._latest_s.values()) >= settled_s or newest_s >= settled_s + self._wait_s):
                break
            self._open[side].popleft()
            steps.append(self._step(side, seen))
            self._forget(seen.t_s)
        return steps

    def _first_open(self) -> Side | None:
        waiting = [(strides[0].t_s, side) for side, strides in self._open.items() if strides]
        return min(waiting)[1] if waiting else None

    def _step(self, side: Side, seen: _Seen) -> Step:
        others = self._recent[side.other]
        within = [other for other in others if seen.t_s < other.t_s < seen.end_s]
        around = [other for other in others if other.t_s < seen.end_s and other.end_s > seen.t_s]
        running = seen.stride.gait is Gait.RUN and all(other.stride.gait is Gait.RUN for other in around)
        alternates = len(within) == 1
        flight_s = None
        if running and alternates and seen.bound_s + within[0].bound_s <= WIDEST_BOUND_S:
            flight_s = within[0].t_s - seen.toe_off_s
        return Step(
            stride=seen.stride,
            t_s=seen.t_s,
            side=side,
            gait=Gait.RUN if running else Gait.WALK,
            surface=Surface.UNKNOWN,
            flight_s=flight_s,
            alternates=alternates,
        )

    def _forget(self, t_s: float) -> None:
        for strides in self._recent.values():
            while strides and strides[0].end_s < t_s - _TOUCH_S:
                strides.popleft()
