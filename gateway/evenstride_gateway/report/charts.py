"""The report's charts as inline SVG: bands over time, never a cloud of points. Vega-Altair draws, vl-convert prints."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportPrivateImportUsage=false
# altair's generated classes are only partly typed

import math
import re
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import vl_convert

from evenstride_analysis.model import Measure, Side, Step, Symmetry
from evenstride_analysis.symmetry import is_clean, value_of
from evenstride_analysis.units import balance_percent, g_from_mps2, ms_from_s

LEFT, RIGHT, INK, MILD, LINE = "#0b62b8", "#b85200", "#101826", "#556072", "#e3e7ed"
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
_BIN_S = 10.0
_MOST_BINS = 240  # a longer session has wider bins: more could not be told apart on the page
_FEWEST = 3  # strides in a bin, below which a percentile says nothing
_LONG_NUMBER = re.compile(r"(\d+\.\d)\d+")
_ID = re.compile(r'(id="|url\(#|href="#)([A-Za-z_]\w*)')
_ROWS = "rows"
VALIDATE = False  # Altair's schema check costs as much as the drawing; the tests have it on

Row = dict[str, Any]
_IN_SECONDS_S = 180.0  # up to here the time axis counts seconds


def _shown(step: Step, measure: Measure) -> float | None:
    """The step's value in ms or g; None where it may not enter."""
    value = value_of(step, measure) if is_clean(step, measure) else None
    if value is None:
        return None
    return ms_from_s(value) if measure is Measure.STANCE else g_from_mps2(value)


def time_unit(duration_s: float) -> tuple[str, float]:
    """The time axis of a session of this length: name of the unit, and its seconds."""
    return ("seconds", 1.0) if duration_s <= _IN_SECONDS_S else ("minutes", 60.0)


def bin_width_s(duration_s: float) -> float:
    """The width of a chart's bins: 10 s, or the multiple of it that keeps the bins countable."""
    return _BIN_S * max(1, math.ceil(duration_s / _BIN_S / _MOST_BINS))


def bands(steps: Sequence[Step], measure: Measure, duration_s: float) -> list[Row]:
    """Per leg and bin of clean running: median and 10th to 90th percentile; nulls where there is too little.

    Empty where fewer than two bins have something to show: a single dot is no course over time.
    """
    unit_s = time_unit(duration_s)[1]
    width_s = bin_width_s(duration_s)
    found: dict[tuple[Side, int], list[float]] = {}
    for step in steps:
        number = _shown(step, measure)
        if number is not None:
            found.setdefault((step.side, int(step.t_s // width_s)), []).append(number)
    if len({k for (_, k), values in found.items() if len(values) >= _FEWEST}) < 2:
        return []
    rows: list[Row] = []
    for side in Side:
        for k in range(int(duration_s // width_s) + 1):
            values = found.get((side, k), [])
            low, mid, high = np.percentile(values, (10, 50, 90)).tolist() if len(values) >= _FEWEST else (None,) * 3
            rows.append(
                {
                    "at": min((k + 0.5) * width_s, duration_s) / unit_s,
                    "leg": side.value,
                    "low": low,
                    "mid": mid,
                    "high": high,
                }
            )
    return rows


def over_time_svg(rows: list[Row], title: str, name: str, duration_s: float) -> str:
    """Both legs over time: band and median; the right leg's median is dashed, so it can be told apart in grey."""
    if not rows:
        return ""
    colour = alt.Color("leg:N", scale=alt.Scale(domain=["left", "right"], range=[LEFT, RIGHT]), legend=None)
    base = alt.Chart(alt.NamedData(name=_ROWS)).encode(x=_time(duration_s), color=colour)
    y = alt.Y("mid:Q", title=None, scale=alt.Scale(zero=False, nice=True), axis=alt.Axis(tickCount=4))
    low = alt.Y("low:Q", title=None, scale=alt.Scale(zero=False, nice=True), axis=alt.Axis(tickCount=4))
    band = base.mark_area(opacity=0.16, interpolate="linear").encode(y=low, y2="high:Q")
    dash = alt.StrokeDash("leg:N", scale=alt.Scale(domain=["left", "right"], range=[[1, 0], [5, 3]]), legend=None)
    line = base.mark_line(strokeWidth=1.7, point=_few(rows)).encode(y=y, strokeDash=dash)
    return _svg(alt.layer(band, line).properties(width=300, height=92), title, name, rows)


def balance_svg(series: Sequence[Symmetry], duration_s: float, name: str, rule_percent: float) -> str:
    """Share of contact time on the left foot with its 95 % interval on the 10 s grid, with even and the rule."""
    stride = max(1, math.ceil(len(series) / _MOST_BINS))
    unit_s = time_unit(duration_s)[1]
    rows: list[Row] = []
    for point in series[::stride]:
        if point.index is None or point.low is None or point.high is None:
            rows.append({"at": point.t_s / unit_s, "low": None, "mid": None, "high": None})
        else:
            ends = sorted((balance_percent(point.low), balance_percent(point.high)))
            rows.append(
                {"at": point.t_s / unit_s, "low": ends[0], "mid": balance_percent(point.index), "high": ends[1]}
            )
    drawn = [row for row in rows if row["mid"] is not None]
    if not drawn:
        return ""
    far = max(max(abs(row["low"] - 50), abs(row["high"] - 50)) for row in drawn)
    reach = max(rule_percent - 50 + 0.5, math.ceil(far * 2) / 2)
    scale = alt.Scale(domain=[50 - reach, 50 + reach], zero=False, nice=False)
    axis = alt.Axis(tickCount=5, grid=False)
    base = alt.Chart(alt.NamedData(name=_ROWS)).encode(x=_time(duration_s))
    band = base.mark_area(opacity=0.22, color=MILD).encode(
        y=alt.Y("low:Q", title=None, scale=scale, axis=axis), y2="high:Q"
    )
    line = base.mark_line(color=INK, strokeWidth=1.8, point=_few(rows, INK)).encode(y=alt.Y("mid:Q", scale=scale))
    marks = [{"at": 50.0}], [{"at": rule_percent}, {"at": 100 - rule_percent}]
    even = alt.Chart(alt.Data(values=marks[0])).mark_rule(color=INK, strokeWidth=1).encode(y="at:Q")
    rule = alt.Chart(alt.Data(values=marks[1])).mark_rule(color=MILD, strokeDash=[3, 3]).encode(y="at:Q")
    return _svg(alt.layer(rule, even, band, line).properties(width=640, height=88), "Balance over time", name, rows)


def gauge_svg(symmetry: Symmetry, name: str, rule_percent: float | None) -> str:
    """Balance on one line: the interval as a bar, the value as a diamond, 50 % in the middle; left is left."""
    if symmetry.index is None or symmetry.low is None or symmetry.high is None:
        return ""
    mid = -symmetry.index * 25
    ends = sorted((-symmetry.low * 25, -symmetry.high * 25))
    reach = max(4.0, math.ceil(max(abs(ends[0]), abs(ends[1])) + 0.3))
    colour = MILD if ends[0] < 0 < ends[1] else LEFT if mid < 0 else RIGHT
    x = alt.X(
        "at:Q",
        title=None,
        scale=alt.Scale(domain=[-reach, reach], nice=False),
        axis=alt.Axis(
            values=[-reach, -2, 0, 2, reach], labelExpr="format(50 + abs(datum.value), '.0f') + ' %'", grid=False
        ),
    )
    layers: list[Any] = []
    if rule_percent is not None:
        off = rule_percent - 50
        marks = alt.Chart(alt.Data(values=[{"at": -off}, {"at": off}]))
        layers.append(marks.mark_rule(color=MILD, strokeDash=[3, 3]).encode(x=x))
    layers.append(alt.Chart(alt.Data(values=[{"at": 0}])).mark_rule(color=INK, strokeWidth=1.4).encode(x=x))
    bar = alt.Chart(alt.Data(values=[{"at": ends[0], "to": ends[1]}]))
    layers.append(bar.mark_rule(color=colour, strokeWidth=9, opacity=0.45).encode(x=x, x2="to:Q"))
    point = alt.Chart(alt.Data(values=[{"at": mid}]))
    layers.append(point.mark_point(shape="diamond", size=110, filled=True, color=colour, opacity=1).encode(x=x))
    return _svg(alt.layer(*layers).properties(width=270, height=26), "Share of each leg with its error", name)


def _time(duration_s: float) -> Any:
    name, unit_s = time_unit(duration_s)
    scale = alt.Scale(domain=[0, duration_s / unit_s], nice=False)
    return alt.X("at:Q", title=name, scale=scale, axis=alt.Axis(grid=False, tickCount=6, labelOverlap=True))


def _few(rows: list[Row], colour: str | None = None) -> Any:
    """Points as well as a line where the line would be too short to see."""
    if sum(row["mid"] is not None for row in rows) > 8:
        return False
    return alt.OverlayMarkDef(size=22) if colour is None else alt.OverlayMarkDef(size=22, color=colour)


def _svg(chart: Any, label: str, name: str, rows: list[Row] | None = None) -> str:
    spec = chart.configure(font=_FONT, background="transparent", padding=2).configure_view(stroke=None)
    spec = spec.configure_axis(
        labelColor=MILD,
        titleColor=MILD,
        titleFontWeight="normal",
        labelFontSize=10,
        titleFontSize=10,
        gridColor=LINE,
        domainColor=LINE,
        tickColor=LINE,
    )
    drawn = spec.to_dict(validate=VALIDATE)
    if rows is not None:
        drawn["datasets"] = {_ROWS: rows}
    svg = str(vl_convert.vegalite_to_svg(drawn))
    svg = _LONG_NUMBER.sub(r"\1", svg)
    # Several drawings share one page: their ids must not meet.
    svg = _ID.sub(rf"\g<1>{name}-\2", svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
