"""What the jobs found -> the tables of the document."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median

import numpy as np

from evenstride_analysis.accuracy import LegMatch, Trial, detect, match_leg
from evenstride_analysis.model import Doubt, Gait
from evenstride_analysis.strides.estimator import Estimator
from evenstride_analysis.study.distort import PLAIN, Condition
from evenstride_analysis.study.figures import Coverage, Figures, agreement, coverage, figures, rms, with_constants
from evenstride_analysis.study.folds import KINDS, RUNNER, Fold
from evenstride_analysis.study.result import CurvePoint, Distortion, Elsewhere, LegPoint, Walking
from evenstride_analysis.study.work import Outcome

LEARNED, RULES = "learned", "rules"
_WITHIN = 2  # strides a leg needs for an SD within it


class Results:
    """Everything the jobs found, ready to be asked: by method, kind of fold and condition."""

    def __init__(self, tested: Iterable[Outcome], folds: Sequence[Fold]) -> None:
        self._folds = folds
        self._learned: dict[tuple[str, str, Condition], list[LegMatch]] = {}
        self._rules: dict[tuple[Condition, str], list[LegMatch]] = {}
        for one in tested:
            if one.learned:
                self._learned[one.task.kind, one.task.name, one.task.condition] = list(one.matches)
            else:
                for match in one.matches:
                    self._rules.setdefault((one.task.condition, match.trial.name), []).append(match)

    def learned(self, kind: str, condition: Condition = PLAIN) -> list[list[LegMatch]]:
        """Matches of every fold of this kind."""
        of_kind = [fold for fold in self._folds if fold.kind == kind]
        return [self._learned[kind, fold.name, condition] for fold in of_kind]

    def rules(self, kind: str, condition: Condition = PLAIN) -> list[list[LegMatch]]:
        """The same of the rules; their constants come from the fold's training trials as recorded."""
        found: list[list[LegMatch]] = []
        for fold in self._folds:
            if fold.kind == kind:
                train = [match for name in fold.train for match in self._rules[PLAIN, name]]
                tested = [match for name in fold.test for match in self._rules[condition, name]]
                found.append(with_constants(tested, train))
        return found

    def kinds(self) -> list[str]:
        """Kinds of folds that were run, the document's order."""
        there = {kind for kind, _, _ in self._learned}
        return [kind for kind in KINDS if kind in there]

    def curve_sizes(self) -> dict[int, str]:
        """Number of training runners -> the kind of its folds."""
        named = {fold.kind for fold in self._folds if fold.kind.endswith(" runners")}
        return {int(kind.partition(" ")[0]): kind for kind in sorted(named, key=lambda k: int(k.partition(" ")[0]))}


def all_figures(results: Results) -> dict[str, dict[str, Figures]]:
    """By method and kind of fold."""
    asked: dict[str, Callable[[str], list[list[LegMatch]]]] = {LEARNED: results.learned, RULES: results.rules}
    return {method: {kind: figures(ask(kind)) for kind in results.kinds()} for method, ask in asked.items()}


def all_coverage(results: Results) -> dict[str, Coverage]:
    """By kind of fold, the learned method's own intervals."""
    return {kind: coverage([match for group in results.learned(kind) for match in group]) for kind in results.kinds()}


def leg_points(results: Results) -> list[LegPoint]:
    """Every leg of every run, its runner left out."""
    rules = {(m.trial.name, m.side): m for group in results.rules(RUNNER) for m in group}
    points: list[LegPoint] = []
    for match in (match for group in results.learned(RUNNER) for match in group):
        by_rules = rules[match.trial.name, match.side]
        system_sd_s = float(np.median(match.system_sd_s))
        points.append(
            LegPoint(
                trial=match.trial.name,
                side=match.side.value,
                speed_mps=match.trial.speed_mps,
                reference_s=float(match.stance_s.mean()),
                learned_s=float((match.stance_s + match.stance_error_s).mean()),
                rules_s=float(by_rules.stance_s.mean() + by_rules.stance_error_s.mean()),
                system_sd_s=None if np.isnan(system_sd_s) else system_sd_s,
            )
        )
    return points


def distortions(results: Results, conditions: Sequence[Condition]) -> list[Distortion]:
    """One row for each condition."""
    rows: list[Distortion] = []
    for condition in conditions:
        learned, rules = results.learned(RUNNER, condition), results.rules(RUNNER, condition)
        mine = figures(learned)
        rows.append(
            Distortion(
                group=condition.group,
                name=condition.name,
                learned=mine.overall,
                rules=agreement(rules),
                worst_runner_rmse_s=mine.worst_runner_rmse_s,
                wrong_share=mine.wrong_share,
                doubted_share=mine.doubted / mine.overall.stances,
                stride_68=coverage([match for group in learned for match in group]).stride_68,
            )
        )
    return rows


def learning_curve(results: Results) -> list[CurvePoint]:
    """By number of training runners; the last point is the runner-left-out fold."""
    kinds = results.curve_sizes()
    points = [_curve_point(size, results.learned(kind)) for size, kind in kinds.items()]
    whole = results.learned(RUNNER)
    return [*points, _curve_point(len(whole) - 1, whole, draws=1)]


def _curve_point(runners: int, groups: list[list[LegMatch]], draws: int | None = None) -> CurvePoint:
    together = figures(groups)
    each = [rms(np.concatenate([match.stance_error_s for match in group])) for group in groups]
    whole = draws is not None  # every runner is tested once: the range over folds would be one over runners
    return CurvePoint(
        runners=runners,
        draws=len(groups) if draws is None else draws,
        rmse_s=together.overall.rmse_s,
        rmse_low_s=together.overall.rmse_s if whole else min(each),
        rmse_high_s=together.overall.rmse_s if whole else max(each),
        worst_runner_rmse_s=together.worst_runner_rmse_s,
        si_error_sd=together.overall.si_error_sd,
    )


def elsewhere(source: str, method: str, trial: Trial, estimator: Estimator | None) -> list[Elsewhere]:
    """Each leg of a recording from another laboratory; None = the rules without constants."""
    rows: list[Elsewhere] = []
    for side in trial.legs:
        match = match_leg(trial, side, estimator)
        rows.append(
            Elsewhere(
                source=source,
                leg=side.value,
                method=method,
                stances=len(match.stance_s),
                missed=match.missed,
                contact_bias_s=float(match.ic_error_s.mean()),
                toe_off_bias_s=float(match.tc_error_s.mean()),
                stance_bias_s=float(match.stance_error_s.mean()),
                within_sd_s=float(match.stance_error_s.std(ddof=1)) if len(match.stance_s) >= _WITHIN else 0.0,
                stated_sd_s=median(match.sd_s.tolist()),
                doubted=int(np.count_nonzero(match.clean < 0.5)),
            )
        )
    return rows


def walking(name: str, trial: Trial, estimator: Estimator | None) -> Walking:
    """Every stride of a walk, both legs."""
    strides = [stride for side in trial.legs for stride in detect(trial.legs[side], estimator=estimator)]
    runs = [stride for stride in strides if stride.gait is Gait.RUN]
    return Walking(
        name=name,
        strides=len(strides),
        walking=len(strides) - len(runs),
        doubted_running=sum(stride.doubt != Doubt(0) for stride in runs),
    )
