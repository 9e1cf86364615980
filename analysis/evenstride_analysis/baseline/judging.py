"""One run against earlier ones: which of them count, and whether it lies outside of what they foretell."""

import math
from collections.abc import Mapping, Sequence

from evenstride_analysis.baseline.nouns import (
    IMPACTS,
    LEVELS,
    STANCES,
    Band,
    Change,
    ChangeVerdict,
    Pace,
    Run,
    RunMeasure,
    RunValue,
)
from evenstride_analysis.baseline.prediction import RUNS_ALONE, SHOES_SD, predict, prior_of, smallest_real_change
from evenstride_analysis.symmetry import SystematicError

BAND_MPS = 0.25  # half width of a pace band
_SPEED_SD_MPS = 0.15  # a speed less certain than this (an estimate from the legs) cannot say which band it is

# d ln(value) / d ln(speed). Stance by force and cadence: 17 RBDS runners at 2.5, 3.5 and 4.5 m/s (study/repeats.py).
# Resultant impact: +38 % from 2.7 to 3.7 m/s, 85 runners (Sheerin 2020; signals.md section 5).
_SLOPE = (
    dict.fromkeys(STANCES, -0.56) | dict.fromkeys(IMPACTS, 1.02) | {RunMeasure.CADENCE: 0.23, RunMeasure.SYMMETRY: 0.0}
)


def pace_reason(run: Run, other: Run) -> str:
    """Why two runs are not of one pace; "" where they are."""
    mine, theirs = run.pace, other.pace
    if mine.label and mine.label == theirs.label:
        return ""
    for whose, pace in (("this run", mine), ("that run", theirs)):
        if pace.speed_mps is None:
            return f"the pace of {whose} is not known: enter its speed, or give both runs the same pace name"
        if pace.speed_sd_mps > _SPEED_SD_MPS:
            return (
                f"the speed of {whose} is too uncertain (±{pace.speed_sd_mps:.2f} m/s, {pace.source}):"
                " enter it, or give both runs the same pace name"
            )
    assert mine.speed_mps is not None
    assert theirs.speed_mps is not None
    if abs(mine.speed_mps - theirs.speed_mps) > BAND_MPS:
        return f"another pace: {theirs.speed_mps:.2f} m/s, this run {mine.speed_mps:.2f} +- {BAND_MPS:g} m/s"
    return ""


def method_reason(run: Run, other: Run) -> str:
    """Why the methods of two runs cannot be compared; "" where they can."""
    if "|" in other.method or "|" in run.method:
        which = other if "|" in other.method else run
        return f"run {which.run_id} holds strides of several methods ({which.method}): run it again"
    return "" if run.method == other.method else f"another method ({other.method}, this run {run.method}): run it again"


def judge(
    run: Run, others: Sequence[Run], measure: RunMeasure, *, system: SystematicError, refused: Mapping[str, str] = {}
) -> Change:
    """Judge `run` against `others` (earlier runs, oldest first). `refused`: runs that the caller has ruled out."""
    why = dict(refused)
    mine = run.values.get(measure)
    usable: list[Run] = []
    for other in others:
        reason = why.get(other.run_id) or _own_reason(run, other, measure)
        if reason:
            why[other.run_id] = reason
        else:
            usable.append(other)
    same = [other for other in usable if not _differences(run, other)]
    if len(same) >= RUNS_ALONE:
        for other in usable:
            if other not in same:
                why[other.run_id] = f"{' and '.join(_differences(run, other))}; {len(same)} runs without it are enough"
        usable = same
    if mine is None or not usable:
        reason = run.missing.get(measure, "this run has no value") if mine is None else _why_none(others, why)
        return _not_comparable(measure, reason, None if mine is None else mine.value, why)
    return _compare(run, mine, usable, measure, system=system, refused=why)


def _own_reason(run: Run, other: Run, measure: RunMeasure) -> str:
    if reason := method_reason(run, other) or pace_reason(run, other):
        return reason
    if measure not in other.values:
        return other.missing.get(measure, "it has no value")
    if measure in STANCES | IMPACTS and "other shoes" in _differences(run, other):
        return f"other shoes ({other.shoes}, this run {run.shoes}): they change this measure by themselves"
    return ""


def _differences(run: Run, other: Run) -> tuple[str, ...]:
    found: list[str] = []
    if dict(run.pods) != dict(other.pods):
        swapped = set(run.pods.values()) == set(other.pods.values())
        found.append("the same pods on other legs" if swapped else "other pods")
    if run.shoes and other.shoes and run.shoes.casefold() != other.shoes.casefold():
        found.append("other shoes")
    return tuple(found)


def _why_none(others: Sequence[Run], why: Mapping[str, str]) -> str:
    if not others:
        return "there is no earlier run"
    reasons = [why.get(other.run_id, "") for other in others]
    most = max(set(reasons), key=lambda text: (reasons.count(text), text))
    return f"none of {len(others)} earlier runs counts; {reasons.count(most)} of them: {most}"


def _not_comparable(measure: RunMeasure, reason: str, value: float | None, why: Mapping[str, str]) -> Change:
    return Change(
        measure=measure,
        verdict=ChangeVerdict.NOT_COMPARABLE,
        reason=reason,
        value=value,
        band=None,
        smallest=None,
        past=(),
        refused=why,
    )


def _scaled(measure: RunMeasure, value: float) -> float:
    return value if measure is RunMeasure.SYMMETRY else math.log(value)


def _unscaled(measure: RunMeasure, value: float) -> float:
    return value if measure is RunMeasure.SYMMETRY else math.exp(value)


def _relative(measure: RunMeasure, value: RunValue) -> float:
    return value.se if measure is RunMeasure.SYMMETRY else value.se / value.value


def _known_speed(pace: Pace) -> float | None:
    """A speed that may be reckoned with; one estimated from the legs would explain away what is looked for."""
    return pace.speed_mps if pace.speed_sd_mps <= _SPEED_SD_MPS else None


def _speed_shift(run: Run, other: Run, measure: RunMeasure) -> float:
    """What brings another run's value to this run's speed (0 where one has none that is known)."""
    mine, theirs = _known_speed(run.pace), _known_speed(other.pace)
    return 0.0 if mine is None or theirs is None else _SLOPE[measure] * math.log(mine / theirs)


def _compare(
    run: Run,
    mine: RunValue,
    usable: Sequence[Run],
    measure: RunMeasure,
    *,
    system: SystematicError,
    refused: Mapping[str, str],
) -> Change:
    past = [_scaled(measure, other.values[measure].value) + _speed_shift(run, other, measure) for other in usable]
    widened, extra = _widening(run, mine, usable, measure, system)
    band, degrees = predict(past, level=LEVELS[measure], prior=prior_of(measure, system, run.method), extra_sd=extra)
    value = _scaled(measure, mine.value)
    outside = not band.low <= value <= band.high
    runs = f"{band.runs} earlier run{'s' if band.runs > 1 else ''}"
    where = "outside" if outside else "inside"
    reason = f"{where} the {100 * band.level:.0f} % band of {runs}"
    if band.prior is not None:
        reason += f" (fewer than {RUNS_ALONE}: widened by a prior)"
    return Change(
        measure=measure,
        verdict=ChangeVerdict.CHANGED if outside else ChangeVerdict.NOT_CHANGED,
        reason="; ".join((reason, *widened)),
        value=mine.value,
        band=Band(
            centre=_unscaled(measure, band.centre),
            low=_unscaled(measure, band.low),
            high=_unscaled(measure, band.high),
            level=band.level,
            runs=band.runs,
            sd=band.sd,
            prior=band.prior,
            widened=widened,
        ),
        smallest=smallest_real_change(math.hypot(band.sd, extra / math.sqrt(2.0)), degrees),
        past=tuple((other.run_id, _unscaled(measure, x)) for other, x in zip(usable, past, strict=True)),
        refused=refused,
    )


def _widening(
    run: Run, mine: RunValue, usable: Sequence[Run], measure: RunMeasure, system: SystematicError
) -> tuple[tuple[str, ...], float]:
    """Why the band is wider than the earlier runs alone make it, and the SD that is added in squares."""
    said: list[str] = []
    squares = 0.0
    kinds = {name for other in usable for name in _differences(run, other)}
    if kinds - {"other shoes"} and (u := _pod_error(measure, system)) > 0.0:
        said.append(f"{' and '.join(sorted(kinds - {'other shoes'}))}: widened by {100 * u:.1f} % (assumption)")
        squares += u * u
    if "other shoes" in kinds:
        said.append(f"other shoes: widened by {100 * SHOES_SD:.1f} % (assumption)")
        squares += SHOES_SD * SHOES_SD
    usual = math.fsum(_relative(measure, other.values[measure]) ** 2 for other in usable) / len(usable)
    own = _relative(measure, mine) ** 2
    if own > 2.0 * usual and own > 1e-6:
        said.append("few strides in this run: widened by its sampling error")
        squares += own - usual
    known = _known_speed(run.pace)
    if known is not None and (speed := abs(_SLOPE[measure]) * run.pace.speed_sd_mps / known):
        squares += speed * speed
        said.append(f"error of the speed ({run.pace.source or 'no source'}): widened by {100 * speed:.1f} %")
    return tuple(said), math.sqrt(squares)


def _pod_error(measure: RunMeasure, system: SystematicError) -> float:
    """What another pair of pods may add to a value (SD)."""
    if measure is RunMeasure.SYMMETRY:
        return system.allowance
    if measure in STANCES:
        return system.allowance / math.sqrt(2.0)
    return system.impact / math.sqrt(2.0) if measure in IMPACTS else 0.0
