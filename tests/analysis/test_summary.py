import re
from dataclasses import replace

import pytest
from support.steps import made_run

from evenstride_analysis.model import Doubt, Gait, Measure, Side, Step, Symmetry, Verdict
from evenstride_analysis.summary import StraightSymmetry, straight_grid, summarise
from evenstride_analysis.symmetry import symmetry, system_of


def test_a_session_in_numbers() -> None:
    steps = made_run([0.28] * 100, [0.24] * 100)
    steps[10] = replace(steps[10], stride=replace(steps[10].stride, doubt=Doubt.GAP))
    steps[21] = replace(steps[21], gait=Gait.WALK, stride=replace(steps[21].stride, gait=Gait.WALK))
    summary = summarise(steps, duration_s=70.0, system=system_of())
    left, right = summary.legs[Side.LEFT], summary.legs[Side.RIGHT]
    assert (left.n_strides, left.n_used, left.doubts) == (100, 80, {"gap": 1})
    assert (right.n_strides, right.n_used, right.n_walk) == (100, 79, 1)
    assert left.stance_mean_s == pytest.approx(0.28)
    assert left.stance_low_s == pytest.approx(0.28)
    assert right.impact_axial_mean_mps2 == pytest.approx(70.0)
    assert summary.cadence_spm == pytest.approx(120.0 / 0.7)
    assert summary.flight_mean_s == pytest.approx(0.1)
    assert summary.symmetry[Measure.STANCE].verdict is Verdict.REAL
    inner = [step for step in steps if 7.0035 <= step.t_s < 63.0315]
    assert summary.symmetry[Measure.STANCE] == symmetry(inner, Measure.STANCE, t_s=70.0, system=system_of())
    assert [point.t_s for point in summary.balance_series] == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    assert summary.excluded == {"gap": 1, "walking": 1, "warm-up": 20, "cool-down": 19}
    assert summary.method == "rules-1"


def test_a_short_run_is_judged_whole() -> None:
    steps = made_run([0.28] * 23, [0.24] * 23)
    found = summarise(steps, duration_s=16.0, system=system_of())
    assert found.symmetry[Measure.STANCE].verdict is Verdict.REAL
    assert found.excluded == {}


def doubted(n: int, doubt: Doubt) -> list[Step]:
    """A hundred pairs of which n left strides carry a doubt."""
    steps = made_run([0.26 + 0.004 * (k % 5 - 2) for k in range(100)], [0.25] * 100)
    for k in range(n):
        at = 2 * ((k * 37) % 100)
        steps[at] = replace(steps[at], stride=replace(steps[at].stride, doubt=doubt))
    return steps


def width(found: Symmetry) -> float:
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low


def test_doubts_widen_the_interval_and_many_allow_no_verdict() -> None:
    few, some, many = (
        summarise(doubted(n, Doubt.CANDIDATES_DISAGREE), duration_s=70.0, system=system_of()) for n in (5, 35, 60)
    )
    assert width(some.symmetry[Measure.STANCE]) > width(few.symmetry[Measure.STANCE]) + 0.001
    assert [s.effect for s in few.doubts] == ["", ""]
    assert some.doubts[0].effect == "interval widened"
    assert many.symmetry[Measure.STANCE].reason.startswith("doubted: ")
    assert many.symmetry[Measure.STANCE].verdict is Verdict.NOT_MEASURABLE


def test_a_pod_loose_in_a_quarter_of_the_strides_allows_no_verdict() -> None:
    summary = summarise(doubted(35, Doubt.LOOSE), duration_s=70.0, system=system_of())
    assert summary.symmetry[Measure.STANCE].reason.startswith("loose: ")
    assert "moves on the leg" in summary.symmetry[Measure.IMPACT].reason


def live(steps: list[Step]) -> StraightSymmetry:
    found = StraightSymmetry(Measure.STANCE, system=system_of())
    for step in steps:
        found.push(step)
    return found


def test_while_it_happens_doubts_do_the_same() -> None:
    few, some, many = (live(doubted(n, Doubt.CANDIDATES_DISAGREE)).at(70.1) for n in (5, 35, 60))
    assert few.index is not None
    assert width(some) > width(few) + 0.001
    assert "doubted" not in few.reason
    assert re.search(r"; wider, doubted: \d\d % of the left leg's strides \(two rules disagree", some.reason)
    assert (many.verdict, many.index) == (Verdict.NOT_MEASURABLE, None)
    assert many.reason.startswith("doubted: ")
    assert live(doubted(35, Doubt.GAP)).at(70.1).verdict is not Verdict.NOT_MEASURABLE


def test_a_strap_that_comes_loose_and_is_fastened_shows_while_it_happens() -> None:
    steps = made_run([0.28] * 300, [0.24] * 300)
    for k in range(200, 300):  # 70 s to 105 s: every other stride of the left pod rings
        if k % 4 == 0:
            steps[k] = replace(steps[k], stride=replace(steps[k].stride, doubt=Doubt.LOOSE))
    points = straight_grid(steps, Measure.STANCE, system=system_of())
    said = {round(point.t_s): point.reason.partition(":")[0] for point in points}
    assert {t_s for t_s, reason in said.items() if reason == "loose"} == {100, 110, 120, 130}
    assert all(
        "of the left leg's strides (the pod moves on the leg)" in p.reason for p in points if "loose" in p.reason
    )
    assert all(point.index is None for point in points if point.reason.startswith("loose"))
    assert points[-1].verdict is Verdict.REAL
    watched = StraightSymmetry(Measure.STANCE, system=system_of())
    for step in steps:  # looked at after every step, as the page does: the stored points stay the same
        watched.push(step)
        watched.at(step.t_s)
    assert watched.grid_points() == points


def test_the_first_strides_are_no_share() -> None:
    steps = made_run([0.28] * 8, [0.24] * 8)
    steps = [replace(step, stride=replace(step.stride, doubt=Doubt.LOOSE)) for step in steps]
    assert live(steps).at(6.0).reason.startswith("too few strides")


def test_missing_samples_choose_no_strides() -> None:
    gaps = summarise(doubted(35, Doubt.GAP), duration_s=70.0, system=system_of())
    assert all(share.share == 0.0 for share in gaps.doubts)
    assert gaps.symmetry[Measure.STANCE].verdict is not Verdict.NOT_MEASURABLE


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
