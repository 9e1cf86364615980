"""A symmetry in words: the same sentence for the coach at ten metres and for a screen reader."""

from evenstride_analysis import units
from evenstride_analysis.conversions import sees_well
from evenstride_analysis.model import Measure, Side, Symmetry, Verdict
from evenstride_gateway.web.board import Finding

_UNSEEN = "No difference seen (only a large one could be)"  # within noise, and the noise is wide
_LARGER = {Measure.STANCE: "longer", Measure.IMPACT_AXIAL: "harder", Measure.IMPACT: "harder"}


def finding(symmetry: Symmetry | None, *, age_s: float | None) -> Finding:
    """The symmetry as the page shows it; None = nothing was computed yet."""
    if symmetry is None:
        return Finding(detail="no strides yet", age_s=age_s)
    index, low, high = symmetry.index, symmetry.low, symmetry.high
    if symmetry.verdict is Verdict.NOT_MEASURABLE or index is None or low is None or high is None:
        reason = symmetry.reason or "no reason given"
        return Finding(headline="Not measurable", detail=reason, n_pairs=symmetry.n_pairs, age_s=age_s)
    side = Side.LEFT if index > 0 else Side.RIGHT if index < 0 else None
    larger = _LARGER[symmetry.measure]
    where = f"{larger} on the {side.value}" if side else "even"
    headline = {
        Verdict.REAL: where.capitalize(),
        Verdict.POSSIBLE: f"Possibly {where}",
        Verdict.WITHIN_NOISE: "Even, within noise" if sees_well(low, high) else _UNSEEN,
    }[symmetry.verdict]
    sign = -1.0 if side is Side.RIGHT else 1.0
    share = units.balance_percent(sign * index)
    ends = sorted((units.balance_percent(sign * low), units.balance_percent(sign * high)))
    of_side = f" on the {side.value}" if side else ""
    interval = f"{ends[0]:.1f} to {ends[1]:.1f} %"
    detail = f"95 % interval {interval}{of_side} · {symmetry.n_pairs} pairs"
    if symmetry.reason:
        detail += f" · {symmetry.reason}"
    return Finding(
        verdict=symmetry.verdict,
        headline=headline,
        detail=detail,
        side=side,
        shown=f"{share:.1f}",
        interval=interval,
        left_percent=round(units.balance_percent(index), 2),
        low_percent=round(units.balance_percent(low), 2),
        high_percent=round(units.balance_percent(high), 2),
        index_percent=round(units.percent_from_fraction(index), 2),
        n_pairs=symmetry.n_pairs,
        age_s=age_s,
    )
