"""The detector on the virtual runner: what was planted is found; the system error has the size of real recordings."""

import pytest

from evenstride_analysis.model import Gait, Side
from evenstride_analysis.simulate import Part, RunnerPlan, Scenario, track_session
from evenstride_analysis.simulate.score import detect, score_leg, score_run, simulated_accuracy
from evenstride_analysis.strides.detector import StrideDetector


@pytest.mark.parametrize(
    ("seed", "style", "speed_mps", "si"), [(1, 0, 2.8, 0.0), (2, 1, 3.2, 0.12), (3, 2, 4.0, -0.12), (4, 3, 3.5, 0.06)]
)
def test_planted_stance_is_found(seed: int, style: int, speed_mps: float, si: float) -> None:
    plan = RunnerPlan(parts=(Part(duration_s=90.0, speed_mps=speed_mps),), style=style, stance_asymmetry=si)
    score = score_run(Scenario(name="planted", plan=plan).runner(seed), StrideDetector)
    for leg in score.legs.values():
        assert (leg.missed, leg.false) == (0, 0)
        assert abs(leg.stance_bias_s) < 0.005
        assert abs(leg.impact_error_mps2.mean()) < 2.0
    assert abs(score.si_error) < 0.01


def test_system_error_is_that_of_real_recordings() -> None:
    plan = RunnerPlan(parts=(Part(duration_s=25.0, speed_mps=3.2),))
    scenario = Scenario(name="short", plan=plan)
    off = simulated_accuracy(range(4), StrideDetector, scenario=scenario)
    on = simulated_accuracy(range(24), StrideDetector, scenario=scenario, system_error=True)
    assert off.stance_rmse_s < 0.005
    assert 0.008 < on.stance_rmse_s < 0.018
    assert 0.012 < on.si_error_sd < 0.040
    assert on.missed + on.false <= 0.01 * on.strides


def test_walking_is_found_as_walking() -> None:
    runner = track_session(2.0).runner(2)
    for side in Side:
        truth, found = runner.truth(side), detect(runner, side, StrideDetector)
        score = score_leg(side, truth, found)
        assert score.missed + score.false <= 1
        walking = [s for s in truth if s.gait is Gait.WALK and s.settled]
        named = [min(found, key=lambda f, t=t: abs(f.strike_s - t.strike_s)).gait for t in walking]
        assert named.count(Gait.WALK) == len(walking)
