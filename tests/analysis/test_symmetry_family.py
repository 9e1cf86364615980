"""Blocks, methods, families of verdicts, legs that are unsure of themselves."""

from dataclasses import replace

import numpy as np
import pytest
from support.steps import made_run

from evenstride_analysis.model import FloatArray, Measure, Side, Step, Verdict
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE
from evenstride_analysis.strides.rules import DEFAULT_RULES
from evenstride_analysis.symmetry import (
    MethodError,
    Question,
    SystematicError,
    evidence_of,
    holm,
    judge_family,
    symmetry,
    system_of,
)
from evenstride_analysis.symmetry.interval import Bootstrap

LEARNED = SystematicError(
    estimator=0.02,
    allowance=0.02,
    source="test",
    methods={"learned-1": MethodError(si_error_sd=0.014, leg_sd_s=0.0044)},
)


def scattered(index: float, n: int, *, seed: int, memory: float = 0.0) -> FloatArray:
    random = np.random.default_rng(seed)
    noise = random.normal(0.0, 0.004, (n, 2))
    for k in range(1, n):
        noise[k] = memory * noise[k - 1] + np.sqrt(1.0 - memory**2) * noise[k]
    return 0.25 * np.array([1.0 + index / 2.0, 1.0 - index / 2.0]) + noise


def run(index: float, n: int = 80, *, seed: int = 1, **stride: object) -> list[Step]:
    values = scattered(index, n, seed=seed)
    made = made_run(values[:, 0].tolist(), values[:, 1].tolist())
    return [replace(step, stride=replace(step.stride, **stride)) for step in made]


def test_the_seed_decides_the_draw_and_nothing_else_does() -> None:
    values = scattered(0.02, 200, seed=3)
    first, again, other = (evidence_of(values, system=0.0, seed=seed).scatter for seed in (1, 1, 2))
    assert isinstance(first, Bootstrap)
    assert isinstance(again, Bootstrap)
    assert isinstance(other, Bootstrap)
    assert np.array_equal(first.deviations, again.deviations)
    assert not np.array_equal(first.deviations, other.deviations)
    assert first.half(0.95) == pytest.approx(other.half(0.95), rel=0.1)


@pytest.mark.parametrize("memory", [0.0, 0.4])
@pytest.mark.parametrize("n", [59, 60, 200])
def test_the_scatter_alone_covers_as_often_as_it_says(n: int, memory: float) -> None:
    drawn = [evidence_of(scattered(0.03, n, seed=seed, memory=memory), system=0.0) for seed in range(300)]
    covered = sum(abs(found.index - 0.03) <= found.half(0.95) for found in drawn) / len(drawn)
    assert 0.91 <= covered <= 0.99


def test_both_ways_say_about_the_same_where_they_meet() -> None:
    widths = [evidence_of(scattered(0.0, n, seed=8), system=0.0).half(0.95) for n in (59, 60)]
    assert widths[0] == pytest.approx(widths[1], rel=0.15)


def test_p_is_where_the_interval_touches_even() -> None:
    for index, n in ((0.05, 40), (0.05, 90), (-0.03, 90)):
        found = evidence_of(scattered(index, n, seed=5), system=0.02)
        p = found.p_even()
        assert found.excludes_even(1.0 - 1.01 * p)
        assert not found.excludes_even(1.0 - 0.99 * p)
    assert evidence_of(scattered(0.3, 90, seed=5), system=0.02).p_even() == pytest.approx(1e-4)


def test_the_strides_method_decides_on_the_estimators_part() -> None:
    system = system_of()
    assert system.estimator_of("rules-1") == DEFAULT_RULES.si_error_sd
    assert system.estimator_of(DEFAULT_TABLE.method) == DEFAULT_TABLE.si_error_sd
    assert system.estimator_of(f"{DEFAULT_TABLE.method}+hw:board.2") == DEFAULT_TABLE.si_error_sd
    assert system.estimator_of("of-old-1") == max(DEFAULT_RULES.si_error_sd, DEFAULT_TABLE.si_error_sd)
    assert system_of(DEFAULT_RULES).estimator == DEFAULT_RULES.si_error_sd
    assert system.total(Measure.STANCE, "rules-1") == pytest.approx(np.hypot(DEFAULT_RULES.si_error_sd, 0.02))


def test_unsure_legs_widen_the_interval_and_very_unsure_ones_end_it() -> None:
    def judged(left_s: float | None, right_s: float | None) -> tuple[float, Verdict, str]:
        steps = run(0.08, method="learned-1")
        told = {Side.LEFT: left_s, Side.RIGHT: right_s}
        steps = [replace(s, stride=replace(s.stride, stance_system_sd_s=told[s.side])) for s in steps]
        found = symmetry(steps, Measure.STANCE, t_s=60.0, system=LEARNED)
        width = 0.0 if found.low is None or found.high is None else found.high - found.low
        return width, found.verdict, found.reason

    silent, usual, surer, unsure = (judged(s, s)[0] for s in (None, 0.0044, 0.002, 0.0058))
    assert (silent, surer) == (pytest.approx(usual), pytest.approx(usual))
    assert unsure > 1.05 * usual
    width, verdict, reason = judged(0.003, 0.0061)
    assert (width, verdict) == (0.0, Verdict.NOT_MEASURABLE)
    assert reason.startswith("unusual style: contact times of the right leg")
    steps = run(0.0, impact_mps2=100.0, stance_system_sd_s=0.02)
    assert symmetry(steps, Measure.IMPACT, t_s=60.0, system=LEARNED).verdict is Verdict.WITHIN_NOISE


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_the_first_question_is_judged_by_itself_and_the_others_more_strictly() -> None:
    system = SystematicError(estimator=0.0, allowance=0.02, source="test")
    one = Question(steps=run(0.054), measure=Measure.STANCE, t_s=60.0)
    alone = symmetry(one.steps, one.measure, t_s=60.0, system=system)
    assert alone.verdict is Verdict.REAL
    assert judge_family([one], system=system) == [alone]
    assert judge_family([one, one], system=system) == [alone, alone]
    family = judge_family([one] * 4, system=system)
    assert family[0] == alone
    for other in family[1:]:
        assert other.verdict is Verdict.POSSIBLE
        assert "Holm" in other.reason
        assert (other.index, other.low, other.high) == (alone.index, alone.low, alone.high)


def test_what_cannot_be_measured_does_not_make_the_others_stricter() -> None:
    good = Question(steps=run(0.09), measure=Measure.STANCE, t_s=60.0)
    none = Question(steps=run(0.0, n=5), measure=Measure.STANCE, t_s=60.0)
    answers = judge_family([good, good, none], system=LEARNED)
    assert [found.verdict for found in answers] == [Verdict.REAL, Verdict.REAL, Verdict.NOT_MEASURABLE]


def test_even_families_hardly_ever_hold_a_real_one() -> None:
    random = np.random.default_rng(2)
    false = 0
    for _ in range(300):
        drawn = 0.02 * random.normal(0.0, 1.0, 5)
        asked = [
            Question(
                steps=made_run([0.25 * (1 + e / 2)] * 25, [0.25 * (1 - e / 2)] * 25), measure=Measure.STANCE, t_s=1.0
            )
            for e in drawn.tolist()
        ]
        found = judge_family(asked, system=SystematicError(estimator=0.0, allowance=0.02, source="test"))
        false += any(one.verdict is Verdict.REAL for one in found[1:])
    assert false / 300 <= 0.03
