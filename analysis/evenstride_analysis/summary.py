"""A session's steps -> what it says."""

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median

import numpy as np

from evenstride_analysis.model import Doubt, FloatArray, Gait, LegSummary, Measure, Side, Step, Summary
from evenstride_analysis.strides.rules import DEFAULT_RULES
from evenstride_analysis.student import t_quantile
from evenstride_analysis.symmetry import SystematicError, effective_number, grid, is_clean, symmetry


def summarise(
    steps: Sequence[Step], *, duration_s: float, system: SystematicError, excluded_edges_s: float = 0.0
) -> Summary:
    """Statistics over the clean running steps (in order of strike) of a session that lasted `duration_s`.

    Steps in the first and last `excluded_edges_s` are counted and left out. Means carry 95 % intervals of the mean
    (sampling only, autocorrelation respected).
    """
    inner = [step for step in steps if excluded_edges_s <= step.t_s <= duration_s - excluded_edges_s]
    used = [step for step in inner if is_clean(step, Measure.STANCE)]
    methods = sorted({step.stride.method for step in steps})
    flights = [step.flight_s for step in used if step.flight_s is not None]
    strides_s = [
        step.stride.stride_s for step in inner if step.gait is Gait.RUN and not step.stride.doubt & ~Doubt.CLIPPED
    ]
    return Summary(
        duration_s=duration_s,
        legs={side: _leg(side, steps, [step for step in used if step.side is side]) for side in Side},
        cadence_spm=120.0 / median(strides_s) if strides_s else None,
        flight_mean_s=math.fsum(flights) / len(flights) if flights else None,
        symmetry={measure: symmetry(inner, measure, t_s=duration_s, system=system) for measure in Measure},
        balance_series=tuple(grid(steps, Measure.STANCE, system=system)),
        method="|".join(methods) or DEFAULT_RULES.method,
        excluded=_excluded(steps, inner),
    )


def _excluded(steps: Sequence[Step], inner: Sequence[Step]) -> dict[str, int]:
    """Every step that did not enter, under its first reason: edge, walking, a doubt's name, alternation."""
    reasons: Counter[str] = Counter()
    if len(steps) > len(inner):
        reasons["edge"] = len(steps) - len(inner)
    for step in inner:
        if step.gait is Gait.WALK:
            reasons["walking"] += 1
        elif doubt := step.stride.doubt & ~Doubt.CLIPPED:
            reasons[doubt.names[0]] += 1
        elif not step.alternates:
            reasons["alternation"] += 1
    return dict(reasons)


def _leg(side: Side, steps: Sequence[Step], used: Sequence[Step]) -> LegSummary:
    own = [step for step in steps if step.side is side]
    stance = _interval([step.stride.stance_s for step in used])
    whole = [step.stride for step in used if is_clean(step, Measure.IMPACT)]
    axial = _interval([a for stride in whole if (a := stride.impact_axial_mps2) is not None])
    resultant = [a for stride in whole if (a := stride.impact_mps2) is not None]
    doubts = Counter(name for step in own for name in step.stride.doubt.names)
    return LegSummary(
        side=side,
        n_strides=len(own),
        n_used=len(used),
        stance_mean_s=stance[0],
        stance_low_s=stance[1],
        stance_high_s=stance[2],
        stance_sd_s=float(np.std([step.stride.stance_s for step in used], ddof=1)) if len(used) > 1 else None,
        impact_axial_mean_mps2=axial[0],
        impact_axial_low_mps2=axial[1],
        impact_axial_high_mps2=axial[2],
        impact_mean_mps2=math.fsum(resultant) / len(resultant) if resultant else None,
        n_clipped=sum(Doubt.CLIPPED in step.stride.doubt for step in own),
        n_walk=sum(step.gait is Gait.WALK for step in own),
        doubts=dict(doubts),
    )


def _interval(values: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    """Mean and its 95 % interval; the interval needs 10 values."""
    if not values:
        return None, None, None
    array: FloatArray = np.array(values)
    mean = float(array.mean())
    if len(values) < 10:
        return mean, None, None
    n_eff = effective_number(array)
    half = t_quantile(0.975, n_eff - 1.0) * float(array.std(ddof=1)) / math.sqrt(n_eff)
    return mean, mean - half, mean + half
