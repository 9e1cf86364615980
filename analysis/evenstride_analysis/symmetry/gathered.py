"""What a verdict looks at beside the values: how many steps, of which leg, gait and method, how sure of themselves."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evenstride_analysis.model import Doubt, Gait, Side, Step
from evenstride_analysis.symmetry.pairs import Pair
from evenstride_analysis.symmetry.system import WIDEST_LEG_S

_UNIT = 2.0**60  # variances of legs as whole numbers: see PairSums


@dataclass(slots=True)
class StepCounts:
    """Steps in a window. Adding and taking away cost the same, however many there are."""

    running: Counter[Side] = field(default_factory=Counter[Side])
    walking: Counter[Side] = field(default_factory=Counter[Side])
    clipped: Counter[Side] = field(default_factory=Counter[Side])  # of the running ones

    @classmethod
    def of(cls, steps: Iterable[Step]) -> "StepCounts":
        counts = cls()
        for step in steps:
            counts.add(step)
        return counts

    @property
    def n(self) -> int:
        return self.running.total() + self.walking.total()

    @property
    def only_side(self) -> Side | None:
        """The leg that all steps are of, if there is only one."""
        sides = [side for side in Side if self.running[side] + self.walking[side] > 0]
        return sides[0] if len(sides) == 1 else None

    def add(self, step: Step, *, sign: int = 1) -> None:
        """Take a step; sign -1 takes it away again."""
        if step.gait is Gait.RUN:
            self.running[step.side] += sign
            if Doubt.CLIPPED in step.stride.doubt:
                self.clipped[step.side] += sign
        else:
            self.walking[step.side] += sign

    def copy(self) -> "StepCounts":
        return StepCounts(self.running.copy(), self.walking.copy(), self.clipped.copy())


@dataclass(slots=True)
class PairCounts:
    """Pairs in a window: methods of their strides, and what these say of their leg's error."""

    n: int = 0
    methods: Counter[str] = field(default_factory=Counter[str])
    _known: Counter[Side] = field(default_factory=Counter[Side])  # strides that tell their leg's SD
    _wide: Counter[Side] = field(default_factory=Counter[Side])
    _variance: int = 0  # summed over both legs, whole numbers

    @classmethod
    def of(cls, pairs: Iterable[Pair]) -> "PairCounts":
        counts = cls()
        for pair in pairs:
            counts.add(pair)
        return counts

    @classmethod
    def told(cls, n: int, *, method: str, leg_sd_s: Mapping[Side, float] | None = None) -> "PairCounts":
        """Counts of `n` pairs of one method, every stride of a leg with the same SD: where only values are at hand."""
        legs = leg_sd_s or {}
        return cls(
            n,
            Counter({method: 2 * n}),
            Counter(dict.fromkeys(legs, n)),
            Counter({side: n * (sd_s > WIDEST_LEG_S) for side, sd_s in legs.items()}),
            sum(n * round(sd_s * sd_s * _UNIT) for sd_s in legs.values()),
        )

    @property
    def names(self) -> list[str]:
        return sorted(+self.methods)

    @property
    def unsure_side(self) -> Side | None:
        """A leg of which more than half the strides (so their median) have a system SD above 6 ms."""
        return next((side for side in Side if 2 * self._wide[side] > self._known[side]), None)

    @property
    def leg_sd_s(self) -> float | None:
        """Root mean square of the strides' system SD, both legs; None where the method does not tell it."""
        known = self._known.total()
        return (self._variance / (known * _UNIT)) ** 0.5 if known else None

    def add(self, pair: Pair, *, sign: int = 1) -> None:
        """Take a pair; sign -1 takes it away again."""
        self.n += sign
        for step in pair:
            self.methods[step.stride.method] += sign
            sd_s = step.stride.stance_system_sd_s
            if sd_s is not None:
                self._known[step.side] += sign
                self._wide[step.side] += sign * (sd_s > WIDEST_LEG_S)
                self._variance += sign * round(sd_s * sd_s * _UNIT)

    def copy(self) -> "PairCounts":
        return PairCounts(self.n, self.methods.copy(), self._known.copy(), self._wide.copy(), self._variance)
