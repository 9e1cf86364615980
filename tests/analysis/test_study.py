"""The study's parts: who is left out, what is distorted, and figures whose answer is known."""

import math
from dataclasses import replace

import numpy as np
import pytest
from support.recordings import rbds_matches, rbds_trial, rbds_trials

from evenstride_analysis.accuracy import Leg, LegMatch, Trial, match_leg
from evenstride_analysis.model import FloatArray, Side
from evenstride_analysis.strides.estimator import RulesEstimator
from evenstride_analysis.strides.rules import UNCALIBRATED
from evenstride_analysis.study.assemble import Results, all_figures, distortions, elsewhere, leg_points, walking
from evenstride_analysis.study.distort import PLAIN, Condition, conditions, distorted
from evenstride_analysis.study.figures import agreement, coverage, figures, light, with_constants
from evenstride_analysis.study.folds import (
    ALIKE_5,
    ALIKE_8,
    ANY_6,
    KINDS,
    RUNNER,
    SPEED,
    STYLE,
    Fold,
    curve_folds,
    folds,
    styles,
)
from evenstride_analysis.study.work import Job, Outcome, Task, jobs, run, under


def runners(names: tuple[str, ...]) -> set[str]:
    return {name.partition("_T")[0] for name in names}


def test_no_runner_is_trained_on_and_tested() -> None:
    found = folds(rbds_trials())
    assert {kind: sum(fold.kind == kind for fold in found) for kind in KINDS} == {
        RUNNER: 18,
        STYLE: 16,
        ALIKE_8: 4,
        ANY_6: 16,
        ALIKE_5: 6,
        SPEED: 18,
    }
    for fold in [*found, *curve_folds(rbds_trials(), (2, 12), 3)]:
        assert fold.test
        assert not runners(fold.train) & runners(fold.test), fold
    sizes = {kind: {len(runners(fold.train)) for fold in found if fold.kind == kind} for kind in KINDS}
    assert sizes == {RUNNER: {17}, STYLE: {12}, ALIKE_8: {8}, ANY_6: {6}, ALIKE_5: {5}, SPEED: {15}}


def test_a_held_out_speed_is_not_trained_on_and_every_trial_is_tested_once() -> None:
    found = [fold for fold in folds(rbds_trials()) if fold.kind == SPEED]
    for fold in found:
        speeds = {name.partition("_T")[2] for name in fold.test}
        assert len(speeds) == 1
        assert not any(name.endswith(f"_T{speeds.copy().pop()}") for name in fold.train)
    tested = [name for fold in found for name in fold.test]
    assert sorted(tested) == sorted(trial.name for trial in rbds_trials())


def test_style_is_not_speed() -> None:
    found = styles(rbds_trials())
    assert found.values.shape == (8, 18)
    faster = [trial for trial in rbds_trials() if trial.speed_mps > 3.0]
    without_slow = styles(faster)
    for axis in ("duty factor", "stride time", "foot strike"):
        k = found.axes.index(axis)
        assert np.corrcoef(found.values[k], without_slow.values[k])[0, 1] > 0.9


def test_every_condition_is_named_once() -> None:
    names = [(condition.group, condition.name) for condition in conditions()]
    assert len(set(names)) == len(names)
    assert conditions()[0] == PLAIN
    trial = rbds_trial("RBDS001_T25")
    assert under(trial, PLAIN) is trial


def sine(hz: float, rate_hz: float = 150.0, seconds: float = 8.0) -> Leg:
    at_s = np.arange(int(rate_hz * seconds)) / rate_hz
    column = np.sin(2.0 * math.pi * hz * at_s)
    values = np.stack([column, 2.0 * column, 3.0 * column], axis=1)
    return Leg(rate_hz=rate_hz, accel_mps2=values, gyro_radps=values, ic_s=np.array([1.0]), tc_s=np.array([1.3]))


def amplitude(values: FloatArray) -> float:
    return float(np.abs(values[len(values) // 2 :, 0]).max())


def test_a_strap_rings_at_its_resonance_and_follows_slow_movement() -> None:
    slow, ringing = (
        distorted(sine(hz, 600.0), Condition(group="", name="", wobble_hz=15.0)).accel_mps2 for hz in (0.5, 15.0)
    )
    assert amplitude(slow) == pytest.approx(1.0, abs=0.01)
    # base excitation at resonance: sqrt(1 + (2 z)^2) / (2 z), z = 0.3
    assert amplitude(ringing) == pytest.approx(math.sqrt(1.0 + 0.6**2) / 0.6, rel=0.02)


def test_another_rate_is_the_same_movement_and_a_wrong_clock_keeps_the_claim() -> None:
    faster = distorted(sine(2.0), Condition(group="", name="", rate_hz=208.0, clock=1.03))
    assert (faster.rate_hz, faster.nominal_hz) == (208.0 * 1.03, 208.0)
    at_s = np.arange(len(faster.accel_mps2)) / faster.rate_hz
    assert np.allclose(faster.accel_mps2[:, 0], np.sin(4.0 * math.pi * at_s), atol=1e-3)
    assert distorted(sine(2.0), Condition(group="", name="", rate_hz=208.0)).nominal_hz is None


def test_a_turn_keeps_the_size_and_turns_by_its_angle() -> None:
    turned = distorted(sine(1.0), Condition(group="", name="", turn_deg=(0.0, 0.0, 90.0)))
    assert np.allclose(turned.accel_mps2[:, 1], sine(1.0).accel_mps2[:, 0])
    assert np.allclose(turned.accel_mps2[:, 2], sine(1.0).accel_mps2[:, 2])


def test_counts_clip_and_noise_repeats() -> None:
    coarse = distorted(sine(1.0), Condition(group="", name="", accel_range_mps2=2.0))
    assert float(coarse.accel_mps2.max()) < 2.0
    assert np.allclose(coarse.accel_mps2 / (2.0 / 32768), np.round(coarse.accel_mps2 / (2.0 / 32768)))
    noisy = Condition(group="", name="", gyro_noise_radps=0.1)
    first, again, other = (distorted(sine(1.0), noisy, seed=seed).gyro_radps for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert float((first - sine(1.0).gyro_radps).std()) == pytest.approx(0.1, rel=0.05)


def match(error_s: FloatArray, *, side: Side = Side.LEFT, runner: str = "A", sd_s: float = 0.005) -> LegMatch:
    n = len(error_s)
    return LegMatch(
        trial=Trial(runner=runner, speed_mps=3.0, legs={}),
        side=side,
        ic_error_s=np.zeros(n),
        tc_error_s=error_s,
        stance_s=np.full(n, 0.25),
        clean=np.ones(n),
        sd_s=np.full(n, sd_s),
        system_sd_s=np.full(n, 0.004),
        missed=0,
        false=0,
    )


def test_coverage_of_errors_that_are_as_stated() -> None:
    errors = np.random.default_rng(1).normal(0.0, 0.005, 20_000)
    found = coverage([match(errors)])
    assert found.stride_68 == pytest.approx(0.683, abs=0.01)
    assert found.stride_95 == pytest.approx(0.95, abs=0.01)
    assert (found.flagged, found.caught) == (0.0, 0)
    assert (found.leg_68, found.refused) == (1.0, 0.0)


def test_the_flag_is_counted_on_all_errors() -> None:
    wild = match(np.array([0.030, -0.025, 0.001]), sd_s=0.008)
    calm = match(np.array([0.022, 0.002, 0.003]))
    found = coverage([wild, calm])
    assert (found.flagged, found.beyond, found.caught) == (0.5, 3, 2)
    unsaid = replace(calm, system_sd_s=np.full(3, math.nan))
    assert coverage([unsaid]).leg_68 is None


def test_figures_of_known_errors() -> None:
    group = [match(np.full(4, 0.003)), match(np.full(4, -0.003), side=Side.RIGHT)]
    other = [match(np.full(4, 0.001), runner="B"), match(np.full(4, 0.001), side=Side.RIGHT, runner="B")]
    found = figures([group, other])
    assert found.overall.rmse_s == pytest.approx(math.sqrt((0.003**2 + 0.001**2) / 2))
    assert found.overall.bias_s == pytest.approx(0.0005)
    assert found.rmse_by_runner_s == pytest.approx({"A": 0.003, "B": 0.001})
    assert found.worst_runner_rmse_s == pytest.approx(0.003)
    assert found.overall.si_error_sd is None  # two runs tell no SD
    assert agreement([group]).legs == 2
    with pytest.raises(ValueError, match="nothing was tested"):
        figures([])


def test_the_symmetry_error_of_a_run_counts_inside_its_fold() -> None:
    shift = (0.0, 0.005, 0.010)
    groups = [[match(np.full(3, off)), match(np.zeros(3), side=Side.RIGHT)] for off in shift]
    true = [(0.25 + off - 0.25) / (0.25 + off / 2) for off in shift]
    assert agreement(groups).si_error_sd == pytest.approx(float(np.std(true, ddof=1)))


def test_rules_get_their_constants_from_the_training_runners() -> None:
    chosen = [m for m in rbds_matches() if m.trial.runner in {"RBDS001", "RBDS002", "RBDS010"}]
    train = [m for m in chosen if m.trial.runner != "RBDS001"]
    test = [light(m) for m in chosen if m.trial.runner == "RBDS001"]
    corrected = with_constants(test, train)
    own = float(np.mean([m.ic_error_s.mean() for m in train]))
    assert np.allclose(test[0].ic_error_s - corrected[0].ic_error_s, own, atol=0.002)
    assert not test[0].trial.legs


def test_jobs_run_apart_give_one_document() -> None:
    names = ("RBDS001_T25", "RBDS001_T35", "RBDS002_T25", "RBDS002_T35")
    trials = {name: rbds_trial(name) for name in names}
    found = [
        Fold(kind=RUNNER, name="RBDS001", train=names[2:], test=names[:2]),
        Fold(kind=RUNNER, name="RBDS002", train=names[:2], test=names[2:]),
    ]
    slower = Condition(group="sampling", name="100 Hz", rate_hz=100.0)
    planned = jobs(found, [PLAIN, slower], names)
    assert [len(job.train) for job in planned] == [2, 2, 0, 0]
    how = RulesEstimator(UNCALIBRATED)
    tested = [one for job in planned for one in run(job, trials, how if job.train else None)]
    results = Results(tested, found)
    whole = all_figures(results)
    raw, fitted = whole["learned"][RUNNER].overall, whole["rules"][RUNNER].overall
    assert raw.legs == fitted.legs == 8
    assert abs(fitted.bias_s) < abs(raw.bias_s)  # here the "learned" one has no constants
    rows = distortions(results, [PLAIN, slower])
    assert rows[1].learned.rmse_s == pytest.approx(rows[0].learned.rmse_s, abs=0.004)
    assert {point.trial for point in leg_points(results)} == set(names)


def test_a_job_of_one_task_holds_no_samples() -> None:
    task = Task(kind=RUNNER, name="RBDS001", condition=PLAIN, trials=("RBDS001_T25",))
    tested = run(Job(train=(), tasks=(task,)), {"RBDS001_T25": rbds_trial("RBDS001_T25")}, None)
    assert isinstance(tested[0], Outcome)
    assert [bool(m.trial.legs) for m in tested[0].matches] == [False, False]


def test_elsewhere_and_walking_say_what_was_found() -> None:
    trial = rbds_trial("RBDS001_T25")
    how = RulesEstimator(UNCALIBRATED)
    left, _ = elsewhere("here", "rules", trial, how)
    assert left.stances == len(match_leg(trial, Side.LEFT, how).stance_s)
    assert left.contact_bias_s == pytest.approx(0.011, abs=0.02)
    ran = walking("a run", trial, how)
    assert (ran.walking, ran.strides > 70) == (0, True)
