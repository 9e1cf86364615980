"""The pictures of docs/accuracy.md as static SVG: told apart by shape as well as by colour."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportPrivateImportUsage=false
# altair's generated classes are only partly typed

import re
from statistics import fmean, stdev
from typing import Any

import altair as alt
import vl_convert

from evenstride_analysis.study.result import Study
from evenstride_analysis.units import ms_from_s

INK, MILD, LINE = "#101826", "#556072", "#d5dae2"
LEARNED, RULES = "#0b62b8", "#b85200"
_SPEEDS = ["#0b62b8", "#b85200", "#3a3a3a"]
_SHAPES = ["circle", "square", "triangle-up"]
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
_TWO_SIDED_95 = 1.959964
_LONG_NUMBER = re.compile(r"(\d+\.\d)\d+")
Row = dict[str, Any]


def pictures(study: Study) -> dict[str, str]:
    """File name -> SVG, for the pictures that the study has figures for."""
    found = {
        "agreement.svg": agreement(study),
        "error-by-speed.svg": error_by_speed(study),
        "robustness.svg": robustness(study),
    }
    if len(study.curve) > 1:
        found["learning-curve.svg"] = learning_curve(study)
    if study.planted:
        found["power.svg"] = power(study)
    return found


def _methods(study: Study) -> list[str]:
    return [study.method, "rules-1"]


def agreement(study: Study) -> str:
    """Bland-Altman: the mean stance of each leg in each run, found minus reference against the mean of both."""
    names = _methods(study)
    rows: list[Row] = [
        {
            "at": ms_from_s((leg.reference_s + found) / 2),
            "off": ms_from_s(found - leg.reference_s),
            "speed": f"{leg.speed_mps:g} m/s",
            "method": name,
        }
        for leg in study.legs
        for name, found in zip(names, (leg.learned_s, leg.rules_s), strict=True)
    ]
    limits: list[Row] = []
    for name in names:
        off = [row["off"] for row in rows if row["method"] == name]
        middle, reach = fmean(off), _TWO_SIDED_95 * stdev(off)
        limits += [
            {"method": name, "y": y, "kind": kind}
            for y, kind in ((middle - reach, "limit"), (middle, "bias"), (middle + reach, "limit"))
        ]
    speeds = sorted({row["speed"] for row in rows})
    points = (
        alt.Chart()
        .mark_point(size=34, filled=True, opacity=0.75)
        .encode(
            x=alt.X("at:Q", title="stance, mean of both, ms", scale=alt.Scale(zero=False)),
            y=alt.Y("off:Q", title="found minus reference, ms"),
            color=alt.Color("speed:N", title=None, scale=alt.Scale(domain=speeds, range=_SPEEDS)),
            shape=alt.Shape("speed:N", title=None, scale=alt.Scale(domain=speeds, range=_SHAPES)),
        )
    )
    lines = (
        alt.Chart()
        .transform_filter("isValid(datum.y)")
        .mark_rule(color=INK)
        .encode(
            y="y:Q",
            strokeDash=alt.StrokeDash(
                "kind:N", scale=alt.Scale(domain=["bias", "limit"], range=[[1, 0], [4, 3]]), legend=None
            ),
        )
    )
    layered = alt.layer(points.transform_filter("isValid(datum.off)"), lines, data=alt.Data(values=rows + limits))
    chart = layered.properties(width=330, height=260).facet(column=alt.Column("method:N", title=None, sort=names))
    return _svg(chart, "Found stance against the reference, each point one leg in one run")


def error_by_speed(study: Study) -> str:
    """Each runner's mean error at each speed, and the bias over runners."""
    names = _methods(study)
    grouped: dict[tuple[str, str, float], list[float]] = {}
    for leg in study.legs:
        for name, found in zip(names, (leg.learned_s, leg.rules_s), strict=True):
            key = (name, leg.trial.partition("_")[0], leg.speed_mps)
            grouped.setdefault(key, []).append(ms_from_s(found - leg.reference_s))
    rows: list[Row] = [
        {"method": name, "runner": runner, "speed": speed, "off": sum(values) / len(values)}
        for (name, runner, speed), values in sorted(grouped.items())
    ]
    base = alt.Chart().encode(
        x=alt.X(
            "speed:Q",
            title="speed, m/s",
            scale=alt.Scale(domain=[2.2, 4.8], nice=False),
            axis=_axis([2.5, 3.5, 4.5], ".1f"),
        )
    )
    each = base.mark_line(
        color=MILD, opacity=0.45, strokeWidth=1, point=alt.OverlayMarkDef(size=14, color=MILD)
    ).encode(y=alt.Y("off:Q", title="found minus reference, ms"), detail="runner:N")
    mean = base.mark_line(color=INK, strokeWidth=2.4, point=alt.OverlayMarkDef(size=60, color=INK)).encode(
        y="mean(off):Q"
    )
    none = alt.Chart().mark_rule(color=INK, strokeWidth=0.7).encode(y=alt.datum(0))
    chart = alt.layer(none, each, mean, data=alt.Data(values=rows)).properties(width=260, height=240)
    return _svg(
        chart.facet(column=alt.Column("method:N", title=None, sort=names)),
        "Error against speed, a line for each runner",
    )


def robustness(study: Study) -> str:
    """RMSE under each distortion, both methods."""
    names = _methods(study)
    rows: list[Row] = [
        {"what": f"{row.group}: {row.name}", "order": k, "method": name, "rmse": ms_from_s(value.rmse_s)}
        for k, row in enumerate(study.distortions)
        for name, value in zip(names, (row.learned, row.rules), strict=True)
    ]
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_point(filled=True, size=46, opacity=1)
        .encode(
            x=alt.X("rmse:Q", title="stance RMSE, ms", scale=alt.Scale(zero=True)),
            y=alt.Y(
                "what:N", title=None, sort=alt.EncodingSortField("order"), axis=alt.Axis(labelLimit=330, grid=True)
            ),
            color=alt.Color("method:N", title=None, scale=alt.Scale(domain=names, range=[LEARNED, RULES])),
            shape=alt.Shape("method:N", title=None, scale=alt.Scale(domain=names, range=["circle", "diamond"])),
        )
    )
    return _svg(chart.properties(width=380, height=15 * len(study.distortions)), "Error under each distortion")


def learning_curve(study: Study) -> str:
    """RMSE against the number of training runners, with the range over the drawn groups."""
    rows: list[Row] = [
        {
            "n": point.runners,
            "mid": ms_from_s(point.rmse_s),
            "low": ms_from_s(point.rmse_low_s),
            "high": ms_from_s(point.rmse_high_s),
        }
        for point in study.curve
    ]
    rules_ms = ms_from_s(study.figures["rules"]["runner"].overall.rmse_s)
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("n:Q", title="runners trained on", axis=_axis([row["n"] for row in rows]))
    )
    span = base.mark_rule(color=LEARNED, strokeWidth=5, opacity=0.3).encode(y="low:Q", y2="high:Q")
    line = base.mark_line(color=LEARNED, strokeWidth=2, point=alt.OverlayMarkDef(size=50, color=LEARNED)).encode(
        y=alt.Y("mid:Q", title="stance RMSE, ms", scale=alt.Scale(zero=True))
    )
    rule = alt.Chart(alt.Data(values=[{"y": rules_ms, "text": "rules-1, all other runners"}]))
    level = rule.mark_rule(color=RULES, strokeDash=[5, 3]).encode(y="y:Q")
    text = rule.mark_text(color=RULES, align="right", dy=9, x=414).encode(y="y:Q", text="text:N")
    chart = alt.layer(span, line, level, text).properties(width=420, height=230)
    return _svg(chart, "Learning curve over runners")


def power(study: Study) -> str:
    """Share of runners called uneven against the planted symmetry index."""
    rows: list[Row] = [
        {"at": 100 * level.planted, "share": 100 * share, "verdict": verdict, "source": level.source}
        for level in study.planted
        for verdict, share in (("real", level.real), ("real or possible", level.real + level.possible))
    ]
    shown = alt.Scale(domain=["real", "real or possible"], range=[LEARNED, RULES])
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("at:Q", title="planted symmetry index, %"),
        y=alt.Y("share:Q", title="runners, %", scale=alt.Scale(domain=[0, 100])),
        color=alt.Color("verdict:N", title=None, scale=shown),
        detail="source:N",
    )
    lines = base.mark_line(strokeWidth=2).encode(strokeDash=alt.StrokeDash("source:N", title=None))
    chart = alt.layer(lines, base.mark_point(filled=True, size=40, opacity=1))
    return _svg(chart.properties(width=420, height=230), "How often a planted difference is called real")


def _axis(values: list[float], form: str = "d") -> Any:
    return alt.Axis(values=values, grid=False, format=form)


def _svg(chart: Any, label: str) -> str:
    spec = chart.configure(font=_FONT, background="white", padding=6).configure_view(stroke=LINE)
    spec = spec.configure_axis(
        labelColor=MILD, titleColor=MILD, titleFontWeight="normal", gridColor=LINE, domainColor=LINE, tickColor=LINE
    )
    spec = spec.configure_header(labelColor=INK, labelFontSize=12).configure_legend(labelColor=INK)
    svg = _LONG_NUMBER.sub(r"\1", str(vl_convert.vegalite_to_svg(spec.to_dict(validate=False))))
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1) + "\n"
