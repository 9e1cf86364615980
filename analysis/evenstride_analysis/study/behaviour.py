"""What the methods learn and find, as one number: to this study two versions of the code that give the same are the
same.
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from evenstride_analysis.accuracy import Trial, detect
from evenstride_analysis.model import Stride
from evenstride_analysis.strides.estimator import RulesEstimator
from evenstride_analysis.strides.learned.estimator import LearnedEstimator
from evenstride_analysis.strides.rules import DEFAULT_RULES
from evenstride_analysis.study.distort import Condition
from evenstride_analysis.study.folds import RUNNER, Fold
from evenstride_analysis.study.teach import Teacher
from evenstride_analysis.study.work import under
from evenstride_analysis.training.uncertainty import fit_both


def learned(trials: Sequence[Trial]) -> str:
    """SHA-256 of the networks that these trials teach, each runner left out once, of their errors on that runner, and
    of the uncertainty that follows.
    """
    teacher = Teacher({trial.name: trial for trial in trials})
    runners = sorted({trial.runner for trial in trials})
    alone = [
        Fold(
            kind=RUNNER,
            name=runner,
            train=tuple(trial.name for trial in trials if trial.runner != runner),
            test=tuple(trial.name for trial in trials if trial.runner == runner),
        )
        for runner in runners
    ]
    nets = [teacher.nets(fold.train) for fold in alone]
    errors = [teacher.meet(fold, taught) for fold, taught in zip(alone, nets, strict=True)]
    values = [part for taught in nets for name in sorted(taught) for part in taught[name]]
    values += [np.array(coefficients) for coefficients in fit_both(errors, runners)]
    values += [part.errors_s for part in errors]
    return hashlib.sha256(b"".join(np.ascontiguousarray(value, dtype="<f8").tobytes() for value in values)).hexdigest()


def found(trials: Sequence[Trial], conditions: Iterable[Condition]) -> str:
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
