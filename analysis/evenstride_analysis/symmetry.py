"""Left against right: the symmetry index of paired strides, its interval and its verdict.

The one formula: index = (mean L - mean R) / (0.5 (mean L + mean R)), a fraction, over pairs. A pair is a left step and
the right step that follows it, both clean, running and alternating.

Interval: the pairs' differences give the sampling error (Student, with the effective number of pairs that their
autocorrelation leaves); the system error does not average out and is added in squares:
half(level) = sqrt((t(level, n_eff - 1) SE)^2 + (z(level) u)^2). `low`, `high` are the 95 % interval; `real` = the 99 %
interval excludes 0, `possible` = the 80 % one does (Exell 2012's rule with the method's own error added).
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from evenstride_analysis.model import Doubt, FloatArray, Gait, Measure, Side, Step, Symmetry, Verdict
from evenstride_analysis.strides.rules import DEFAULT_RULES, Rules
from evenstride_analysis.student import t_quantile

MIN_PAIRS = 20  # fewer strides a leg tell about a moment, not about a runner
LIVE_PAIRS = 30
GRID_S = 10.0
_PAIR_S = 1.2  # a right strike later than this after the left one is not its partner
_STALE_S = 120.0  # a live value does not speak of strides older than this
_CLIPPED_SHARE = 0.05  # of a leg's running strides: from here on a peak's mean is a lower bound, not a mean
_REAL, _SHOWN, _POSSIBLE = 0.99, 0.95, 0.80
PLACEMENT_ALLOWANCE = 0.02
# Published smallest detectable differences of peak tibial acceleration (19 runners, 3.0 m/s: 1.5 g resultant, 2 g
# axial) are 1.96 sqrt(2) errors of one leg at about 10 g and 7 g; the index is wrong by sqrt(2) errors of one leg.
_IMPACT_ALLOWANCE = 1.5 / 1.96 / 10.0
_IMPACT_AXIAL_ALLOWANCE = 2.0 / 1.96 / 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SystematicError:
    """What averaging does not remove, SD of the index as a fraction; `source` says where each part comes from.

    `estimator` and `allowance` (strap, skin, placement) hold for stance; impacts have allowances of their own.
    """

    estimator: float
    allowance: float
    impact: float = _IMPACT_ALLOWANCE
    impact_axial: float = _IMPACT_AXIAL_ALLOWANCE
    source: str

    def total(self, measure: Measure) -> float:
        if measure is Measure.STANCE:
            return math.hypot(self.estimator, self.allowance)
        return self.impact if measure is Measure.IMPACT else self.impact_axial


def system_of(rules: Rules = DEFAULT_RULES, *, allowance: float = PLACEMENT_ALLOWANCE) -> SystematicError:
    """The system error of a method: its own out-of-fold error of the index, and the allowance for the pod's seat."""
    return SystematicError(
        estimator=rules.si_error_sd,
        allowance=allowance,
        source=f"{rules.method}: {rules.si_error_sd:.1%} out-of-fold ({rules.source});"
        f" {allowance:.1%} for strap, skin and placement is an assumption until a reference session with real pods;"
        f" impact {_IMPACT_ALLOWANCE:.1%}, along the shin {_IMPACT_AXIAL_ALLOWANCE:.1%}: from published smallest"
        " detectable differences (19 runners)",
    )


def value_of(step: Step, measure: Measure) -> float | None:
    """The step's value of a measure, SI; None where it was not measured."""
    stride = step.stride
    if measure is Measure.STANCE:
        return stride.stance_s
    return stride.impact_mps2 if measure is Measure.IMPACT else stride.impact_axial_mps2


def is_clean(step: Step, measure: Measure) -> bool:
    """Running, alternating and without a doubt that touches this measure: what may enter a verdict.

    A shock beyond the accelerometer's range leaves the contact rule (1 g on the way up) and the gyro's toe-off as they
    are, so a clipped stride still has its stance. (A clipped gyro is OUT_OF_RANGE as well.)
    """
    spared = Doubt.CLIPPED if measure is Measure.STANCE else Doubt(0)
    return step.gait is Gait.RUN and step.alternates and not step.stride.doubt & ~spared


def pairs_of(steps: Iterable[Step], measure: Measure) -> list[tuple[Step, Step]]:
    """(left, right) of every left step that the next step answers, both clean; steps in order of strike."""
    found: list[tuple[Step, Step]] = []
    before: Step | None = None
    for step in steps:
        if before is not None and _belong(before, step, measure):
            found.append((before, step))
        before = step
    return found


def _belong(first: Step, second: Step, measure: Measure) -> bool:
    return (
        first.side is Side.LEFT
        and second.side is Side.RIGHT
        and 0.0 < second.t_s - first.t_s < _PAIR_S
        and is_clean(first, measure)
        and is_clean(second, measure)
    )


def symmetry(steps: Sequence[Step], measure: Measure, *, t_s: float, system: SystematicError) -> Symmetry:
    """Symmetry of all `steps` (any number, in order of strike), dated `t_s`."""
    return _judge(pairs_of(steps, measure), steps, measure, t_s=t_s, system=system)


def _judge(
    pairs: Sequence[tuple[Step, Step]], steps: Iterable[Step], measure: Measure, *, t_s: float, system: SystematicError
) -> Symmetry:
    methods = sorted({step.stride.method for pair in pairs for step in pair})
    method = "|".join(methods)
    values = [
        (left, right)
        for pair in pairs
        if (left := value_of(pair[0], measure)) is not None and (right := value_of(pair[1], measure)) is not None
    ]

    def refused(reason: str) -> Symmetry:
        return Symmetry(
            measure=measure,
            t_s=t_s,
            index=None,
            low=None,
            high=None,
            n_pairs=len(values),
            verdict=Verdict.NOT_MEASURABLE,
            reason=reason,
            method=method,
        )

    running = [step for step in steps if step.gait is Gait.RUN]
    if len(methods) > 1:
        return refused(f"mixed methods: {', '.join(methods)}")
    if measure is not Measure.STANCE:
        for side in Side:
            clipped = [Doubt.CLIPPED in step.stride.doubt for step in running if step.side is side]
            if clipped and sum(clipped) > _CLIPPED_SHARE * len(clipped):
                return refused(f"clipped: {sum(clipped)} of {len(clipped)} {side} strides reach the sensor's range")
    if pairs and not values:
        return refused("not measured: impact needs 199 Hz or more and no gap")
    if len(values) < MIN_PAIRS:
        return refused(_why_few(len(values), steps=list(steps), running=len(running)))
    return _with_interval(np.array(values), measure, t_s=t_s, system=system, method=method)


def _why_few(n_pairs: int, *, steps: Sequence[Step], running: int) -> str:
    if steps and running <= len(steps) // 2:
        return f"walking: {len(steps) - running} of {len(steps)} strides; symmetry is judged in running"
    if len({step.side for step in steps}) == 1:
        return f"one leg only: {steps[0].side}"
    return f"too few strides: {n_pairs} clean pairs, {MIN_PAIRS} are needed"


def _with_interval(
    values: FloatArray, measure: Measure, *, t_s: float, system: SystematicError, method: str
) -> Symmetry:
    mean = 0.5 * float(values[:, 0].mean() + values[:, 1].mean())
    difference = values[:, 0] - values[:, 1]
    index = float(difference.mean()) / mean
    n_eff = effective_number(difference)
    error = float(difference.std(ddof=1)) / math.sqrt(n_eff) / mean
    u = system.total(measure)

    def half(level: float) -> float:
        return math.hypot(
            t_quantile(0.5 + level / 2.0, n_eff - 1.0) * error, NormalDist().inv_cdf(0.5 + level / 2.0) * u
        )

    if abs(index) > half(_REAL):
        verdict, reason = Verdict.REAL, "the 99 % interval excludes even"
    elif abs(index) > half(_POSSIBLE):
        verdict, reason = Verdict.POSSIBLE, "the 80 % interval excludes even, the 99 % one does not"
    else:
        verdict = Verdict.WITHIN_NOISE
        reason = "limited by the system error" if u > error else "limited by the number of strides"
    return Symmetry(
        measure=measure,
        t_s=t_s,
        index=index,
        low=index - half(_SHOWN),
        high=index + half(_SHOWN),
        n_pairs=len(values),
        verdict=verdict,
        reason=reason,
        method=method,
    )


def effective_number(series: FloatArray) -> float:
    """How many independent values tell as much about the mean as this series (n,), n >= 3: n (1 - r) / (1 + r).

    r is the lag-1 autocorrelation, corrected for its small-sample bias, never below 0; the answer is at least 3.
    """
    n = len(series)
    centred = series - series.mean()
    power = float((centred * centred).sum())
    if power == 0.0:
        return float(n)
    lag_1 = float((centred[1:] * centred[:-1]).sum()) / power
    lag_1 = min(0.9, max(0.0, lag_1 + (1.0 + 3.0 * lag_1) / n))
    return max(3.0, n * (1.0 - lag_1) / (1.0 + lag_1))


class LiveSymmetry:
    """The last 30 clean pairs as they come; points on the fixed 10 s grid of session time once a step lies past them.

    Each value is that of `symmetry` over the pairs struck in the 120 s before it, 30 at most.
    """

    def __init__(self, *, system: SystematicError, measure: Measure = Measure.STANCE) -> None:
        self.late = 0
        self._system, self._measure = system, measure
        self._steps: deque[Step] = deque()
        self._pairs: deque[tuple[Step, Step]] = deque(maxlen=LIVE_PAIRS)
        self._points: list[Symmetry] = []
        self._next_grid: int | None = None

    def push(self, step: Step) -> None:
        """Take the next step. One that struck before the last one (a leg that Pairing gave up on and that came back) is
        too late for a live value: it is counted in `late`, and enters when the session is summarised.
        """
        if self._steps and step.t_s < self._steps[-1].t_s:
            self.late += 1
            return
        if self._next_grid is None:
            self._next_grid = math.floor(step.t_s / GRID_S) + 1
        last_s = self._steps[-1].t_s if self._steps else step.t_s
        while self._next_grid * GRID_S <= step.t_s:
            if self._next_grid * GRID_S > last_s + _STALE_S + GRID_S:  # a long silence: no point has anything to say
                self._next_grid = math.floor(step.t_s / GRID_S) + 1
                break
            self._points.append(self.at(self._next_grid * GRID_S))
            self._next_grid += 1
        if self._steps and _belong(self._steps[-1], step, self._measure):
            self._pairs.append((self._steps[-1], step))
        self._steps.append(step)
        while self._steps[0].t_s < step.t_s - _STALE_S:
            self._steps.popleft()

    def at(self, t_s: float) -> Symmetry:
        """The value at `t_s`, not before the last step pushed."""
        since_s = t_s - _STALE_S
        pairs = [pair for pair in self._pairs if pair[0].t_s >= since_s]
        if len(pairs) == LIVE_PAIRS:
            since_s = pairs[0][0].t_s
        steps = [step for step in self._steps if step.t_s >= since_s]
        return _judge(pairs, steps, self._measure, t_s=t_s, system=self._system)

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
