"""A session's summary as one run of a baseline."""

import math
from collections.abc import Mapping

from evenstride_analysis.baseline.nouns import Pace, Run, RunMeasure, RunValue
from evenstride_analysis.model import LegSummary, Measure, Side, Summary

_CLIPPED_SHARE = 0.05
_Z95 = 1.96


def run_of(summary: Summary, *, run_id: str, pods: Mapping[Side, str], pace: Pace, shoes: str = "") -> Run:
    """The run that a session's summary describes. Impacts of a leg that clipped in more than 5 % are left out."""
    values: dict[RunMeasure, RunValue] = {}
    missing: dict[RunMeasure, str] = {}
    index = summary.symmetry[Measure.STANCE]
    errors = [_stance_se(leg) for leg in summary.legs.values()]
    if index.index is None:
        missing[RunMeasure.SYMMETRY] = f"no symmetry in it: {index.reason}"
    else:
        values[RunMeasure.SYMMETRY] = RunValue(value=index.index, se=math.hypot(*(error or 0.0 for error in errors)))
    for side, stance, impact in (
        (Side.LEFT, RunMeasure.STANCE_LEFT, RunMeasure.IMPACT_LEFT),
        (Side.RIGHT, RunMeasure.STANCE_RIGHT, RunMeasure.IMPACT_RIGHT),
    ):
        leg = summary.legs[side]
        se = _stance_se(leg)
        if leg.stance_mean_s is None or se is None:
            missing[stance] = missing[impact] = f"too few clean strides of the {side.value} leg"
            continue
        values[stance] = RunValue(value=leg.stance_mean_s, se=se * leg.stance_mean_s)
        if leg.n_clipped > _CLIPPED_SHARE * max(leg.n_strides - leg.n_walk, 1):
            missing[impact] = f"clipped: {leg.n_clipped} {side.value} strides reach the sensor's range"
        elif leg.impact_mean_mps2 is None or leg.impact_mean_mps2 <= 0.0:
            missing[impact] = "impact not measured: it needs 199 Hz or more and no gap"
        else:
            values[impact] = RunValue(value=leg.impact_mean_mps2, se=leg.impact_mean_mps2 * _impact_se(leg))
    if summary.cadence_spm is not None:
        values[RunMeasure.CADENCE] = RunValue(value=summary.cadence_spm)
    else:
        missing[RunMeasure.CADENCE] = "no running in it"
    return Run(run_id=run_id, values=values, pods=pods, method=summary.method, pace=pace, shoes=shoes, missing=missing)


def _stance_se(leg: LegSummary) -> float | None:
    """Sampling error of a leg's mean stance as a fraction of it; None without an interval."""
    if not leg.stance_mean_s or leg.stance_low_s is None or leg.stance_high_s is None:
        return None
    return (leg.stance_high_s - leg.stance_low_s) / 2.0 / _Z95 / leg.stance_mean_s


def _impact_se(leg: LegSummary) -> float:
    """The same of impact, read off the axial peak; 0 where it is not known."""
    mean, low, high = leg.impact_axial_mean_mps2, leg.impact_axial_low_mps2, leg.impact_axial_high_mps2
    return 0.0 if not mean or low is None or high is None else abs((high - low) / 2.0 / _Z95 / mean)
