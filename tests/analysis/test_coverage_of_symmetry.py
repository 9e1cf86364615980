"""The proof of the verdict's arithmetic, at a size for every day; docs/accuracy.md holds the full one."""

from dataclasses import replace

import numpy as np

from evenstride_analysis.model import Measure, Side, Verdict
from evenstride_analysis.study.coverage_of_symmetry import (
    SimulatedRunner,
    coverage,
    verdict_of,
)
from evenstride_analysis.symmetry import MethodError, SystematicError, system_of

LEARNED = SystematicError(
    estimator=0.014,
    allowance=0.02,
    source="test",
    methods={"learned-1": MethodError(si_error_sd=0.014, leg_sd_s=0.0044)},
)


def test_the_interval_covers_and_even_runners_are_hardly_ever_called_uneven() -> None:
    even, middling, uneven = coverage(system_of(), method="rules-1", levels=(0.0, 0.06, 0.15), runners=700)
    for found in (even, middling, uneven):
        assert 0.925 < found.covered < 0.975
        assert min(found.covered_short, found.covered_long) > 0.91
    assert even.real <= 0.02
    assert even.real < middling.real < uneven.real
    assert uneven.real > 0.95
    assert uneven.wrong_side == 0.0


def test_legs_that_say_they_are_worse_than_usual_get_wider_intervals_that_still_cover() -> None:
    usual, strange = (
        coverage(LEARNED, method="learned-1", levels=(0.04,), runners=700, strangeness=times)[0] for times in (1.0, 1.3)
    )
    deaf = replace(LEARNED, methods={})  # knows the index error alone, as from a table without an SD of its legs
    assert strange.half_width > 1.08 * usual.half_width
    assert strange.covered > 0.925
    assert deaf.total(Measure.STANCE, "learned-1", leg_sd_s=0.0057) < LEARNED.total(
        Measure.STANCE, "learned-1", leg_sd_s=0.0057
    )


def test_one_leg_that_is_too_unsure_ends_it() -> None:
    drawn = coverage(LEARNED, method="learned-1", levels=(0.0,), runners=50, strangeness=1.5)[0]
    assert drawn.refused == 1.0
    runner = SimulatedRunner(values=np.full((80, 2), 0.25), index=0.0, leg_sd_s={Side.LEFT: 0.0040, Side.RIGHT: 0.0061})
    found = verdict_of(runner, LEARNED, "learned-1+hw:board.2")
    assert found.verdict is Verdict.NOT_MEASURABLE
    assert "right leg may be wrong by more than 6 ms" in found.reason


def test_the_same_seed_gives_the_same_figures() -> None:
    results = coverage(system_of(), method="rules-1", levels=(0.0,), runners=70)
    assert coverage(system_of(), method="rules-1", levels=(0.0,), runners=70) == results
