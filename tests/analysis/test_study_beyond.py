"""The study's other parts: steps beyond the estimator with known answers, turns, and what names the kept parts."""

from collections.abc import Iterable

import numpy as np
import pytest
from support.recordings import rbds_trial

from evenstride_analysis.model import Side
from evenstride_analysis.simulate import Scenario, real_pod
from evenstride_analysis.simulate.plan import Part, RunnerPlan
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE
from evenstride_analysis.study import behaviour
from evenstride_analysis.study.distort import PLAIN, conditions
from evenstride_analysis.study.teach import legs_of
from evenstride_analysis.study.turns import Course, courses, read, turns_markdown
from evenstride_analysis.study.variants import LegRun, Tried, leg_runs, tried
from evenstride_analysis.training.legs import lesson

SPEEDS = {2.5: 0.004, 3.5: -0.002, 4.5: 0.001}  # m/s -> the error that all runners share


def made(runner: str, *, legs_s: float = 0.0, uneven_s: float = 0.0, off_s: float = 0.0) -> list[LegRun]:
    """Every stance is 0.25 s, found with the speed's error and half of the strides' scatter; the left leg `legs_s` too
    long, the right one as much too short; truly so by `uneven_s`. `off_s` is an error of this runner alone. The mean
    waveform has no error.
    """
    scatter = np.tile([0.004, -0.004], 8)
    return [
        LegRun(
            runner=runner,
            trial=f"{runner}_T{speed}",
            side=side,
            speed_mps=speed,
            true_s=0.25 + 0.5 * scatter + sign * uneven_s,
            found_s=0.25 + scatter + error_s + off_s + sign * (legs_s + uneven_s),
            wave_s=0.25 + sign * uneven_s,
        )
        for speed, error_s in SPEEDS.items()
        for side, sign in ((Side.LEFT, 1.0), (Side.RIGHT, -1.0))
    ]


def by_name(runners: Iterable[list[LegRun]]) -> dict[str, Tried]:
    folds = list(runners)
    return {one.name: one for one in tried(folds, folds[:1])}


def test_each_step_takes_off_what_it_knows_from_the_others() -> None:
    found = by_name(made(f"R{k}", uneven_s=0.001 * k) for k in range(4))
    first = found["as it is"].runner
    assert found["mean error at the belt's speed taken off"].runner.rmse_s == pytest.approx(0.002, abs=1e-6)
    assert found["the leg's mean from the run's mean waveform"].runner.rmse_s == pytest.approx(0.002, abs=1e-6)
    drawn = found["each stride drawn towards its leg's mean in the run (share fitted)"].runner
    assert drawn.rmse_s == pytest.approx(np.sqrt(np.mean(np.square(list(SPEEDS.values())))), abs=1e-6)
    assert drawn.si_error_sd == pytest.approx(first.si_error_sd)


def test_legs_that_only_err_are_drawn_together() -> None:
    some = [made(f"R{k}", legs_s=0.001 * (k - 2)) for k in range(5)]
    found = by_name(some)
    assert found["as it is"].runner.si_error_sd > 0.01
    assert found["the two legs drawn together (share fitted)"].runner.si_error_sd < 1e-6  # no leg truly differs


def test_a_tested_runner_gives_nothing_to_its_own_fit() -> None:
    usual = [made(f"R{k}", uneven_s=0.001 * k) for k in range(4)]
    odd, even = (made("odd", uneven_s=0.001, off_s=off_s) for off_s in (0.05, 0.0))
    together, alone = (by_name([*usual, one])["mean error at the belt's speed taken off"].runner for one in (odd, even))
    assert together.worst_runner_rmse_s == pytest.approx(np.hypot(0.05, 0.002), abs=1e-5)
    assert alone.worst_runner_rmse_s == pytest.approx(0.002, abs=1e-6)


def test_strides_of_a_recorded_leg_and_their_mean_waveform() -> None:
    trial = rbds_trial("RBDS018_T35")
    taught = [one for leg in legs_of(trial) for one in lesson(leg).strides]
    legs = leg_runs(taught, DEFAULT_TABLE.nets)
    assert {leg.side for leg in legs} == set(Side)
    for leg in legs:
        assert len(leg.true_s) == len(leg.found_s) > 30
        assert abs(leg.error_s) < 0.008
        assert leg.wave_s == pytest.approx(leg.mean_s, abs=0.005)


def test_a_straight_run_has_no_bend_and_the_table_says_so() -> None:
    plan = RunnerPlan(parts=(Part(duration_s=60.0),))
    found = read(Course(scenario=Scenario(name="belt", plan=plan, sensor=real_pod()), seed=3, lap_m=None))
    assert found.right == found.right_live == 1.0
    assert found.lap_right is None
    text = turns_markdown([found])
    assert "worst session 100.0 % (met)" in text
    assert "| belt | 1 | 100.0, 100.0 % | 100.0, 100.0 % | no lap found | length not said |" in text
    assert len({(course.scenario.name, course.seed) for course in courses()}) == len(courses())


def test_what_is_learned_and_found_has_a_name_that_follows_it() -> None:
    trials = [rbds_trial("RBDS001_T25"), rbds_trial("RBDS018_T25")]
    assert behaviour.learned(trials) != behaviour.learned([trials[0], rbds_trial("RBDS04_T25")])
    turned = next(condition for condition in conditions() if condition.group == "noise")
    names = [behaviour.found(trials[:1], [condition]) for condition in (PLAIN, PLAIN, turned)]
    assert names[0] == names[1] != names[2]
