from evenstride_analysis.model import Measure, Symmetry, Verdict
from evenstride_gateway.report.others import other_tools


def stance(index: float | None, half: float = 0.02) -> Symmetry:
    return Symmetry(
        measure=Measure.STANCE,
        t_s=600.0,
        index=index,
        low=None if index is None else index - half,
        high=None if index is None else index + half,
        n_pairs=400,
        verdict=Verdict.NOT_MEASURABLE if index is None else Verdict.POSSIBLE,
        reason="",
        method="rules-1",
    )


def test_every_number_stands_beside_its_interval() -> None:
    found = other_tools(stance(0.08))
    shown = {name: (value, interval) for name, _, value, interval in found.numbers}
    assert shown["balance, left share, %"] == ("52.0", "51.5 to 52.5")
    assert shown["limb symmetry index, R/L, %"] == ("92.3", "90.5 to 94.2")
    assert shown["symmetry angle, %"] == ("-2.5", "-3.2 to -1.9")
    assert len(found.numbers) == 5


def test_zones_say_what_the_error_allows() -> None:
    rule, garmin, coros = other_tools(stance(0.08)).zones
    assert rule == "running guides (lines at 52 %): inside; with its error anything from inside to beyond."
    assert garmin == "Garmin (lines at 50.7 % and 52.2 %): orange; with its error anything from orange to red."
    assert coros.endswith("orange; with its error anything from yellow to orange.")
    assert "green, error included" in other_tools(stance(0.0, 0.01)).zones[1]


def test_nothing_is_converted_where_nothing_was_measured() -> None:
    found = other_tools(stance(None))
    assert (found.numbers, found.zones) == ((), ())
