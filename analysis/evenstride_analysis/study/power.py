"""What a verdict on symmetry is worth from the sensor on: simulated runners through detector, pairing and symmetry.

The stride-level proof (coverage_of_symmetry.py) draws stances; here a runner runs. Style, speed and the scatter of
strides are those of the virtual runner, the pods have the noise and bias of their data sheet. Each leg's events are
mistimed as the learned method was measured to mistime one leg of a real trial (runner left out), both legs of one trial
together; each leg's stance is wrong by the allowance for strap, skin and placement besides. The detector's own error on
the simulated signals comes on top. The 95 % total interval is to hold the planted index.

That the errors drawn are those of real pods on real legs is an assumption which nothing has tested yet.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import Measure, Side, Step, Symmetry, Verdict
from evenstride_analysis.pairing import Pairing
from evenstride_analysis.simulate import Part, RunnerPlan, VirtualRunner, detect, real_pod
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.symmetry import SystematicError, symmetry

LEVELS = (0.0, 0.02, 0.04, 0.06, 0.09, 0.12, 0.15)
RUNNERS = 50
SEED = 4
_SPEEDS_MPS = (2.8, 4.2)
_RUN_S = 50.0  # 60 pairs and more: what the product asks of a session for its bootstrap
_DRAWS = 20
_BOUND_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One simulated runner: which number at which planted index (signed)."""

    level: int
    number: int
    index: float
    system: SystematicError
    seed: int = SEED
    run_s: float = _RUN_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the product said of one runner. `redrawn`: legs so uneven that this style left no flight at this speed."""

    asked: Asked
    symmetry: Symmetry
    true_strides: int
    steps: int
    redrawn: int

    @property
    def covered(self) -> bool | None:
        """Whether the interval holds the planted index; None without an interval."""
        if self.symmetry.low is None or self.symmetry.high is None:
            return None
        return self.symmetry.low <= self.asked.index <= self.symmetry.high


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLevel:
    """Shares of the runners at one planted index, fractions; `covered` is of those who got an interval.

    `wrong_side`: called real or possible on the leg that is not longer. `error_sd`: SD of found minus planted index.
    """

    planted: float
    runners: int
    covered: float
    real: float
    possible: float
    within_noise: float
    refused: float
    wrong_side: float
    error_sd: float
    half_width: float
    pairs: float
    lost: float  # of the true strides, those that became no step


Each = Callable[[Callable[[Asked], Answered], Iterable[Asked]], Iterable[Answered]]


def asked(
    system: SystematicError, *, levels: Sequence[float] = LEVELS, runners: int = RUNNERS, seed: int = SEED
) -> list[Asked]:
    """Every runner at every level, half of them longer on the left."""
    return [
        Asked(level=k, number=n, index=level if n % 2 else -level, system=system, seed=seed)
        for k, level in enumerate(levels)
        for n in range(runners)
    ]


def answer(ask: Asked) -> Answered:
    """Draw the runner, let it run, detect, pair and judge. A pure function of `ask`: for any pool."""
    for draw in range(_DRAWS):
        random = np.random.default_rng([ask.seed, ask.level, ask.number, draw])
        try:
            runner = _runner(ask, random)
        except InputError:  # no flight between the legs
            continue
        steps = steps_of(runner)
        found = symmetry(steps, Measure.STANCE, t_s=runner.duration_s, system=ask.system)
        strides = sum(len(runner.truth(side)) for side in Side)
        return Answered(asked=ask, symmetry=found, true_strides=strides, steps=len(steps), redrawn=draw)
    raise InputError(f"no runner was found who could run with an index of {ask.index:.0%}")


def _runner(ask: Asked, random: np.random.Generator) -> VirtualRunner:
    part = Part(duration_s=ask.run_s, speed_mps=float(random.uniform(*_SPEEDS_MPS)))
    plan = RunnerPlan(parts=(part,), stance_asymmetry=ask.index)
    seed = int(random.integers(2**31))
    stance_s = np.mean([stride.stance_s for stride in VirtualRunner(plan, seed=seed).truth(Side.LEFT)])
    left_s, right_s = random.normal(0.0, ask.system.allowance / math.sqrt(2.0), 2) * float(stance_s)
    sensor = replace(
        real_pod(), system_error=True, stance_error_left_s=float(left_s), stance_error_right_s=float(right_s)
    )
    return VirtualRunner(plan, sensor, seed)


def steps_of(runner: VirtualRunner) -> list[Step]:
    """Both legs through the detector and together, in the runner's own time."""
    strides = [(stride.strike_s, side, stride) for side in Side for stride in detect(runner, side, StrideDetector)]
    pairing, steps = Pairing(), list[Step]()
    for t_s, side, stride in sorted(strides, key=lambda seen: (seen[0], seen[1])):
        steps += pairing.push(side, stride, t_s, _BOUND_S)
    return steps + pairing.flush()


def power(
    system: SystematicError,
    *,
    levels: Sequence[float] = LEVELS,
    runners: int = RUNNERS,
    seed: int = SEED,
    each: Each = map,
) -> list[PowerLevel]:
    """`runners` at each planted index. `each` may be a pool's map; the same seed gives the same answer with any."""
    answers = list(each(answer, asked(system, levels=levels, runners=runners, seed=seed)))
    return [_level(level, [a for a in answers if a.asked.level == k]) for k, level in enumerate(levels)]


def _level(planted: float, answers: Sequence[Answered]) -> PowerLevel:
    said = [a.symmetry for a in answers]
    covered = [a.covered for a in answers if a.covered is not None]
    errors = [a.symmetry.index - a.asked.index for a in answers if a.symmetry.index is not None]
    widths = [(s.high - s.low) / 2.0 for s in said if s.low is not None and s.high is not None]
    called = [a for a in answers if a.symmetry.verdict in (Verdict.REAL, Verdict.POSSIBLE)]
    n = len(answers)

    def share(verdict: Verdict) -> float:
        return sum(s.verdict is verdict for s in said) / n

    return PowerLevel(
        planted=planted,
        runners=n,
        covered=sum(covered) / len(covered) if covered else math.nan,
        real=share(Verdict.REAL),
        possible=share(Verdict.POSSIBLE),
        within_noise=share(Verdict.WITHIN_NOISE),
        refused=share(Verdict.NOT_MEASURABLE),
        wrong_side=sum((a.symmetry.index or 0.0) * a.asked.index < 0.0 for a in called) / n,
        error_sd=float(np.std(errors)) if errors else math.nan,
        half_width=float(np.mean(widths)) if widths else math.nan,
        pairs=float(np.mean([s.n_pairs for s in said])),
        lost=1.0 - sum(a.steps for a in answers) / sum(a.true_strides for a in answers),
    )
