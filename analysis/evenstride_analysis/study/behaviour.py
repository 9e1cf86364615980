"""What the methods find, as one number: two versions of the code that give the same are the same for this study."""

import hashlib
from collections.abc import Iterable, Sequence

from evenstride_analysis.accuracy import Trial, detect
from evenstride_analysis.model import Stride
from evenstride_analysis.strides.estimator import RulesEstimator
from evenstride_analysis.strides.learned.estimator import LearnedEstimator
from evenstride_analysis.strides.rules import DEFAULT_RULES
from evenstride_analysis.study.distort import Condition
from evenstride_analysis.study.work import under


def behaviour(trials: Sequence[Trial], conditions: Iterable[Condition]) -> str:
    """SHA-256 of every stride that both shipped methods find in these trials under these conditions, to the
    nanosecond.
    """
    whole = hashlib.sha256()
    estimators = LearnedEstimator(), RulesEstimator(DEFAULT_RULES)
    for condition in conditions:
        for trial in trials:
            changed = under(trial, condition)
            for side, leg in changed.legs.items():
                for estimator in estimators:
                    strides = detect(leg, estimator=estimator)
                    said = "\n".join(_said(stride) for stride in strides)
                    whole.update(f"{condition.name} {trial.name} {side} {len(strides)}\n{said}\n".encode())
    return whole.hexdigest()


def _said(stride: Stride) -> str:
    times = (stride.strike_s, stride.toe_off_s, stride.end_s, stride.stance_sd_s, stride.stance_system_sd_s)
    rest = (stride.impact_axial_mps2, stride.impact_mps2, stride.loading_mps3, stride.heading_rad)
    words = [stride.method, stride.gait.value, "|".join(sorted(stride.doubt.names))]
    words += ["-" if value is None else f"{value:.9f}" for value in times]
    words += ["-" if value is None else f"{value:.6g}" for value in rest]
    return " ".join(words)
