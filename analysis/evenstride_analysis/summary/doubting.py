"""What doubted strides do to the verdicts (docs/decisions/0010-context.md).

A stride is left out because of what it looks like, so the strides that stay are a choice. Up to a tenth of a leg's
running strides is taken as harmless. Beyond, the mean of what stays may be off by at most what leaving out the most
extreme strides of that share would do to a normal distribution, SD phi(z) / (1 - share); the interval is widened by
that bound as if it were a 95 % one. From one half on, or one quarter of a loose pod's, there is no verdict: a pod that
moves on the leg is not to be trusted where it goes unnoticed either. Missing samples choose no strides. While the run
goes on, the same is asked of the last minute.
"""

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist

import numpy as np

from evenstride_analysis.model import Doubt, DoubtShare, Gait, Measure, Side, Step, Symmetry, Verdict
from evenstride_analysis.symmetry import SystematicError, is_clean, value_of

HARMLESS, TOO_MANY, TOO_MANY_LOOSE = 0.10, 0.50, 0.25
_BLIND = Doubt.GAP | Doubt.ON_POD | Doubt.CLIPPED  # they come with the radio or have a rule of their own
_Z95 = NormalDist().inv_cdf(0.975)
_WORDS = {
    "loose": "the pod moves on the leg",
    "candidates_disagree": "two rules disagree on an event",
    "out_of_range": "outside what the method was trained on",
    "fallback": "the main rule found nothing",
    "alternation": "left and right do not alternate",
}


FEW = ("too few strides", "one leg only")  # how a refusal begins that bends or doubts may be behind
MINUTE_S = 60.0
_LEAST_LIVE = 10  # running strides of a leg: fewer are no share
_UNIT = 2.0**40  # values are kept as whole numbers: sums forget nothing


def doubt_shares(steps: Sequence[Step]) -> tuple[DoubtShare, ...]:
    """Both legs' shares among `steps`, with what they do to the verdict on stance."""
    counts = _Counts()
    for step in steps:
        counts.add(step)
    return counts.shares()


@dataclass(slots=True)
class _Counts:
    """Running steps, and those that are doubted, by the first name of their doubt; loose ones whatever comes first."""

    running: Counter[Side] = field(default_factory=Counter[Side])
    doubted: dict[Side, Counter[str]] = field(default_factory=lambda: {side: Counter[str]() for side in Side})
    loose: Counter[Side] = field(default_factory=Counter[Side])

    def add(self, step: Step, *, sign: int = 1) -> None:
        """Take a step; sign -1 takes it away again."""
        if step.gait is not Gait.RUN:
            return
        self.running[step.side] += sign
        doubt = step.stride.doubt & ~_BLIND
        if doubt or not step.alternates:
            self.doubted[step.side][doubt.names[0] if doubt else "alternation"] += sign
        if Doubt.LOOSE in doubt:
            self.loose[step.side] += sign

    def shares(self) -> tuple[DoubtShare, ...]:
        return tuple(self._share(side) for side in Side)

    def _share(self, side: Side) -> DoubtShare:
        running, names = self.running[side], +self.doubted[side]
        loose = self.loose[side] > TOO_MANY_LOOSE * running
        share = DoubtShare(
            side=side,
            running=running,
            share=names.total() / running if running else 0.0,
            worst="loose" if loose else max(names, key=names.__getitem__, default=""),
            effect="",
        )
        if refusal_of((share,)):
            return replace(share, effect="no verdict")
        return replace(share, effect="interval widened") if share.share > HARMLESS else share


class LiveDoubts:
    """The shares of the last minute as steps come, and what they do to a live value. Each step costs the same."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._steps: deque[Step] = deque()
        self._counts = _Counts()
        self._sums = {side: [0, 0, 0] for side in Side}  # clean values: number, sum, sum of squares

    def add(self, step: Step) -> None:
        """Take the next step, in order of strike."""
        self._steps.append(step)
        self._count(step, 1)
        self.forget(step.t_s)

    def forget(self, t_s: float) -> None:
        """Leave out what struck a minute before `t_s` or earlier."""
        while self._steps and self._steps[0].t_s <= t_s - MINUTE_S:
            self._count(self._steps.popleft(), -1)

    def shares(self) -> tuple[DoubtShare, ...]:
        """Of the legs with ten running strides and more."""
        return tuple(share for share in self._counts.shares() if share.running >= _LEAST_LIVE)

    def widened(self, system: SystematicError) -> SystematicError:
        """The system error of the last minute's strides."""
        return _widened(system, {self._measure: _shift(self.shares(), self._spread)})

    def _count(self, step: Step, sign: int) -> None:
        self._counts.add(step, sign=sign)
        value = value_of(step, self._measure) if is_clean(step, self._measure) else None
        if value is not None:
            whole = round(value * _UNIT)
            for k, term in enumerate((1, whole, whole * whole)):
                self._sums[step.side][k] += sign * term

    def _spread(self, side: Side) -> float:
        n, total, squares = self._sums[side]
        if n < 2 or total == 0:
            return 0.0
        return math.sqrt(max(0, n * squares - total * total) / (n * (n - 1))) * n / abs(total)


def refused(found: Symmetry, reason: str) -> Symmetry:
    """`found` without a verdict for this reason, unless it has none for a better one."""
    if found.verdict is Verdict.NOT_MEASURABLE and not found.reason.startswith(FEW):
        return found
    return replace(found, index=None, low=None, high=None, verdict=Verdict.NOT_MEASURABLE, reason=reason)


def refusal_of(shares: Sequence[DoubtShare]) -> str:
    """Why so many doubts allow no verdict; empty where they do."""
    for share in shares:
        limit = TOO_MANY_LOOSE if share.worst == "loose" else TOO_MANY
        if share.share > limit:
            word = "loose" if share.worst == "loose" else "doubted"
            return f"{word}: {_said(share)}"
    return ""


def wider_words(shares: Sequence[DoubtShare]) -> str:
    """Why an interval is wider than its strides' scatter; empty where it is not."""
    said = "; ".join(_said(share) for share in shares if share.effect == "interval widened")
    return f"wider, doubted: {said}" if said else ""


def _said(share: DoubtShare) -> str:
    return f"{100 * share.share:.0f} % of the {share.side} leg's strides ({_WORDS[share.worst]})"


def widened(system: SystematicError, shares: Sequence[DoubtShare], steps: Sequence[Step]) -> SystematicError:
    """The system error with the doubted strides' part in it, per measure."""
    if all(share.share <= HARMLESS for share in shares):
        return system

    def shift(measure: Measure) -> float:
        clean = [step for step in steps if is_clean(step, measure)]
        return _shift(shares, lambda side: _spread(_values(clean, side, measure)))

    return _widened(system, {measure: shift(measure) for measure in Measure})


def _values(steps: Iterable[Step], side: Side, measure: Measure) -> list[float]:
    """One leg's measured values of these steps, SI."""
    return [value for step in steps if step.side is side and (value := value_of(step, measure)) is not None]


def _spread(values: Sequence[float]) -> float:
    """SD over mean; 0 where there is none."""
    array = np.array(values)
    return float(array.std(ddof=1)) / abs(float(array.mean())) if len(values) > 1 else 0.0


def _shift(shares: Sequence[DoubtShare], spread: Callable[[Side], float]) -> float:
    """How far leaving strides out may have moved the index, at most; a fraction."""
    normal, total = NormalDist(), 0.0
    for share in shares:
        if HARMLESS < share.share < 1.0:
            total += normal.pdf(normal.inv_cdf(share.share)) / (1.0 - share.share) * spread(share.side)
    return total


def _widened(system: SystematicError, shift: Mapping[Measure, float]) -> SystematicError:
    extra = {measure: shift.get(measure, 0.0) / _Z95 for measure in Measure}
    if not any(extra.values()):
        return system
    return replace(
        system,
        allowance=math.hypot(system.allowance, extra[Measure.STANCE]),
        impact=math.hypot(system.impact, extra[Measure.IMPACT]),
        impact_axial=math.hypot(system.impact_axial, extra[Measure.IMPACT_AXIAL]),
    )
