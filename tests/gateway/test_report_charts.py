"""The charts' specifications against Vega-Lite's schema, which the product does not check each time."""

import pytest

pytest.importorskip("altair")

from evenstride_analysis.model import Measure, Symmetry, Verdict
from evenstride_gateway.report import charts


def test_every_chart_fits_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "VALIDATE", True)
    rows = [
        {"at": minute, "leg": leg, "low": 230.0, "mid": 240.0 + minute, "high": 251.0}
        for leg in ("left", "right")
        for minute in range(12)
    ]
    point = Symmetry(
        measure=Measure.STANCE,
        t_s=10.0,
        index=0.04,
        low=0.01,
        high=0.07,
        n_pairs=30,
        verdict=Verdict.POSSIBLE,
        reason="",
        method="rules-1",
    )
    assert "<svg" in charts.over_time_svg(rows, "Stance", "stance", 720.0)
    assert "<svg" in charts.balance_svg([point], 60.0, "balance", 51.0)
    assert "<svg" in charts.gauge_svg(point, "gauge", 51.0)
