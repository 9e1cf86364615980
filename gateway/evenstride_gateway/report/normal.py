"""The change against a runner's own baseline, in words and as a small picture."""

from dataclasses import dataclass

from evenstride_analysis.baseline import Band, Change, ChangeVerdict, RunMeasure
from evenstride_analysis.units import g_from_mps2, ms_from_s, percent_from_fraction

NAMES = {
    RunMeasure.SYMMETRY: "symmetry of stance",
    RunMeasure.STANCE_LEFT: "stance left",
    RunMeasure.STANCE_RIGHT: "stance right",
    RunMeasure.IMPACT_LEFT: "impact left",
    RunMeasure.IMPACT_RIGHT: "impact right",
    RunMeasure.CADENCE: "cadence",
}
_INK, _MILD, _BAND = "#101826", "#556072", "#c9d1dc"
_WIDTH, _HEIGHT, _ROOM = 300.0, 62.0, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measure for the table of the page."""

    name: str
    value: str
    band: str
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal:
    """What the page says of the change: the primary verdict with its sentence and picture, the others as rows."""

    verdict: ChangeVerdict
    sentence: str
    notes: tuple[str, ...]
    strip: str
    rows: tuple[Row, ...]


def unit(measure: RunMeasure) -> str:
    if measure is RunMeasure.SYMMETRY:
        return "percent"
    if measure is RunMeasure.CADENCE:
        return "steps/min"
    return "ms" if measure.value.startswith("stance") else "g"


def number(measure: RunMeasure, value: float, *, digits: int = 1) -> str:
    """A value in its reader's unit, without it."""
    if measure is RunMeasure.SYMMETRY:
        return f"{percent_from_fraction(value):+.{digits}f}"
    if measure is RunMeasure.CADENCE:
        return f"{value:.{digits}f}"
    return f"{ms_from_s(value) if measure.value.startswith('stance') else g_from_mps2(value):.{digits}f}"


def figure(measure: RunMeasure, value: float) -> str:
    """A value in its reader's unit."""
    return f"{number(measure, value)} {'%' if measure is RunMeasure.SYMMETRY else unit(measure)}"


def normal(changes: tuple[Change, ...]) -> Normal | None:
    """What the page says; None where nothing was compared with anything."""
    primary = next((change for change in changes if change.measure is RunMeasure.SYMMETRY), None)
    if primary is None:
        return None
    return Normal(
        verdict=primary.verdict,
        sentence=_sentence(primary),
        notes=_notes(primary),
        strip=strip_svg(primary),
        rows=tuple(_row(change) for change in changes if change is not primary and change.band is not None),
    )


def _sentence(change: Change) -> str:
    if change.band is None:
        return f"Not comparable: {change.reason}."
    band = change.band
    runs = f"{band.runs} earlier run{'s' if band.runs > 1 else ''} at this pace"
    where = (
        f"This run's index is {figure(change.measure, change.value or 0.0)}; {runs} put your own"
        f" {100 * band.level:.0f} % band at {number(change.measure, band.low)} to {figure(change.measure, band.high)}"
    )
    if change.verdict is ChangeVerdict.CHANGED:
        return f"Changed. {where}."
    return (
        f"Not changed. {where}; a change below {percent_from_fraction(change.smallest or 0.0):.1f} points stays unseen."
    )


def _notes(change: Change) -> tuple[str, ...]:
    notes: list[str] = []
    if change.band is not None:
        notes += [text.capitalize() + "." for text in change.band.widened]
        if change.band.prior is not None:
            prior = change.band.prior
            notes.append(
                f"Fewer than 5 runs: the band leans on a prior of {percent_from_fraction(prior.sd):.1f} % between runs"
                f" ({prior.source})."
            )
        if change.refused:
            notes.append(f"{len(change.refused)} earlier sessions do not count; `evenstride baseline` says why.")
    return tuple(notes)


def _row(change: Change) -> Row:
    band, measure = change.band, change.measure
    assert band is not None
    return Row(
        name=NAMES[measure],
        value="–" if change.value is None else figure(measure, change.value),
        band=f"{number(measure, band.low)} to {number(measure, band.high)}",
        verdict=change.verdict.value,
    )


def strip_svg(change: Change) -> str:
    """Earlier runs as rings, oldest first, the band as a bar behind them, this run as a filled diamond at the end.

    Told apart by shape, not by colour. "" where there is no band.
    """
    band, value = change.band, change.value
    if band is None or value is None:
        return ""
    low, high = _limits(band, value, [x for _, x in change.past])

    def y(x: float) -> float:
        return _ROOM + (high - x) / (high - low) * (_HEIGHT - 2 * _ROOM)

    left, right = 46.0, _WIDTH - 14.0
    step = (right - left - 56.0) / max(len(change.past), 1)
    label = f"Earlier runs, own band and this run: {change.verdict.value}"
    parts = [
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" width="{_WIDTH:.0f}"'
        f' height="{_HEIGHT:.0f}" font-family="Liberation Sans, Arial, sans-serif" font-size="11">',
        f'<rect x="{left:.1f}" y="{y(band.high):.1f}" width="{right - left:.1f}"'
        f' height="{y(band.low) - y(band.high):.1f}" fill="{_BAND}"/>',
        f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{y(band.centre):.1f}" y2="{y(band.centre):.1f}"'
        f' stroke="{_MILD}" stroke-dasharray="3 3"/>',
    ]
    parts += [
        f'<text x="{left - 4:.1f}" y="{y(x) + 3:.1f}" text-anchor="end" fill="{_MILD}">'
        f"{number(change.measure, x)}</text>"
        for x in (band.high, band.low)
    ]
    for n, (_, past) in enumerate(change.past):
        at = left + 8.0 + n * step
        parts.append(f'<circle cx="{at:.1f}" cy="{y(past):.1f}" r="3" fill="#fff" stroke="{_INK}" stroke-width="1.2"/>')
    x0, y0 = right - 9.0, y(value)
    parts.append(
        f'<text x="{x0 - 9:.1f}" y="{y0 + 4:.1f}" text-anchor="end" font-weight="bold" fill="{_INK}">'
        f"{number(change.measure, value)}</text>"
        f'<path d="M{x0:.1f} {y0 - 6:.1f}L{x0 + 6:.1f} {y0:.1f}L{x0:.1f} {y0 + 6:.1f}L{x0 - 6:.1f} {y0:.1f}Z"'
        f' fill="{_INK}"/></svg>'
    )
    return "".join(parts)


def _limits(band: Band, value: float, past: list[float]) -> tuple[float, float]:
    low, high = min(band.low, value, *past), max(band.high, value, *past)
    return low, high if high > low else low + 1e-6
