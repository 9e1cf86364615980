"""Symmetry from the sensor on: the study's runners are what they are asked to be, and any pool answers the same."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from evenstride_analysis.model import Verdict
from evenstride_analysis.study.power import LEVELS, Answered, Asked, answer, asked, power
from evenstride_analysis.symmetry import system_of

SYSTEM = system_of()


def backwards(work: Callable[[Asked], Answered], given: Iterable[Asked]) -> list[Answered]:
    """A pool that takes the last job first."""
    return [work(one) for one in reversed(list(given))][::-1]


def test_half_of_the_runners_are_longer_on_either_leg() -> None:
    given = asked(SYSTEM, runners=10)
    assert len(given) == 10 * len(LEVELS)
    for k, level in enumerate(LEVELS):
        of_level = [one.index for one in given if one.level == k]
        assert sorted({abs(index) for index in of_level}) == [level]
        assert sum(of_level) == pytest.approx(0.0)


def test_an_answer_depends_on_what_was_asked_alone() -> None:
    one = replace(asked(SYSTEM, runners=2)[7], run_s=20.0)
    first = answer(one)
    assert first == answer(one)
    assert first != answer(replace(one, seed=one.seed + 1))
    assert first.asked is one
    assert first.steps >= first.true_strides - 4  # the very first and last of a leg have no whole window


def test_a_large_asymmetry_is_real_and_an_even_runner_is_not() -> None:
    even, uneven = power(SYSTEM, levels=(0.0, 0.15), runners=2)
    assert even.real == 0.0
    assert uneven.real == 1.0
    assert uneven.wrong_side == 0.0
    for level in (even, uneven):
        assert level.covered >= 1 / 2
        assert level.pairs > 55
        assert level.lost < 0.03
        assert level.real + level.possible + level.within_noise + level.refused == pytest.approx(1.0)


def test_any_order_of_work_gives_the_same_document() -> None:
    results = [power(SYSTEM, levels=(0.06,), runners=2, each=each) for each in (map, backwards)]
    assert results[0] == results[1]


def test_without_an_interval_nothing_is_covered() -> None:
    short = answer(replace(asked(SYSTEM, runners=1)[0], run_s=8.0))
    assert short.symmetry.verdict is Verdict.NOT_MEASURABLE
    assert short.covered is None
