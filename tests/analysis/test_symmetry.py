from dataclasses import replace

import numpy as np
import pytest
from support.steps import made_run

from evenstride_analysis.model import Doubt, FloatArray, Gait, Measure, Side, Step, Symmetry, Verdict
from evenstride_analysis.student import t_quantile
from evenstride_analysis.symmetry import LiveSymmetry, SystematicError, grid, pairs_of, symmetry, system_of

SYSTEM = SystematicError(estimator=0.015, allowance=0.02, source="test")  # together 2.5 %
NONE = SystematicError(estimator=0.0, allowance=0.0, impact=0.0, impact_axial=0.0, source="test")


def noisy(mean_s: float, n: int, *, seed: int, sd_s: float = 0.004, memory: float = 0.0) -> list[float]:
    random = np.random.default_rng(seed)
    noise: FloatArray = random.normal(0.0, sd_s, n)
    for k in range(1, n):
        noise[k] = memory * noise[k - 1] + np.sqrt(1.0 - memory**2) * noise[k]
    return (mean_s + noise).tolist()


def test_the_formula() -> None:
    found = symmetry(made_run([0.26] * 20, [0.24] * 20), Measure.STANCE, t_s=14.0, system=SYSTEM)
    assert found.index == pytest.approx(0.02 / 0.25)
    assert found.n_pairs == 20
    assert found.method == "rules-1"
    assert found.low is not None
    assert found.high is not None
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * 0.025, abs=1e-4)


@pytest.mark.parametrize(
    ("index", "verdict"),
    [
        (0.0, Verdict.WITHIN_NOISE),
        (0.03, Verdict.WITHIN_NOISE),
        (0.034, Verdict.POSSIBLE),
        (-0.06, Verdict.POSSIBLE),
        (0.067, Verdict.REAL),
        (-0.12, Verdict.REAL),
    ],
)
def test_verdicts_with_a_system_error_of_two_and_a_half_percent(index: float, verdict: Verdict) -> None:
    steps = made_run([0.25 * (1 + index / 2)] * 60, [0.25 * (1 - index / 2)] * 60)
    assert symmetry(steps, Measure.STANCE, t_s=42.0, system=SYSTEM).verdict is verdict


@pytest.mark.parametrize("memory", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("n", [20, 40, 120])
def test_the_interval_covers_the_truth(n: int, memory: float) -> None:
    covered = 0
    for seed in range(300):
        lefts = noisy(0.252, n, seed=2 * seed, memory=memory)
        rights = noisy(0.248, n, seed=2 * seed + 1, memory=memory)
        found = symmetry(made_run(lefts, rights), Measure.STANCE, t_s=n * 0.7, system=NONE)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.004 / 0.25 <= found.high
    assert covered / 300 >= 0.90
    if memory == 0.0:
        assert covered / 300 <= 0.995


def test_what_is_doubted_or_does_not_alternate_never_enters() -> None:
    steps = made_run([0.25] * 30, [0.25] * 30)
    steps[4] = replace(steps[4], stride=replace(steps[4].stride, doubt=Doubt.GAP, toe_off_s=99.0))
    steps[11] = replace(steps[11], alternates=False)
    assert len(pairs_of(steps, Measure.STANCE)) == 28
    found = symmetry(steps, Measure.STANCE, t_s=21.0, system=SYSTEM)
    assert found.index == pytest.approx(0.0)
    assert found.n_pairs == 28


def test_refusals_say_why() -> None:
    few = made_run([0.25] * 9, [0.25] * 9)
    many = made_run([0.25] * 40, [0.25] * 40)
    walking = [replace(step, gait=Gait.WALK) for step in many]
    mixed = [replace(s, stride=replace(s.stride, method="tte-1")) if s.t_s > 10 else s for s in many]
    slow = [replace(s, stride=replace(s.stride, impact_mps2=None)) for s in many]
    clipped = [
        replace(s, stride=replace(s.stride, doubt=Doubt.CLIPPED)) if s.side is Side.LEFT and k % 5 == 0 else s
        for k, s in enumerate(many)
    ]
    cases: list[tuple[list[Step], Measure, str]] = [
        (few, Measure.STANCE, "too few strides: 9 clean pairs"),
        ([], Measure.STANCE, "too few strides"),
        (walking, Measure.STANCE, "walking"),
        (mixed, Measure.STANCE, "mixed methods: rules-1, tte-1"),
        (slow, Measure.IMPACT, "199 Hz"),
        (clipped, Measure.IMPACT, "clipped: 8 of 40 left"),
        ([step for step in many if step.side is Side.LEFT], Measure.STANCE, "one leg only: left"),
    ]
    for steps, measure, reason in cases:
        found = symmetry(steps, measure, t_s=30.0, system=SYSTEM)
        assert found.verdict is Verdict.NOT_MEASURABLE
        assert reason in found.reason
        assert found.index is None
    assert symmetry(clipped, Measure.STANCE, t_s=30.0, system=SYSTEM).index is not None


def test_the_rules_own_error_and_the_allowance_make_the_system_error() -> None:
    system = system_of()
    assert system.total(Measure.STANCE) == pytest.approx(np.hypot(system.estimator, 0.02))
    assert 0.02 < system.estimator < 0.03
    assert "PeerJ" in system.source
    assert system.total(Measure.STANCE) < system.total(Measure.IMPACT) < system.total(Measure.IMPACT_AXIAL)


def test_live_is_the_last_thirty_pairs() -> None:
    steps = made_run(noisy(0.26, 100, seed=1), noisy(0.25, 100, seed=2))
    live = LiveSymmetry(system=SYSTEM)
    for step in steps:
        live.push(step)
    now_s = steps[-1].t_s
    assert live.at(now_s) == symmetry(steps[-60:], Measure.STANCE, t_s=now_s, system=SYSTEM)
    later = live.at(now_s + 200.0)
    assert later.verdict is Verdict.NOT_MEASURABLE


def test_grid_points_lie_on_ten_seconds_and_do_not_depend_on_when_they_are_fetched() -> None:
    steps = made_run(noisy(0.26, 100, seed=1), noisy(0.25, 100, seed=2))
    points = grid(steps, Measure.STANCE, system=SYSTEM)
    assert [point.t_s for point in points] == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    live = LiveSymmetry(system=SYSTEM)
    fetched: list[Symmetry] = []
    for step in steps:
        live.push(step)
        fetched += live.grid_points()
    assert fetched == points
    before = live.at(70.0)
    live.push(steps[0])
    assert (live.late, live.at(70.0)) == (1, before)


@pytest.mark.parametrize(
    ("probability", "degrees", "value"),
    [(0.975, 9.0, 2.262157), (0.995, 2.0, 9.924843), (0.9, 29.0, 1.311434), (0.975, 1000.0, 1.962339)],
)
def test_students_t(probability: float, degrees: float, value: float) -> None:
    assert t_quantile(probability, degrees) == pytest.approx(value, abs=2e-6)


def test_students_t_refuses_what_it_was_not_made_for() -> None:
    with pytest.raises(ValueError, match="expected"):
        t_quantile(0.3, 10.0)
