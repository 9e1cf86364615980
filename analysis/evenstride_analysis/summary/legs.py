"""One leg in numbers."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from evenstride_analysis.model import Doubt, FloatArray, Gait, LegSummary, Measure, Side, Step
from evenstride_analysis.student import t_quantile
from evenstride_analysis.symmetry import effective_number, is_clean


def leg_summary(side: Side, steps: Sequence[Step], used: Sequence[Step]) -> LegSummary:
    """Counts over `steps`, means over `used` (clean running ones); the other leg's steps are passed over."""
    own = [step for step in steps if step.side is side]
    used = [step for step in used if step.side is side]
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
