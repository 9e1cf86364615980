"""The study cut into jobs for any pool: train on some trials, test on others."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evenstride_analysis.accuracy import LegMatch, Trial, match_leg
from evenstride_analysis.strides.estimator import Estimator, RulesEstimator
from evenstride_analysis.strides.rules import UNCALIBRATED
from evenstride_analysis.study.distort import PLAIN, Condition, distorted
from evenstride_analysis.study.figures import light
from evenstride_analysis.study.folds import RUNNER, Fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Trials to test under one condition; `kind` and `name` are the fold's."""

    kind: str
    name: str
    condition: Condition
    trials: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One training set (empty: the rules, without constants) and everything that is tested with it."""

    train: tuple[str, ...]
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    learned: bool
    task: Task
    matches: tuple[LegMatch, ...]


def jobs(folds: Sequence[Fold], conditions: Sequence[Condition], names: Sequence[str]) -> list[Job]:
    """Every training set once: the folds' tests, and on runner folds all conditions; the rules on everything too.

    The long ones come first, so that a pool ends evenly.
    """
    tasks: dict[tuple[str, ...], list[Task]] = {}
    for fold in folds:
        of_fold = conditions if fold.kind == RUNNER else [PLAIN]
        for condition in of_fold:
            one = Task(kind=fold.kind, name=fold.name, condition=condition, trials=fold.test)
            tasks.setdefault(fold.train, []).append(one)
    learned = [Job(train=train, tasks=tuple(of_train)) for train, of_train in tasks.items()]
    learned.sort(key=lambda job: (-len(job.tasks), -len(job.train)))
    rules = [
        Job(train=(), tasks=(Task(kind=RUNNER, name="all", condition=condition, trials=tuple(names)),))
        for condition in conditions
    ]
    return learned + rules


def run(job: Job, trials: Mapping[str, Trial], learned: Estimator | None) -> list[Outcome]:
    """Distort, detect and match, with the estimator of the job's training set (None: the rules without constants)."""
    estimator = learned or RulesEstimator(UNCALIBRATED)
    found: list[Outcome] = []
    for task in job.tasks:
        matches = [
            light(match_leg(changed, side, estimator))
            for name in task.trials
            for changed in [under(trials[name], task.condition)]
            for side in changed.legs
        ]
        found.append(Outcome(learned=learned is not None, task=task, matches=tuple(matches)))
    return found


def under(trial: Trial, condition: Condition) -> Trial:
    """The trial under a condition; each leg has noise of its own, the same in every run of the study."""
    if condition == PLAIN:
        return trial
    legs = {
        side: distorted(leg, condition, seed=zlib.crc32(f"{trial.name} {side}".encode()))
        for side, leg in trial.legs.items()
    }
    return replace(trial, legs=legs)
