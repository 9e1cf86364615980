"""The virtual runner: signals of both shanks with known truth."""

from evenstride_analysis.simulate.plan import Part, RunnerPlan, SensorPlan, TrueStride
from evenstride_analysis.simulate.presets import Scenario, clipped, even, too_short, track_session, uneven
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
    "clipped",
    "detect",
    "even",
    "quantise",
    "score_run",
    "simulated_accuracy",
    "too_short",
    "track_session",
    "uneven",
]
