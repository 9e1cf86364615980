from dataclasses import replace

import pytest
from support.steps import made_run

from evenstride_analysis.model import Doubt, Gait, Measure, Side, Verdict
from evenstride_analysis.summary import summarise
from evenstride_analysis.symmetry import symmetry, system_of


def test_a_session_in_numbers() -> None:
    steps = made_run([0.28] * 100, [0.24] * 100)
    steps[10] = replace(steps[10], stride=replace(steps[10].stride, doubt=Doubt.GAP))
    steps[21] = replace(steps[21], gait=Gait.WALK, stride=replace(steps[21].stride, gait=Gait.WALK))
    summary = summarise(steps, duration_s=70.0, system=system_of())
    left, right = summary.legs[Side.LEFT], summary.legs[Side.RIGHT]
    assert (left.n_strides, left.n_used, left.doubts) == (100, 99, {"gap": 1})
    assert (right.n_strides, right.n_used, right.n_walk) == (100, 99, 1)
    assert left.stance_mean_s == pytest.approx(0.28)
    assert left.stance_low_s == pytest.approx(0.28)
    assert right.impact_axial_mean_mps2 == pytest.approx(70.0)
    assert summary.cadence_spm == pytest.approx(120.0 / 0.7)
    assert summary.flight_mean_s == pytest.approx(0.1)
    assert summary.symmetry[Measure.STANCE].verdict is Verdict.REAL
    assert summary.symmetry[Measure.STANCE] == symmetry(steps, Measure.STANCE, t_s=70.0, system=system_of())
    assert [point.t_s for point in summary.balance_series] == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    assert summary.excluded == {"gap": 1, "walking": 1}
    assert summary.method == "rules-1"


def test_edges_are_counted_and_left_out() -> None:
    steps = made_run([0.25] * 100, [0.25] * 100)
    summary = summarise(steps, duration_s=70.0, system=system_of(), excluded_edges_s=7.0)
    assert summary.excluded["edge"] == sum(step.t_s < 7.0 or step.t_s > 63.0 for step in steps)
    assert summary.legs[Side.LEFT].n_used == sum(7.0 <= step.t_s <= 63.0 for step in steps if step.side is Side.LEFT)


def test_nothing_is_a_summary_too() -> None:
    summary = summarise([], duration_s=0.0, system=system_of())
    assert summary.legs[Side.LEFT].stance_mean_s is None
    assert summary.cadence_spm is None
    assert summary.symmetry[Measure.STANCE].verdict is Verdict.NOT_MEASURABLE
    assert summary.balance_series == ()


def test_means_lie_inside_their_intervals() -> None:
    lefts = [0.25 + 0.004 * ((k * 7) % 5 - 2) for k in range(50)]
    leg = summarise(made_run(lefts, lefts), duration_s=35.0, system=system_of()).legs[Side.LEFT]
    assert leg.stance_mean_s is not None
    assert leg.stance_low_s is not None
    assert leg.stance_high_s is not None
    assert leg.stance_low_s < leg.stance_mean_s < leg.stance_high_s
    assert leg.stance_high_s - leg.stance_low_s < 0.005
