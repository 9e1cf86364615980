"""The virtual runner: signals of both shanks with known truth."""

from evenstride_analysis.simulate.plan import Part, RunnerPlan, SensorPlan, TrueStride
from evenstride_analysis.simulate.presets import (
    Scenario,
    change_of_pace,
    clipped,
    even,
    intervals,
    laps,
    real_pod,
    too_short,
    track_session,
    uneven,
)
from evenstride_analysis.simulate.runner import VirtualRunner
from evenstride_analysis.simulate.score import RunScore, SimulatedAccuracy, detect, score_run, simulated_accuracy
from evenstride_analysis.simulate.sensor import quantise

__all__ = [
    "Part",
    "RunScore",
    "RunnerPlan",
    "Scenario",
    "SensorPlan",
    "SimulatedAccuracy",
    "TrueStride",
    "VirtualRunner",
    "change_of_pace",
    "clipped",
    "detect",
    "even",
    "intervals",
    "laps",
    "quantise",
    "real_pod",
    "score_run",
    "simulated_accuracy",
    "too_short",
    "track_session",
    "uneven",
]
