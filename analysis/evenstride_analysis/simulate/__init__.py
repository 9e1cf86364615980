"""The virtual runner: signals of both shanks with known truth."""

from evenstride_analysis.simulate.plan import Part, RunnerPlan, SensorPlan, TrueStride
from evenstride_analysis.simulate.presets import (
    Scenario,
    bend_only,
    change_of_pace,
    clipped,
    even,
    intervals,
    laps,
    loose,
    real_pod,
    slipping,
    swap_test,
    too_short,
    track_session,
    uneven,
    worn,
)
from evenstride_analysis.simulate.runner import VirtualRunner
from evenstride_analysis.simulate.score import RunScore, SimulatedAccuracy, detect, score_run, simulated_accuracy
from evenstride_analysis.simulate.sensor import quantise
from evenstride_analysis.simulate.shocks import TrueShock
from evenstride_analysis.simulate.wearing import LooseStrap, Slip, mounted

__all__ = [
    "LooseStrap",
    "Part",
    "RunScore",
    "RunnerPlan",
    "Scenario",
    "SensorPlan",
    "SimulatedAccuracy",
    "Slip",
    "TrueShock",
    "TrueStride",
    "VirtualRunner",
    "bend_only",
    "change_of_pace",
    "clipped",
    "detect",
    "even",
    "intervals",
    "laps",
    "loose",
    "mounted",
    "quantise",
    "real_pod",
    "score_run",
    "simulated_accuracy",
    "slipping",
    "swap_test",
    "too_short",
    "track_session",
    "uneven",
    "worn",
]
