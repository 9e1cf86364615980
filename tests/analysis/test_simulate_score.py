"""The detector on the virtual runner: what was planted is found; the system error has the size of runners left out."""

from typing import Any

import numpy as np
import pytest

from evenstride_analysis.model import Gait, Side
from evenstride_analysis.simulate import Part, RunnerPlan, Scenario, VirtualRunner, real_pod, track_session
from evenstride_analysis.simulate.score import detect, score_leg, score_run, simulated_accuracy
from evenstride_analysis.simulate.shapes import shape_table
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.strides.estimator import RulesEstimator
from evenstride_analysis.strides.rules import DEFAULT_RULES


@pytest.mark.parametrize("style", range(len(shape_table().styles)))
def test_planted_stance_is_found_in_every_style(style: int) -> None:
    """These are runners on whom the method was trained: the figures say that simulator and method speak of the same
    events, not how well the method does on others (docs/accuracy.md)."""
    speed_mps, si = ((2.6, 0.0), (3.0, 0.12), (3.4, -0.06), (4.2, 0.04))[style % 4]
    plan = RunnerPlan(parts=(Part(duration_s=25.0, speed_mps=speed_mps),), style=style, stance_asymmetry=si)
    score = score_run(VirtualRunner(plan, real_pod(), seed=style), StrideDetector)
    for leg in score.legs.values():
        assert (leg.missed, leg.false) == (0, 0)
        assert abs(leg.stance_bias_s) < 0.005
        assert np.abs(leg.impact_error_mps2).mean() < 1.0
    assert abs(score.si_error) < 0.01


def test_system_error_is_that_of_runners_left_out() -> None:
    plan = RunnerPlan(parts=(Part(duration_s=20.0, speed_mps=3.2),))
    scenario = Scenario(name="short", plan=plan)
    off = simulated_accuracy(range(4), StrideDetector, scenario=scenario)
    on = simulated_accuracy(range(16), StrideDetector, scenario=scenario, system_error=True)
    assert off.stance_rmse_s < 0.0035
    assert off.si_error_sd < 0.005
    assert 0.0038 < on.stance_rmse_s < 0.0065
    assert 0.007 < on.si_error_sd < 0.018
    assert off.missed + off.false + on.missed + on.false == 0


def test_the_rules_err_more_and_are_told_apart() -> None:
    """The same signals by the rules: nothing in the simulator was made for one method."""
    plan = RunnerPlan(parts=(Part(duration_s=20.0, speed_mps=3.2),))

    def rules(**pod: Any) -> StrideDetector:
        return StrideDetector(estimator=RulesEstimator(DEFAULT_RULES), **pod)

    scored = simulated_accuracy(range(4), rules, scenario=Scenario(name="short", plan=plan))
    assert 0.006 < scored.stance_rmse_s < 0.016
    assert scored.missed + scored.false == 0


def test_walking_is_found_as_walking() -> None:
    runner = track_session(2.0).runner(2)
    for side in Side:
        truth, found = runner.truth(side), detect(runner, side, StrideDetector)
        score = score_leg(side, truth, found)
        assert score.missed + score.false <= 1
        walking = [s for s in truth if s.gait is Gait.WALK and s.settled]
        named = [min(found, key=lambda f, t=t: abs(f.strike_s - t.strike_s)).gait for t in walking]
        assert named.count(Gait.WALK) == len(walking)
