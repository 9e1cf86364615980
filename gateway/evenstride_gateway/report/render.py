"""ReportData -> one self-contained page, and that page -> PDF."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# weasyprint has no types of its own

from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from evenstride_analysis.conversions import sees_well
from evenstride_analysis.model import LegSummary, Measure, Side
from evenstride_analysis.units import g_from_mps2, ms_from_s, percent_from_fraction
from evenstride_gateway.errors import InputError
from evenstride_gateway.report.data import PodFigures, ReportData
from evenstride_gateway.report.legs import legs_warning
from evenstride_gateway.report.moving import impact_lines, mechanics_line
from evenstride_gateway.report.normal import normal
from evenstride_gateway.report.others import other_tools
from evenstride_gateway.report.parts import doubt_lines, ground_text, part_rows
from evenstride_gateway.report.words import RULE_PERCENT, front_page

_MISSING = "–"
_REASONS = {
    "bend": "in bends (reported apart)",
    "speed change": "near a change of speed",
    "warm-up": "warm-up (first tenth)",
    "recovery": "between repetitions",
    "cool-down": "cool-down (last tenth)",
    "walking": "walking",
    "gap": "samples missing",
    "clipped": "clipped: beyond the sensor's range",
    "candidates_disagree": "two rules disagree on an event",
    "loose": "pod loose on the leg",
    "out_of_range": "outside what the method was trained on",
    "on_pod": "raw samples not seen",
    "alternation": "out of turn (left and right do not alternate)",
    "fallback": "main rule found nothing",
}


def render_html(data: ReportData) -> str:
    """The report as one HTML text without any outside resource. Raises InputError where a library is missing."""
    try:
        from evenstride_gateway.report import charts  # noqa: PLC0415 - altair takes a second to load
    except ImportError as error:
        raise InputError("the report needs altair and vl-convert: pip install evenstride[report]") from error
    summary = data.summary
    ranges = [pod.info.accel_range_mps2 for pod in data.pods]
    front = front_page(summary, accel_range_g=g_from_mps2(min(ranges)) if ranges else None)
    gauges = {
        finding.measure: Markup(
            charts.gauge_svg(
                summary.symmetry[finding.measure],
                f"gauge{n}",
                RULE_PERCENT if finding.measure is Measure.STANCE else None,
            )
        )
        for n, finding in enumerate(front.findings)
    }
    drawn = {
        "balance": charts.balance_svg(summary.balance_series, summary.duration_s, "balance", RULE_PERCENT),
        "stance": charts.over_time_svg(
            charts.bands(data.steps, Measure.STANCE, summary.duration_s),
            "Stance of each leg over time",
            "stance",
            summary.duration_s,
        ),
        "impact": charts.over_time_svg(
            charts.bands(data.steps, Measure.IMPACT, summary.duration_s),
            "Impact of each leg over time",
            "impact",
            summary.duration_s,
        ),
    }
    found = normal(data.changes)
    environment = Environment(
        loader=PackageLoader("evenstride_gateway.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        data=data,
        summary=summary,
        front=front,
        legs_warning=legs_warning(data.legs_in_doubt, data.session.session_id),
        gauges=gauges,
        charts={name: Markup(svg) for name, svg in drawn.items()},
        bin_s=charts.bin_width_s(summary.duration_s),
        wide={m: not sees_well(summary.symmetry[m].low, summary.symmetry[m].high) for m in Measure},
        legs=[_leg_cells(summary.legs[side]) for side in Side],
        indices=[_index_cells(data, measure) for measure in Measure],
        verdicts={measure.value: summary.symmetry[measure].verdict.value for measure in Measure},
        excluded=_excluded(data),
        doubts=doubt_lines(summary),
        ground=ground_text(summary),
        parts=part_rows(summary),
        others=other_tools(summary.symmetry[Measure.STANCE]),
        pods=[_pod_cells(pod) for pod in data.pods],
        duration=_duration(summary.duration_s),
        when=_when(data.session.started_at) if data.session.dated else "undated",
        made=_when(data.made_at),
        cadence=_number(summary.cadence_spm, 0),
        normal=found,
        strip=Markup(found.strip) if found is not None else "",
        moving=_moving(data),
        system_percent=f"{percent_from_fraction(data.system.total(Measure.STANCE, summary.method)):.1f}",
        impact_percent=f"{percent_from_fraction(data.system.total(Measure.IMPACT)):.1f}",
    )


def render_pdf(html: str) -> bytes:
    """The same page on A4. Raises InputError where WeasyPrint or its system libraries are missing."""
    try:
        import weasyprint  # noqa: PLC0415 - a second to load, and only PDF needs it
    except (ImportError, OSError) as error:
        raise InputError(
            "PDF needs WeasyPrint (pip install evenstride[report]) and pango (Debian: apt install libpango-1.0-0 "
            f"libpangoft2-1.0-0): {error}"
        ) from error
    document: Any = weasyprint.HTML(string=html)
    return bytes(document.write_pdf())


def _leg_cells(leg: LegSummary) -> dict[str, str]:
    g = _maybe_g
    # A mean without an interval is a bare number: not shown.
    stance = leg.stance_mean_s if leg.stance_low_s is not None else None
    axial, impact = (leg.impact_axial_mean_mps2, leg.impact_mean_mps2) if leg.impact_axial_low_mps2 else (None, None)
    return {
        "side": leg.side.value,
        "stance": _number(_maybe_ms(stance), 1),
        "stance_interval": _interval(_maybe_ms(leg.stance_low_s), _maybe_ms(leg.stance_high_s)),
        "stance_sd": _number(_maybe_ms(leg.stance_sd_s if stance else None), 1),
        "impact": _number(g(impact), 1),
        "axial": _number(g(axial), 1),
        "axial_interval": _interval(g(leg.impact_axial_low_mps2), g(leg.impact_axial_high_mps2)),
        "used": f"{leg.n_used} of {leg.n_strides}",
    }


def _index_cells(data: ReportData, measure: Measure) -> dict[str, str]:
    symmetry = data.summary.symmetry[measure]
    percent = [None if x is None else percent_from_fraction(x) for x in (symmetry.index, symmetry.low, symmetry.high)]
    names = {Measure.STANCE: "stance", Measure.IMPACT: "impact", Measure.IMPACT_AXIAL: "impact along the shin"}
    return {
        "name": names[measure],
        "index": _MISSING if percent[0] is None else f"{percent[0]:+.1f} %",
        "interval": "" if percent[1] is None or percent[2] is None else f"{percent[1]:+.1f} to {percent[2]:+.1f}",
        "verdict": symmetry.verdict.value,
        "reason": symmetry.reason,
        "pairs": str(symmetry.n_pairs),
    }


def _excluded(data: ReportData) -> list[tuple[str, int]]:
    counts = sorted(data.summary.excluded.items(), key=lambda item: -item[1])
    return [(_REASONS.get(name, name), count) for name, count in counts]


def _moving(data: ReportData) -> list[str]:
    lines = impact_lines(data.summary, [pod.info for pod in data.pods], data.cumulative)
    return lines if data.mechanics is None else [*lines, mechanics_line(data.mechanics)]


def _pod_cells(pod: PodFigures) -> dict[str, str]:
    taken = pod.stored + pod.missing
    return {
        "side": pod.side.value,
        "name": f"{pod.info.pod_id} (firmware {pod.info.firmware})",
        "range": f"±{g_from_mps2(pod.info.accel_range_mps2):.0f} g",
        "rate": f"{_number(pod.rate_hz, 1)} Hz" if pod.rate_hz is not None else f"{pod.info.rate_hz:g} Hz nominal",
        "stored": f"{pod.stored:,} of {taken:,}",
        "missing": f"{pod.missing:,} in {pod.gaps} gaps" if pod.missing else "none",
        "causes": f"{pod.dropped_by_pod:,} pod, {pod.lost_by_host:,} host, {pod.died_in_pod:,} power"
        if pod.missing
        else "",
        "clock": _MISSING if pod.clock_bound_s is None else f"±{ms_from_s(pod.clock_bound_s):.1f} ms",
    }


def _maybe_g(value_mps2: float | None) -> float | None:
    return None if value_mps2 is None else g_from_mps2(value_mps2)


def _maybe_ms(value_s: float | None) -> float | None:
    return None if value_s is None else ms_from_s(value_s)


def _number(value: float | None, digits: int) -> str:
    return _MISSING if value is None else f"{value:.{digits}f}"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.1f} to {high:.1f}"


def _duration(duration_s: float) -> str:
    minutes, seconds = divmod(round(duration_s), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def _when(at: datetime) -> str:
    return at.strftime("%d %B %Y, %H:%M %Z").strip().lstrip("0")
