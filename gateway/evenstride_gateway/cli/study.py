"""The accuracy study on this machine: reads the recordings and spreads the work over processes."""

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, Self, TypeVar

import numpy as np

from evenstride_analysis.accuracy import match_leg
from evenstride_analysis.model import Measure
from evenstride_analysis.simulate.score import simulated_accuracy
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.strides.estimator import RulesEstimator
from evenstride_analysis.strides.learned.estimator import LearnedEstimator
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE
from evenstride_analysis.strides.rules import DEFAULT_RULES
from evenstride_analysis.study import behaviour
from evenstride_analysis.study.assemble import (
    Results,
    all_coverage,
    all_figures,
    distortions,
    elsewhere,
    learning_curve,
    leg_points,
    walking,
)
from evenstride_analysis.study.baselines import baselines_markdown, simulate_baselines
from evenstride_analysis.study.coverage_of_symmetry import coverage
from evenstride_analysis.study.distort import conditions
from evenstride_analysis.study.figures import rms
from evenstride_analysis.study.folds import ALIKE_5, ALIKE_8, ANY_6, KINDS, RUNNER, STYLE, Fold, curve_folds, folds
from evenstride_analysis.study.impact import clipped_index, impact_markdown, shock_rows, virtual_rows
from evenstride_analysis.study.power import LEVELS, RUNNERS, Answered, PowerLevel, answer, asked, power
from evenstride_analysis.study.provisional import Early, LiveTeacher, early_of, provisional_errors
from evenstride_analysis.study.result import Elsewhere, PlantedLevel, Section, Simulated, StatedSystem, Study, Walking
from evenstride_analysis.study.teach import Nets, Teacher, estimator, legs_of
from evenstride_analysis.study.turns import Read, courses, read, turns_markdown
from evenstride_analysis.study.variants import LegRun, leg_runs, tried
from evenstride_analysis.study.work import Job, Outcome, jobs, run
from evenstride_analysis.symmetry import system_of
from evenstride_analysis.training.left_out import LeftOut
from evenstride_analysis.training.legs import lesson
from evenstride_gateway.cli.inputs import code_of_behaviour, inputs, stamps
from evenstride_gateway.cli.kept import NOTHING, Kept, name_of
from evenstride_gateway.tables.references import WALKS, read_jdx, read_mean_stride, read_walk
from evenstride_gateway.tables.trials import read_trials

P = ParamSpec("P")
T = TypeVar("T")
Progress = Callable[[int, int], None]
Question = tuple[object, ...]
Names = tuple[str, ...]
RECHECKED = ("RBDS001", "RBDS018", "RBDS04")  # runners whom the staleness check trains without, again
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_REST = 10 + len(LEVELS) * RUNNERS + len(courses())  # the last part: other laboratories, simulations
_PLANTED = {"strides drawn, legs alike": 0.0, "strides drawn, legs unequally sure": 0.2}
_CALIBRATING = (RUNNER, STYLE, ALIKE_8, ANY_6, ALIKE_5)  # their errors are what the stated uncertainty is fitted to
_CURVE_SIZES, _CURVE_DRAWS = (2, 4, 6, 9, 12), 6
_SEEDS = range(1, 25)


class _Worker:
    """One process of the pool: its recordings, and the examples that it has made of them."""

    def __init__(self, folder: Path) -> None:
        self.trials = {trial.name: trial for trial in read_trials(folder / "rbds")}
        self.teacher = Teacher(self.trials)
        self.live_teacher = LiveTeacher(self.trials.values())


_worker: _Worker | None = None


def _start(folder: Path) -> None:
    global _worker  # noqa: PLW0603 - a pool has no other place for what its processes keep
    _worker = _Worker(folder)


def _mine() -> _Worker:
    if _worker is None:
        raise RuntimeError("this process is no worker of the study")
    return _worker


def _train(trains: Sequence[Names], met: Mapping[Names, Sequence[Fold]]) -> dict[Names, tuple[Nets, list[LeftOut]]]:
    """Networks of each training set, and their errors in the folds that `met` names for it."""
    teacher = _mine().teacher
    taught = {train: teacher.nets(train) for train in trains}
    return {train: (nets, [teacher.meet(fold, nets) for fold in met.get(train, ())]) for train, nets in taught.items()}


def _test(job: Job, nets: Nets | None, errors: Sequence[LeftOut]) -> list[Outcome]:
    learned = None if nets is None else estimator(nets, job.train, errors)
    return run(job, _mine().trials, learned)


def _vary(fold: Fold, nets: Nets) -> list[LegRun]:
    legs = [leg for name in fold.test for leg in legs_of(_mine().trials[name])]
    return leg_runs([taught for leg in legs for taught in lesson(leg).strides], nets)


def _early(fold: Fold, nets: Nets) -> list[Early]:
    mine = _mine()
    live = mine.live_teacher.nets({mine.trials[name].runner for name in fold.train})
    return [early for name in fold.test for early in early_of(mine.trials[name], nets | live)]


def _behaviour() -> tuple[str, str]:
    some = [trial for trial in _mine().trials.values() if trial.runner in RECHECKED]
    return behaviour.learned(some), behaviour.found(some, conditions())


def _virtual(name: str, method: str, system_error: bool) -> Simulated:
    how = LearnedEstimator() if method == DEFAULT_TABLE.method else RulesEstimator(DEFAULT_RULES)
    found = simulated_accuracy(_SEEDS, partial(StrideDetector, estimator=how), system_error=system_error)
    return Simulated(
        name=name,
        method=method,
        runs=len(found.runs),
        strides=found.strides,
        stance_rmse_s=found.stance_rmse_s,
        stance_bias_s=found.stance_bias_s,
        worst_leg_bias_s=found.worst_leg_bias_s,
        si_error_sd=found.si_error_sd,
        missed=found.missed,
        false=found.false,
    )


def _others(folder: Path) -> list[Elsewhere]:
    jdx, mean = read_jdx(folder / "jdx_run"), read_mean_stride(folder / "biomac_mean_stride")
    methods = ((DEFAULT_TABLE.method, LearnedEstimator()), (DEFAULT_RULES.method, RulesEstimator(DEFAULT_RULES)))
    return [
        row
        for source, trial in (("JDX, 240 Hz", jdx), ("BioMAC mean stride", mean))
        for method, how in methods
        for row in elsewhere(source, method, trial, how)
    ]


def _walks(folder: Path) -> list[Walking]:
    return [walking(name, read_walk(folder / "tripod_walk", name), LearnedEstimator()) for name in WALKS]


def _drawn(source: str, unequal_legs: float) -> list[PlantedLevel]:
    levels = coverage(system_of(), method=DEFAULT_TABLE.method, unequal_legs=unequal_legs)
    return [
        PlantedLevel(
            source=source,
            planted=level.planted,
            runners=level.runners,
            covered=level.covered,
            covered_short=level.covered_short,
            covered_long=level.covered_long,
            real=level.real,
            possible=level.possible,
            refused=level.refused,
            wrong_side=level.wrong_side,
            half_width=level.half_width,
        )
        for level in levels
    ]


def _detected(levels: Sequence[PowerLevel]) -> list[PlantedLevel]:
    return [
        PlantedLevel(
            source="through the detector",
            planted=level.planted,
            runners=level.runners,
            covered=level.covered,
            covered_short=None,
            covered_long=level.covered,
            real=level.real,
            possible=level.possible,
            refused=level.refused,
            wrong_side=level.wrong_side,
            half_width=level.half_width,
        )
        for level in levels
    ]


def _impact() -> Section:
    clipping = [clipped_index(range_g=range_g) for range_g in (16.0, 32.0)]
    return Section(
        title="Impact: the path on shocks of known size", text=impact_markdown(shock_rows(), clipping, virtual_rows())
    )


def _baselines() -> Section:
    system = system_of()
    text = baselines_markdown(simulate_baselines(system=system), system)
    return Section(title="A runner's own normal: what the band holds", text=text)


def _stated() -> StatedSystem:
    system, method = system_of(), DEFAULT_TABLE.method
    return StatedSystem(
        estimator=system.estimator_of(method),
        allowance=system.allowance,
        together=system.total(Measure.STANCE, method),
    )


class Pool:
    """Processes of one thread each. Results come in the order of the tasks, whatever finishes first; those that are
    kept from an earlier study are not made again.
    """

    def __init__(self, folder: Path, workers: int, tell: Progress, kept: Kept) -> None:
        for name in _THREADS:  # before the workers import numpy: two of them share two cores
            os.environ.setdefault(name, "1")
        self._executor = ProcessPoolExecutor(workers, get_context("spawn"), _start, (folder,))
        self._tell, self._done, self.total = tell, 0, 0
        self._kept = kept
        self._open: dict[Future[Any], str | None] = {}  # not counted yet; the name to keep the answer under

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._executor.shutdown(cancel_futures=True)

    def results(self, futures: Iterable[Future[T]]) -> list[T]:
        """What they give. Whatever else ends meanwhile is kept and counted too."""
        waiting = list(futures)
        left: set[Future[Any]] = set(waiting)
        for future in as_completed([*waiting, *self._open]):
            if future in self._open:
                found, name = future.result(), self._open.pop(future)
                if name is not None:
                    self._kept.put(name, found)
                self._done += 1
                self._tell(self._done, self.total)
            left.discard(future)
            if not left:
                break
        return [future.result() for future in waiting]

    def submit(self, question: Question, call: Callable[P, T], *args: P.args, **named: P.kwargs) -> Future[T]:
        """`question` is all that the answer follows from, as `repr` writes it."""
        name = name_of(call.__name__, *question)
        known = self._kept.get(name)
        if known is not NOTHING:
            done: Future[T] = Future()
            done.set_result(known)
            self._open[done] = None
            return done
        future = self._executor.submit(call, *args, **named)
        self._open[future] = name
        return future


def _lessons(trains: Iterable[Names]) -> list[list[Names]]:
    """Trainings at a part of the speeds go to one process together: their examples are made once."""
    found: dict[str, list[Names]] = {}
    for train in trains:
        speeds = {name.partition("_T")[2] for name in train}
        found.setdefault("/".join(train if len(speeds) > 2 else sorted(speeds)), []).append(train)
    return sorted(found.values(), key=len, reverse=True)


class _Rest(NamedTuple):
    """What needs no training, asked for."""

    others: list[Future[list[Elsewhere]]]
    walks: list[Future[list[Walking]]]
    virtual: list[Future[Simulated]]
    planted: list[Future[list[PlantedLevel]]]
    ground: list[Future[Read]]
    sections: list[Future[Section]]
    runners: list[Future[Answered]]


def _ask_rest(pool: Pool, of: Mapping[str, str], folder: Path) -> _Rest:
    return _Rest(
        others=[pool.submit((of["elsewhere"],), _others, folder)],
        walks=[pool.submit((of["elsewhere"],), _walks, folder)],
        virtual=[
            pool.submit((of["virtual"], name, method, on), _virtual, name, method, on)
            for name, on in (("system error off", False), ("system error on", True))
            for method in (DEFAULT_TABLE.method, DEFAULT_RULES.method)
        ],
        planted=[
            pool.submit((of["drawn"], source, spread), _drawn, source, spread) for source, spread in _PLANTED.items()
        ],
        ground=[pool.submit((of["turns"], course), read, course) for course in courses()],
        sections=[pool.submit((of["impact"],), _impact), pool.submit((of["baselines"],), _baselines)],
        runners=[pool.submit((of["detected"], item), answer, item) for item in asked(system_of())],
    )


def measure(
    folder: Path, *, workers: int, tell: Progress, kinds: Collection[str] = KINDS, keep: Path | None = None
) -> Study:
    """The whole study on the recordings under `folder`, or some kinds of folds of it (RUNNER must be one).

    Parts that are done are put into the folder `keep`, and taken from there where nothing they follow from has changed.
    """
    made_from = inputs(folder)  # before the work: what is changed meanwhile did not make these figures
    trials = read_trials(folder / "rbds")
    chosen = [fold for fold in folds(trials) if fold.kind in kinds]
    if set(kinds) == set(KINDS):
        chosen += curve_folds(trials, _CURVE_SIZES, _CURVE_DRAWS)
    everything = conditions()
    planned = jobs(chosen, everything, [trial.name for trial in trials])
    lessons = _lessons([job.train for job in planned if job.train])
    met: dict[Names, list[Fold]] = {}
    for fold in chosen:
        if fold.kind in _CALIBRATING:
            met.setdefault(fold.train, []).append(fold)
    with Pool(folder, workers, tell, Kept(keep)) as pool:
        pool.total = 1 + len(lessons) + len(planned) + _REST
        same = pool.results([pool.submit((code_of_behaviour(made_from),), _behaviour)])[0]
        of = stamps(made_from, *same)
        nets: dict[Names, Nets] = {}
        errors: list[LeftOut] = []
        teaching = [pool.submit((of["lessons"], lesson, met), _train, lesson, met) for lesson in lessons]
        rest = _ask_rest(pool, of, folder)  # behind the lessons in the queue: no process waits for another's answer
        for taught in pool.results(teaching):
            nets |= {train: made for train, (made, _) in taught.items()}
            errors += [part for _, parts in taught.values() for part in parts]
        testing = [
            pool.submit((of["tests"], job, sorted(met)), _test, job, nets.get(job.train), errors if job.train else [])
            for job in planned
        ]
        alone = [fold for fold in chosen if fold.kind == RUNNER]
        early = [pool.submit((of["early"], fold), _early, fold, nets[fold.train]) for fold in alone]
        varied = [
            [pool.submit((of["variants"], fold), _vary, fold, nets[fold.train]) for fold in chosen if fold.kind == kind]
            for kind in (RUNNER, STYLE)
        ]
        pool.total += len(alone) + sum(map(len, varied))
        tested, provisional = pool.results(testing), pool.results(early)
        by_runner, by_style = (pool.results(some) for some in varied)
        others, walks = pool.results(rest.others)[0], pool.results(rest.walks)[0]
        virtual, planted = pool.results(rest.virtual), pool.results(rest.planted)
        ground, sections = pool.results(rest.ground), pool.results(rest.sections)
        detected = power(system_of(), each=lambda _call, _items: pool.results(rest.runners))
    results = Results([one for part in tested for one in part], chosen)
    return Study(
        method=DEFAULT_TABLE.method,
        inputs=made_from,
        figures=all_figures(results),
        coverage=all_coverage(results),
        legs=leg_points(results),
        distortions=distortions(results, everything),
        elsewhere=others,
        walking=walks,
        curve=learning_curve(results),
        provisional=provisional_errors([one for part in provisional for one in part]),
        simulated=virtual,
        system=_stated(),
        planted=[level for part in planted for level in part] + _detected(detected),
        sections=[Section(title="Gait context: straight, bend, laps", text=turns_markdown(ground)), *sections],
        tried=tried(by_runner, by_style) if by_style else [],
        variants=None,
    )


def recompute(folder: Path, runners: Collection[str]) -> dict[str, float]:
    """RMSE (s) of these runners, each tested by networks that were trained without it, in this process."""
    trials = {trial.name: trial for trial in read_trials(folder / "rbds")}
    teacher = Teacher(trials)
    found: dict[str, float] = {}
    for runner in runners:
        how = LearnedEstimator(
            replace(DEFAULT_TABLE, nets=teacher.nets([n for n, trial in trials.items() if trial.runner != runner]))
        )
        matches = [match_leg(t, side, how) for t in trials.values() if t.runner == runner for side in t.legs]
        found[runner] = rms(np.concatenate([match.stance_error_s for match in matches]))
    return found
