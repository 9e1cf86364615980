"""What doubted strides do to the verdicts (docs/decisions/0010-context.md).

A stride is left out because of what it looks like, so the strides that stay are a choice. Up to a tenth of a leg's
running strides is taken as harmless. Beyond, the mean of what stays may be off by at most what leaving out the most
extreme strides of that share would do to a normal distribution, SD phi(z) / (1 - share); the interval is widened by
that bound as if it were a 95 % one. From one half on, or one quarter of a loose pod's, there is no verdict: a pod that
moves on the leg is not to be trusted where it goes unnoticed either. Missing samples choose no strides.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np

from evenstride_analysis.model import Doubt, DoubtShare, Gait, Measure, Side, Step
from evenstride_analysis.symmetry import SystematicError, is_clean, value_of

HARMLESS, TOO_MANY, TOO_MANY_LOOSE = 0.10, 0.50, 0.25
_BLIND = Doubt.GAP | Doubt.ON_POD | Doubt.CLIPPED  # they come with the radio or have a rule of their own
_Z95 = NormalDist().inv_cdf(0.975)
_WORDS = {
    "loose": "the pod moves on the leg",
    "candidates_disagree": "two rules disagree on an event",
    "out_of_range": "outside what the method was trained on",
    "fallback": "the main rule found nothing",
    "alternation": "left and right do not alternate",
}


def doubt_shares(steps: Sequence[Step]) -> tuple[DoubtShare, ...]:
    """Both legs' shares among `steps`, with what they do to the verdict on stance."""
    return tuple(_share(side, [s for s in steps if s.side is side and s.gait is Gait.RUN]) for side in Side)


def _share(side: Side, running: Sequence[Step]) -> DoubtShare:
    names: Counter[str] = Counter()
    doubted = 0
    for step in running:
        doubt = step.stride.doubt & ~_BLIND
        if doubt or not step.alternates:
            doubted += 1
            names[doubt.names[0] if doubt else "alternation"] += 1
    loose = sum(Doubt.LOOSE in step.stride.doubt for step in running)
    share = DoubtShare(
        side=side,
        running=len(running),
        share=doubted / len(running) if running else 0.0,
        worst="loose" if loose > TOO_MANY_LOOSE * len(running) else max(names, key=names.__getitem__, default=""),
        effect="",
    )
    if refusal_of((share,)):
        return replace(share, effect="no verdict")
    return replace(share, effect="interval widened") if share.share > HARMLESS else share


def refusal_of(shares: Sequence[DoubtShare]) -> str:
    """Why so many doubts allow no verdict; empty where they do."""
    for share in shares:
        limit = TOO_MANY_LOOSE if share.worst == "loose" else TOO_MANY
        if share.share > limit:
            word = "loose" if share.worst == "loose" else "doubted"
            return f"{word}: {share.share:.0%} of the {share.side} leg's strides ({_WORDS[share.worst]})"
    return ""


def widened(system: SystematicError, shares: Sequence[DoubtShare], steps: Sequence[Step]) -> SystematicError:
    """The system error with the doubted strides' part in it, per measure."""
    if all(share.share <= HARMLESS for share in shares):
        return system
    extra: Mapping[Measure, float] = {measure: _bound(measure, shares, steps) / _Z95 for measure in Measure}
    return replace(
        system,
        allowance=math.hypot(system.allowance, extra[Measure.STANCE]),
        impact=math.hypot(system.impact, extra[Measure.IMPACT]),
        impact_axial=math.hypot(system.impact_axial, extra[Measure.IMPACT_AXIAL]),
    )


def _bound(measure: Measure, shares: Sequence[DoubtShare], steps: Sequence[Step]) -> float:
    """How far leaving strides out may have moved the index, at most; a fraction."""
    total = 0.0
    for share in shares:
        own = [step for step in steps if step.side is share.side and is_clean(step, measure)]
        values = np.array([value for step in own if (value := value_of(step, measure)) is not None])
        if len(values) < 2 or not HARMLESS < share.share < 1.0:
            continue
        normal = NormalDist()
        shift = normal.pdf(normal.inv_cdf(share.share)) / (1.0 - share.share)
        total += shift * float(values.std(ddof=1)) / abs(float(values.mean()))
    return total
