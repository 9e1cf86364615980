"""Trials -> the estimator they give, by the same steps as `evenstride train`, cut so that 100 folds are affordable."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from evenstride_analysis.accuracy import Trial
from evenstride_analysis.strides.learned.estimator import LearnedEstimator
from evenstride_analysis.strides.learned.nets import Net
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE
from evenstride_analysis.study.folds import Fold
from evenstride_analysis.training.left_out import Fold as Calibration
from evenstride_analysis.training.left_out import LeftOut, met
from evenstride_analysis.training.legs import Leg, Taught, lesson
from evenstride_analysis.training.networks import Examples, all_examples, fit_all
from evenstride_analysis.training.uncertainty import fit_both

Nets = dict[str, Net]


def legs_of(trial: Trial) -> list[Leg]:
    """Both legs as training takes them."""
    return [
        Leg(
            run=trial.runner,
            trial=trial.name,
            side=side,
            speed_mps=trial.speed_mps,
            rate_hz=leg.rate_hz,
            accel_mps2=leg.accel_mps2,
            gyro_radps=leg.gyro_radps,
            contact_s=leg.ic_s,
            toe_off_s=leg.tc_s,
            span_s=(trial.from_s, trial.to_s),
        )
        for side, leg in trial.legs.items()
    ]


class Teacher:
    """Trains on parts of the same trials. The examples of a leg are made once (that is the expensive part) and serve
    every fold that may know the leg; its changed copies are drawn from the leg alone, so nothing crosses over.
    """

    def __init__(self, trials: Mapping[str, Trial], *, seed: int = 0) -> None:
        self._trials, self._seed = trials, seed
        self._examples: dict[frozenset[float], dict[str, Examples]] = {}
        self._strides: list[Taught] | None = None

    def nets(self, train: Collection[str]) -> Nets:
        """The networks that these trials (names) teach: whole runners, at all speeds or some."""
        chosen = [self._trials[name] for name in train]
        rows = self._rows(frozenset(trial.speed_mps for trial in chosen))
        return fit_all(rows, sorted({trial.runner for trial in chosen}), self._seed)

    def meet(self, fold: Fold, nets: Nets) -> LeftOut:
        """The errors on the fold's tested runners of networks that were trained without them."""
        runners = Calibration(kind=fold.kind, train=_runners(fold.train), test=_runners(fold.test))
        return met(runners, nets, self._all_strides())

    def _all_strides(self) -> list[Taught]:
        if self._strides is None:
            legs = [leg for trial in self._trials.values() for leg in legs_of(trial)]
            self._strides = [taught for leg in legs for taught in lesson(leg).strides]
        return self._strides

    def _rows(self, speeds: frozenset[float]) -> dict[str, Examples]:
        if speeds not in self._examples:
            legs = [leg for trial in self._trials.values() if trial.speed_mps in speeds for leg in legs_of(trial)]
            self._examples[speeds] = all_examples(legs, self._seed)
        return self._examples[speeds]


def estimator(nets: Nets, train: Collection[str], errors: Sequence[LeftOut]) -> LearnedEstimator:
    """The estimator of these networks; its uncertainty is fitted to the errors of the training trials alone."""
    known = [part for part in (_only(part, train) for part in errors) if len(part.errors_s)]
    stride, system = fit_both(known, _runners(train))
    return LearnedEstimator(replace(DEFAULT_TABLE, nets=nets, stride_variance=stride, system_variance=system))


def _runners(names: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted({name.partition("_T")[0] for name in names}))


def _only(part: LeftOut, trials: Collection[str]) -> LeftOut:
    """The errors on these trials."""
    chosen = np.isin(part.trials, sorted(trials))
    return replace(
        part,
        runs=part.runs[chosen],
        trials=part.trials[chosen],
        sides=part.sides[chosen],
        errors_s=part.errors_s[chosen],
        stances_s=part.stances_s[chosen],
        checks_s=part.checks_s[chosen],
    )
