"""A detector against the virtual runner: what it finds beside what was planted."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from evenstride_analysis.model import FloatArray, Gait, Gap, SampleBlock, Side, Stride
from evenstride_analysis.simulate.plan import SensorPlan, TrueStride
from evenstride_analysis.simulate.presets import Scenario, even
from evenstride_analysis.simulate.runner import VirtualRunner

_REACH_S = 0.25  # an event farther from every true one is false
_AFTER_S = 3.0  # standing at the end, so that the last stride's window is whole


class Detector(Protocol):
    def push(self, item: SampleBlock | Gap) -> list[Stride]: ...
    def flush(self) -> list[Stride]: ...


class DetectorFactory(Protocol):
    """`StrideDetector` itself is one."""

    def __call__(
        self,
        *,
        pod_id: str,
        rate_hz: float,
        accel_range_mps2: float | None,
        gyro_range_radps: float | None,
        rotation: Sequence[float],
    ) -> Detector: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LegScore:
    """One leg of one run. Errors (n,) are found minus planted, of the strides that were found."""

    side: Side
    planted: int
    missed: int
    false: int
    stance_true_s: FloatArray
    stance_error_s: FloatArray
    strike_error_s: FloatArray
    impact_error_mps2: FloatArray

    @property
    def stance_bias_s(self) -> float:
        return float(self.stance_error_s.mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class RunScore:
    seed: int
    legs: dict[Side, LegScore]

    @property
    def si_true(self) -> float:
        return _index(*(float(self.legs[side].stance_true_s.mean()) for side in Side))

    @property
    def si_error(self) -> float:
        """Symmetry index found minus planted, a fraction, from the means of both legs."""
        found = (float((leg.stance_true_s + leg.stance_error_s).mean()) for leg in (self.legs[s] for s in Side))
        return _index(*found) - self.si_true


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedAccuracy:
    """All runs together, the figures that are also stated for real recordings (signals.md 3.2)."""

    runs: tuple[RunScore, ...]
    strides: int
    missed: int
    false: int
    stance_rmse_s: float
    stance_bias_s: float
    leg_mean_sd_s: float
    worst_leg_bias_s: float
    si_error_sd: float
    worst_si_error: float


def _index(left: float, right: float) -> float:
    return (left - right) / (0.5 * (left + right))


def detect(runner: VirtualRunner, side: Side, factory: DetectorFactory, *, block: int = 64) -> list[Stride]:
    """The strides of one leg: the runner's samples pushed in blocks, each stamped at its first sample."""
    plan: SensorPlan = runner.sensor
    detector = factory(
        pod_id=f"virtual-{side}",
        rate_hz=plan.rate_hz,
        accel_range_mps2=plan.accel_range_mps2,
        gyro_range_radps=plan.gyro_range_radps,
        rotation=runner.rotation(side),
    )
    found: list[Stride] = []
    for first in range(0, int((runner.duration_s + _AFTER_S) / runner.period_s), block):
        accel, gyro = runner.signals(side, first, block)
        found += detector.push(
            SampleBlock(
                pod_id=f"virtual-{side}",
                boot_id=1,
                first_index=first,
                stamp_index=np.array([first], np.int64),
                stamp_s=np.array([first * runner.period_s]),
                accel_mps2=accel,
                gyro_radps=gyro,
            )
        )
    return found + detector.flush()


def score_leg(side: Side, truth: Sequence[TrueStride], found: Sequence[Stride]) -> LegScore:
    """Each settled true stride against the nearest found one within 250 ms; doubted strides take part.

    A found stride is false when no true contact, settled or not, lies within 250 ms.
    """
    scored = [stride for stride in truth if stride.settled]
    strikes = np.array([stride.strike_s for stride in found])
    pairs: list[tuple[TrueStride, Stride]] = []
    for stride in scored:
        if len(strikes):
            nearest = int(np.argmin(np.abs(strikes - stride.strike_s)))
            if abs(float(strikes[nearest]) - stride.strike_s) <= _REACH_S:
                pairs.append((stride, found[nearest]))
    contacts = np.array([stride.strike_s for stride in truth] + [stride.end_s for stride in truth])
    false = sum(bool(np.min(np.abs(contacts - t), initial=math.inf) > _REACH_S) for t in strikes)
    return LegScore(
        side=side,
        planted=len(scored),
        missed=len(scored) - len({id(stride) for _, stride in pairs}),
        false=false,
        stance_true_s=np.array([a.stance_s for a, _ in pairs]),
        stance_error_s=np.array([b.stance_s - a.stance_s for a, b in pairs]),
        strike_error_s=np.array([b.strike_s - a.strike_s for a, b in pairs]),
        impact_error_mps2=np.array(
            [
                b.impact_axial_mps2 - a.impact_axial_mps2
                for a, b in pairs
                if a.gait is Gait.RUN and a.impact_axial_mps2 is not None and b.impact_axial_mps2 is not None
            ]
        ),
    )


def score_run(runner: VirtualRunner, factory: DetectorFactory) -> RunScore:
    """Both legs of one run."""
    legs = {side: score_leg(side, runner.truth(side), detect(runner, side, factory)) for side in Side}
    return RunScore(seed=runner.seed, legs=legs)


def simulated_accuracy(
    seeds: Iterable[int],
    factory: DetectorFactory,
    *,
    scenario: Scenario | None = None,
    system_error: bool = False,
) -> SimulatedAccuracy:
    """Run every seed (its own style, noise and, where wanted, system error) and put the errors together.

    Without a scenario: 90 s at 3 m/s. Raises ValueError without a seed.
    """
    chosen = scenario or even()
    runs = tuple(score_run(chosen.runner(seed, system_error=system_error), factory) for seed in seeds)
    if not runs:
        raise ValueError("no seed, so nothing was run")
    legs = [leg for run in runs for leg in run.legs.values()]
    errors = np.concatenate([leg.stance_error_s for leg in legs])
    biases = np.array([leg.stance_bias_s for leg in legs])
    si_errors = np.array([run.si_error for run in runs])
    return SimulatedAccuracy(
        runs=runs,
        strides=sum(leg.planted for leg in legs),
        missed=sum(leg.missed for leg in legs),
        false=sum(leg.false for leg in legs),
        stance_rmse_s=float(np.sqrt(np.mean(errors**2))),
        stance_bias_s=float(errors.mean()),
        leg_mean_sd_s=float(biases.std()),
        worst_leg_bias_s=float(np.max(np.abs(biases))),
        si_error_sd=float(si_errors.std()),
        worst_si_error=float(np.max(np.abs(si_errors))),
    )
