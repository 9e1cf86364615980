"""How good the provisional stances of the live page are, and how soon they are there, on runners left out."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evenstride_analysis.accuracy import MATCH_S, Leg, Trial
from evenstride_analysis.model import FloatArray, ProvisionalStride, SampleBlock
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.strides.learned.estimator import LearnedEstimator
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE, LearnedTable
from evenstride_analysis.strides.provisional import LiveMethod
from evenstride_analysis.study.figures import rms
from evenstride_analysis.study.result import Provisional
from evenstride_analysis.study.teach import Nets, legs_of
from evenstride_analysis.training.networks import EVERY_PLAN, LIVE_PLANS, Examples, all_examples, fit_all

_BLOCK = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Early:
    """One leg's provisional stances: error of each against the reference, and the signal after the true toe-off that it
    took, (n,) s. `missing` reference stances got none, `false` ones belong to none.
    """

    errors_s: FloatArray
    late_s: FloatArray
    missing: int
    false: int


class LiveTeacher:
    """Trains the live networks on parts of the same trials, as `evenstride train` does on all."""

    def __init__(self, trials: Iterable[Trial], *, seed: int = 0) -> None:
        self._trials, self._seed = tuple(trials), seed
        self._examples: dict[str, Examples] | None = None

    def nets(self, runners: Collection[str]) -> Nets:
        """The live networks that these runners teach, at all speeds."""
        if self._examples is None:
            legs = [leg for trial in self._trials for leg in legs_of(trial)]
            rows = all_examples(legs, self._seed, EVERY_PLAN)
            self._examples = {name: rows[name] for name in LIVE_PLANS}
        return fit_all(self._examples, sorted(runners), self._seed)


def early_of(trial: Trial, nets: Nets) -> list[Early]:
    """Both legs of a trial by these networks, the live ones among them. Raises InputError where those are missing."""
    table = replace(DEFAULT_TABLE, nets=nets)
    return [_matched(trial, leg, provisional_of(leg, table)) for leg in trial.legs.values()]


def provisional_of(leg: Leg, table: LearnedTable) -> list[ProvisionalStride]:
    """What the live page would have shown of a recorded leg; times count from its first sample."""
    detector = StrideDetector(
        pod_id="pod", rate_hz=leg.rate_hz, estimator=LearnedEstimator(table), live=LiveMethod(table)
    )
    for start in range(0, len(leg.accel_mps2), _BLOCK):
        accel = leg.accel_mps2[start : start + _BLOCK]
        index = np.arange(start, start + len(accel))
        detector.push(
            SampleBlock(
                pod_id="pod",
                boot_id=1,
                first_index=start,
                stamp_index=index,
                stamp_s=index / leg.rate_hz,
                accel_mps2=accel,
                gyro_radps=leg.gyro_radps[start : start + _BLOCK],
            )
        )
    return detector.provisional()


def _matched(trial: Trial, leg: Leg, found: Sequence[ProvisionalStride]) -> Early:
    """Each counted reference stance with the nearest contact in 250 ms, as `accuracy.match_leg` does."""
    strikes = np.array([one.strike_s for one in found])
    errors: list[float] = []
    late: list[float] = []
    claimed: set[int] = set()
    missing = 0
    for contact_s, toe_off_s in zip(leg.ic_s.tolist(), leg.tc_s.tolist(), strict=True):
        distance = np.abs(strikes - contact_s)
        k = int(np.argmin(distance)) if len(distance) else -1
        near = k >= 0 and float(distance[k]) <= MATCH_S
        if near:
            claimed.add(k)
        if not (contact_s > trial.from_s and toe_off_s < trial.to_s):
            continue
        if not near:
            missing += 1
            continue
        errors.append(found[k].stance_s - (toe_off_s - contact_s))
        late.append(found[k].decided_s - toe_off_s)
    inside = {k for k, one in enumerate(found) if one.strike_s > trial.from_s and one.toe_off_s < trial.to_s}
    return Early(errors_s=np.array(errors), late_s=np.array(late), missing=missing, false=len(inside - claimed))


def provisional_errors(found: Sequence[Early]) -> Provisional:
    """All legs together. Raises ValueError where no stance was found at all."""
    errors_s, late_s = (np.concatenate([getattr(one, name) for one in found]) for name in ("errors_s", "late_s"))
    if len(errors_s) == 0:
        raise ValueError("no provisional stance to judge")
    median_s, p95_s = np.percentile(late_s, (50.0, 95.0))
    missing = sum(one.missing for one in found)
    return Provisional(
        stances=len(errors_s),
        rmse_s=rms(errors_s),
        bias_s=float(errors_s.mean()),
        missing_share=missing / (len(errors_s) + missing),
        latency_median_s=float(median_s),
        latency_p95_s=float(p95_s),
    )
