"""The parts of a session as a table, and what is said of doubts and of the ground. Every figure is the summary's."""

from dataclasses import dataclass

from evenstride_analysis.model import Part, PartKind, Side, Speed, SpeedSource, Summary
from evenstride_analysis.units import balance_percent, ms_from_s

_MISSING = "–"
_GROUPED = {
    PartKind.STRAIGHT: "on the straights",
    PartKind.BEND_LEFT: "in bends to the left",
    PartKind.BEND_RIGHT: "in bends to the right",
    PartKind.FIRST: "first half of the strides judged",
    PartKind.LAST: "second half of them",
}
_COUNTED = {PartKind.LAP: "lap", PartKind.REPETITION: "repetition", PartKind.PACE: "stretch at one speed"}
_DOUBTS = {
    "loose": "the pod moves on the leg",
    "candidates_disagree": "two rules disagree on an event",
    "out_of_range": "outside what the method was trained on",
    "fallback": "main rule found nothing",
    "alternation": "left and right do not alternate",
}
_EFFECTS = {"interval widened": "the intervals are wider for it", "no verdict": "too many for a verdict"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """One line of the table, ready to be written. `first` begins a new kind of part."""

    name: str
    span: str
    speed: str
    left: str
    right: str
    share: str
    pairs: str
    first: bool


def part_rows(summary: Summary) -> list[PartRow]:
    """All parts in order."""
    rows: list[PartRow] = []
    before: PartKind | None = None
    for part in summary.parts:
        same = before is not None and (part.kind is before or (part.kind in _GROUPED and before in _GROUPED))
        rows.append(_row(part, first=not same))
        before = part.kind
    return rows


def _row(part: Part, *, first: bool) -> PartRow:
    found = part.symmetry
    share = f"{_MISSING} ({found.reason.partition(':')[0]})"
    if found.index is not None and found.low is not None and found.high is not None:
        low, high = balance_percent(found.low), balance_percent(found.high)
        share = f"{balance_percent(found.index):.1f} ({low:.1f} to {high:.1f})"
    return PartRow(
        name=_GROUPED.get(part.kind) or f"{_COUNTED[part.kind]} {part.number}",
        span=f"{_clock(part.start_s)}–{_clock(part.end_s)}",
        speed=speed_text(part.speed),
        left=_stance(part, Side.LEFT),
        right=_stance(part, Side.RIGHT),
        share=share,
        pairs=str(found.n_pairs),
        first=first,
    )


def _stance(part: Part, side: Side) -> str:
    leg = part.legs[side]
    if leg.stance_mean_s is None or leg.stance_low_s is None or leg.stance_high_s is None:
        return _MISSING
    half_s = 0.5 * (leg.stance_high_s - leg.stance_low_s)
    return f"{ms_from_s(leg.stance_mean_s):.1f} ± {ms_from_s(half_s):.1f}"


def speed_text(speed: Speed | None) -> str:
    """A speed with its error; an estimate is marked, and none at all says what follows."""
    if speed is None:
        return "not comparable"
    sign = "≈ " if speed.source is SpeedSource.ESTIMATE else ""
    digits = 1 if speed.source is SpeedSource.ESTIMATE else 2
    return f"{sign}{speed.mps:.{digits}f} ± {speed.sd_mps:.{digits}f} m/s"


def ground_text(summary: Summary) -> str:
    """Laps, direction and speed of the strides judged, and where the speed comes from."""
    said: list[str] = []
    if summary.laps is not None:
        way = "left (counter-clockwise)" if summary.direction > 0 else "right (clockwise)"
        said.append(f"{summary.laps:.1f} laps of a track, bends to the {way}.")
    if summary.speed is not None:
        why = f": {summary.speed.detail}" if summary.parts else f" ({summary.speed.source.value})"
        said.append(f"Speed {speed_text(summary.speed)}{why}.")
    return " ".join(said)


def doubt_lines(summary: Summary) -> list[str]:
    """What share of each leg's running strides is doubted, why, and what that did."""
    return [
        f"{share.side.value.capitalize()} leg: {100 * share.share:.0f} % of {share.running} running strides doubted"
        f" ({_DOUBTS.get(share.worst, share.worst)}); {_EFFECTS.get(share.effect, 'few enough to leave out')}."
        for share in summary.doubts
        if share.share > 0.0
    ]


def _clock(t_s: float) -> str:
    minutes, seconds = divmod(round(t_s), 60)
    return f"{minutes}:{seconds:02d}"
