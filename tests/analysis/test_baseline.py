"""A runner's own normal: what counts, what is refused, and what its band promises."""

from dataclasses import replace

import numpy as np
import pytest
from support.recordings import rbds_trials

from evenstride_analysis.baseline import (
    LEVELS,
    PRIMARY,
    Change,
    ChangeVerdict,
    Pace,
    Prior,
    Run,
    RunMeasure,
    RunValue,
    judge,
    predict,
    prior_of,
    smallest_real_change,
)
from evenstride_analysis.baseline import prediction as constants
from evenstride_analysis.model import Side
from evenstride_analysis.study.baselines import baselines_markdown, simulate_baselines
from evenstride_analysis.study.repeats import force_repeats
from evenstride_analysis.symmetry import system_of

SYSTEM = system_of()
PODS = {Side.LEFT: "p1", Side.RIGHT: "p2"}
SWAPPED = {Side.LEFT: "p2", Side.RIGHT: "p1"}
AT_3 = Pace(speed_mps=3.0, speed_sd_mps=0.03, source="treadmill entry")
PRIOR = prior_of(PRIMARY, SYSTEM)


def run(name: str, index: float = 0.0, **other: object) -> Run:
    made = Run(
        run_id=name,
        values={
            RunMeasure.SYMMETRY: RunValue(value=index, se=0.003),
            RunMeasure.STANCE_LEFT: RunValue(value=0.25, se=0.0007),
            RunMeasure.IMPACT_LEFT: RunValue(value=95.0, se=0.9),
            RunMeasure.CADENCE: RunValue(value=170.0),
        },
        pods=PODS,
        method="m-1",
        pace=AT_3,
    )
    return replace(made, **other)  # pyright: ignore[reportArgumentType]


def earlier(n: int, **other: object) -> list[Run]:
    values = np.resize([0.011, 0.018, 0.006, 0.022, 0.014, 0.009], n)
    return [run(f"r{k}", float(value), **other) for k, value in enumerate(values)]


def judged(new: Run, others: list[Run], measure: RunMeasure = PRIMARY) -> Change:
    return judge(new, others, measure, system=SYSTEM)


def test_the_band_is_the_published_formula_from_five_runs_on() -> None:
    values = [0.011, 0.018, 0.006, 0.022, 0.014]
    band, degrees = predict(values, level=0.95, prior=PRIOR)
    half = 2.7764451 * np.std(values, ddof=1) * np.sqrt(1 + 1 / 5)
    assert (band.prior, degrees, band.runs) == (None, 4.0, 5)
    assert (band.low, band.high) == pytest.approx((np.mean(values) - half, np.mean(values) + half), abs=1e-8)


def test_below_five_runs_the_prior_is_stated_and_weighs_less_with_each_run() -> None:
    prior = Prior(sd=0.03, degrees=8.0, source="made up")
    halves = [predict([0.0] * k, level=0.95, prior=prior)[0].high for k in (1, 2, 3, 4)]
    assert halves == sorted(halves, reverse=True)
    assert halves[0] == pytest.approx(2.3060041 * 0.03 * np.sqrt(2), abs=1e-7)
    change = judged(run("new", 0.02), earlier(3))
    assert change.band is not None
    assert change.band.prior == PRIOR
    assert "prior" in change.reason
    assert "RBDS" in PRIOR.source
    assert "degrees of freedom" in PRIOR.source


def test_no_run_is_no_band() -> None:
    with pytest.raises(ValueError, match="no earlier run"):
        predict([], level=0.95, prior=PRIOR)
    change = judged(run("new"), [])
    assert (change.verdict, change.reason) == (ChangeVerdict.NOT_COMPARABLE, "there is no earlier run")


def test_a_change_is_told_and_a_usual_day_is_not() -> None:
    assert judged(run("new", 0.016), earlier(6)).verdict is ChangeVerdict.NOT_CHANGED
    far = judged(run("new", 0.05), earlier(6))
    assert far.verdict is ChangeVerdict.CHANGED
    assert "outside the 95 % band of 6 earlier runs" in far.reason
    assert [name for name, _ in far.past] == ["r0", "r1", "r2", "r3", "r4", "r5"]


def test_the_smallest_real_change_tends_to_the_published_formula() -> None:
    assert smallest_real_change(0.01, 1e6) == pytest.approx(1.959964 * np.sqrt(2) * 0.01, rel=1e-4)
    assert smallest_real_change(0.01, 4) > smallest_real_change(0.01, 9)


@pytest.mark.parametrize(
    ("other", "word"),
    [
        ({"method": "m-2"}, "run it again"),
        ({"method": "m-1|m-2"}, "several methods"),
        ({"pace": Pace(speed_mps=3.4, speed_sd_mps=0.03, source="lap")}, "another pace"),
        ({"pace": Pace()}, "not known"),
        ({"pace": Pace(speed_mps=3.0, speed_sd_mps=0.4, source="estimate")}, "too uncertain"),
        ({"values": {}, "missing": {PRIMARY: "no symmetry in it: walking"}}, "walking"),
    ],
)
def test_what_does_not_compare_is_refused_with_its_reason(other: dict[str, object], word: str) -> None:
    change = judged(run("new", 0.016), [*earlier(5), run("odd", 0.3, **other)])
    assert word in change.refused["odd"]
    assert change.band is not None
    assert change.band.runs == 5
    alone = judged(run("new", 0.016), [run("odd", 0.3, **other)])
    assert alone.verdict is ChangeVerdict.NOT_COMPARABLE
    assert word in alone.reason


def test_runs_that_their_runner_calls_alike_need_no_speed() -> None:
    alike = Pace(label="easy")
    assert judged(run("new", 0.01, pace=alike), earlier(5, pace=alike)).verdict is ChangeVerdict.NOT_CHANGED
    other = judged(run("new", 0.01, pace=alike), earlier(5, pace=Pace(label="hard")))
    assert other.verdict is ChangeVerdict.NOT_COMPARABLE


def test_a_run_without_the_value_says_why() -> None:
    change = judged(run("new", values={}, missing={PRIMARY: "no symmetry in it: too few"}), earlier(5))
    assert (change.verdict, change.reason) == (ChangeVerdict.NOT_COMPARABLE, "no symmetry in it: too few")


def test_other_pods_or_shoes_widen_visibly_and_shoes_refuse_what_they_change() -> None:
    plain = judged(run("new", 0.016), earlier(6)).band
    assert plain is not None
    for other, word in (({"pods": {Side.LEFT: "p3", Side.RIGHT: "p4"}}, "other pods"), ({"pods": SWAPPED}, "legs")):
        wide = judged(run("new", 0.016, **other), earlier(6)).band
        assert wide is not None
        assert wide.high - wide.low > plain.high - plain.low
        assert any(word in text for text in wide.widened)
    new = run("new", 0.016, shoes="Blue")
    wide = judged(new, earlier(6, shoes="red")).band
    assert wide is not None
    assert any("other shoes" in text for text in wide.widened)
    impact = judged(new, earlier(6, shoes="red"), RunMeasure.IMPACT_LEFT)
    assert impact.verdict is ChangeVerdict.NOT_COMPARABLE
    assert "other shoes (red, this run Blue)" in impact.reason
    assert judged(new, earlier(6, shoes="blue "), RunMeasure.IMPACT_LEFT).verdict is not None


def test_five_equal_runs_make_unequal_ones_superfluous() -> None:
    change = judged(run("new", 0.016), [*earlier(6), run("old", 0.1, pods=SWAPPED)])
    assert "6 runs without it are enough" in change.refused["old"]
    assert change.band is not None
    assert not change.band.widened


def test_a_short_run_is_judged_with_its_own_error() -> None:
    short = replace(run("new"), values={PRIMARY: RunValue(value=0.03, se=0.02)})
    wide, plain = judged(short, earlier(6)).band, judged(run("new", 0.03), earlier(6)).band
    assert wide is not None
    assert plain is not None
    assert wide.high > plain.high
    assert any("few strides" in text for text in wide.widened)


def test_stance_is_brought_to_the_pace_of_the_run() -> None:
    slow = Pace(speed_mps=2.9, speed_sd_mps=0.02, source="lap")
    change = judged(run("new"), earlier(5, pace=slow), RunMeasure.STANCE_LEFT)
    assert change.past[0][1] == pytest.approx(0.25 * (2.9 / 3.0) ** 0.56)
    assert change.band is not None
    assert change.band.level == LEVELS[RunMeasure.STANCE_LEFT] == 0.99


def test_a_speed_estimated_from_the_legs_explains_nothing_away() -> None:
    paces = [Pace(speed_mps=v, speed_sd_mps=0.43, source="estimate", label="easy") for v in (2.6, 3.1)]
    others = earlier(5, pace=paces[1])
    change = judged(run("new", pace=paces[0]), others, RunMeasure.STANCE_LEFT)
    assert change.past[0][1] == pytest.approx(0.25)
    assert change.band is not None
    assert not change.band.widened


@pytest.mark.parametrize("runs", [5, 6, 7, 8, 10])
def test_the_band_covers_what_it_promises(runs: int) -> None:
    row = simulate_baselines(system=SYSTEM, runs=(runs,), worlds=("1.5 times",), runners=1200, seed=3)[0]
    assert 0.95 - 3 * 0.0063 < row.kept < 0.95 + 3 * 0.0063


def test_the_prior_covers_and_a_large_change_is_seen() -> None:
    rows = simulate_baselines(system=SYSTEM, runs=(1, 4), worlds=("as the prior says",), runners=1000, seed=5)
    for row in rows:
        assert 0.93 < row.kept < 0.97
        assert row.seen == tuple(sorted(row.seen))
    assert rows[1].seen[-1] > rows[0].seen[-1] > 0.4
    page = baselines_markdown(rows, SYSTEM)
    assert page.count("\n|") == 4
    assert "Prior below 5 runs" in page


def test_the_priors_figures_come_from_the_data() -> None:
    found = force_repeats(rbds_trials())
    sds = (constants._BODY_SI, constants._BODY_STANCE, constants._BODY_CADENCE)  # pyright: ignore[reportPrivateUsage]
    weights = (
        constants._DEGREES_SI,  # pyright: ignore[reportPrivateUsage]
        constants._DEGREES_STANCE,  # pyright: ignore[reportPrivateUsage]
        constants._DEGREES_CADENCE,  # pyright: ignore[reportPrivateUsage]
    )
    assert tuple(found[name].sd for name in ("symmetry", "stance", "cadence")) == pytest.approx(sds, abs=5e-5)
    assert tuple(found[name].degrees for name in ("symmetry", "stance", "cadence")) == weights
    assert found["stance"].slope == pytest.approx(-0.56, abs=0.005)
    assert found["cadence"].slope == pytest.approx(0.23, abs=0.005)
