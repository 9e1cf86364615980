"""A session's steps -> what it says."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from statistics import median

from evenstride_analysis.context import ANYWHERE, Ground, Reading, read_session
from evenstride_analysis.model import (
    Doubt,
    Gait,
    Measure,
    Side,
    Speed,
    SpeedSource,
    Step,
    Summary,
    Surface,
    Symmetry,
)
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE
from evenstride_analysis.summary.doubting import FEW, doubt_shares, refusal_of, refused, widened
from evenstride_analysis.summary.legs import leg_summary
from evenstride_analysis.summary.live import LiveSession, StraightSymmetry, straight_grid
from evenstride_analysis.summary.parts import parts_of
from evenstride_analysis.symmetry import (
    MIN_PAIRS,
    Question,
    SystematicError,
    is_clean,
    judge_family,
    pairs_of,
)

__all__ = ["LiveSession", "StraightSymmetry", "straight_grid", "summarise"]
_FAMILY = (Measure.STANCE, Measure.IMPACT, Measure.IMPACT_AXIAL)  # the first one is the primary verdict


def summarise(
    steps: Sequence[Step],
    *,
    duration_s: float,
    system: SystematicError,
    ground: Ground = ANYWHERE,
) -> Summary:
    """Statistics and verdicts of a session (its steps in order of strike) that lasted `duration_s`.

    They rest on straight running at a settled speed, without warm-up, recoveries and cool-down; when that leaves fewer
    than 20 pairs, on all straight running. Bends are a part of their own. Means carry 95 % intervals of the mean
    (sampling only, autocorrelation respected).
    """
    reading = read_session(steps, ground)
    chosen, gates = _chosen(reading)
    used = [step for step in chosen if is_clean(step, Measure.STANCE)]
    shares = doubt_shares(chosen)
    wide = widened(system, shares, chosen)
    methods = sorted({step.stride.method for step in steps})
    flights = [step.flight_s for step in used if step.flight_s is not None]
    strides_s = [
        step.stride.stride_s for step in steps if step.gait is Gait.RUN and not step.stride.doubt & ~Doubt.CLIPPED
    ]
    questions = [Question(steps=chosen, measure=measure, t_s=duration_s) for measure in _FAMILY]
    answers = [_explained(found, reading, used) for found in judge_family(questions, system=wide)]
    if reason := refusal_of(shares):
        answers = [refused(found, reason) for found in answers]
    course = reading.course
    return Summary(
        duration_s=duration_s,
        legs={side: leg_summary(side, steps, used) for side in Side},
        cadence_spm=120.0 / median(strides_s) if strides_s else None,
        flight_mean_s=math.fsum(flights) / len(flights) if flights else None,
        symmetry={found.measure: found for found in answers},
        balance_series=tuple(straight_grid(reading.steps, Measure.STANCE, system=system)),
        method="|".join(methods) or DEFAULT_TABLE.method,
        excluded=_excluded(reading.steps, gates),
        parts=parts_of(reading, used, system=wide),
        speed=_speed(reading, used),
        laps=None if course is None else float(course.laps[-1]),
        direction=0 if course is None else course.direction,
        doubts=shares,
    )


def _chosen(reading: Reading) -> tuple[list[Step], list[str]]:
    """The steps that are judged, and why each other one is not. Walking stays in: it is counted by the judge."""
    gates = ["" if step.gait is Gait.WALK else gate for step, gate in zip(reading.steps, reading.gates, strict=True)]
    chosen = [step for step, gate in zip(reading.steps, gates, strict=True) if not gate]
    if len(pairs_of(chosen, Measure.STANCE)) < MIN_PAIRS:
        gates = [gate if gate == "bend" else "" for gate in gates]
        chosen = [step for step, gate in zip(reading.steps, gates, strict=True) if not gate]
    return chosen, gates


def _excluded(steps: Sequence[Step], gates: Sequence[str]) -> dict[str, int]:
    """Every step that did not enter, under its first reason: walking, a doubt's name, alternation, a gate's name."""
    reasons: Counter[str] = Counter()
    for step, gate in zip(steps, gates, strict=True):
        if step.gait is Gait.WALK:
            reasons["walking"] += 1
        elif doubt := step.stride.doubt & ~Doubt.CLIPPED:
            reasons[doubt.names[0]] += 1
        elif not step.alternates:
            reasons["alternation"] += 1
        elif gate:
            reasons[gate] += 1
    return dict(reasons)


def _explained(found: Symmetry, reading: Reading, used: Sequence[Step]) -> Symmetry:
    """A verdict that bends stood in the way of says so."""
    if not found.reason.startswith(FEW):
        return found
    clean = [is_clean(step, Measure.STANCE) for step in reading.steps]
    bends = sum(step.surface is Surface.BEND for step in compress(reading.steps, clean))
    if bends <= len(used) or bends < MIN_PAIRS:
        return found
    reason = f"bend: {bends} of {sum(clean)} running strides were in bends; the legs are compared on straights"
    return replace(found, reason=reason)


def _speed(reading: Reading, used: Sequence[Step]) -> Speed | None:
    """Of the strides behind the verdict: in an interval session the mean of the repetitions."""
    if not used:
        return None
    if not reading.repetitions:
        return reading.speed(used[0].t_s, used[-1].t_s + used[-1].stride.stride_s)
    speeds = [reading.speed(bout.start_s, bout.end_s) for bout in reading.repetitions]
    known = [speed for speed in speeds if speed is not None]
    worst = next((speed for speed in known if speed.source is SpeedSource.ESTIMATE), known[0])
    n = len(known)
    return replace(
        worst,
        mps=math.fsum(speed.mps for speed in known) / n,
        sd_mps=math.fsum(speed.sd_mps for speed in known) / n,
    )
