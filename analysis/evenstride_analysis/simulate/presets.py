"""Named runs for the demo, the report and the tests."""

from dataclasses import dataclass, field, replace

from evenstride_analysis.model import Gait
from evenstride_analysis.simulate.plan import Part, RunnerPlan, SensorPlan
from evenstride_analysis.simulate.runner import VirtualRunner


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A plan with the sensors it is worn with."""

    name: str
    plan: RunnerPlan
    sensor: SensorPlan = field(default_factory=SensorPlan)

    def runner(self, seed: int = 1, *, system_error: bool = False) -> VirtualRunner:
        return VirtualRunner(self.plan, replace(self.sensor, system_error=system_error), seed)


def even(duration_s: float = 90.0, speed_mps: float = 3.0) -> Scenario:
    """An even runner at one speed."""
    return Scenario(name="even", plan=RunnerPlan(parts=(Part(duration_s=duration_s, speed_mps=speed_mps),)))


def uneven(si: float = 0.12, duration_s: float = 90.0, speed_mps: float = 3.0) -> Scenario:
    """The left foot stays longer on the ground by the symmetry index `si` (a fraction)."""
    parts = (Part(duration_s=duration_s, speed_mps=speed_mps),)
    return Scenario(name="uneven", plan=RunnerPlan(parts=parts, stance_asymmetry=si))


def clipped(duration_s: float = 90.0) -> Scenario:
    """A hard heel striker whose shocks go beyond a 16 g pod."""
    parts = (Part(duration_s=duration_s, speed_mps=3.5, impact_g=21.0),)
    return Scenario(name="clipped", plan=RunnerPlan(parts=parts))


def too_short() -> Scenario:
    """Over before anything can be said."""
    return Scenario(name="too short", plan=RunnerPlan(parts=(Part(duration_s=8.0, speed_mps=3.0),)))


def track_session(minutes: float = 10.0) -> Scenario:
    """Walk to the start, run laps at an easy and a brisk speed, tire a little to the left, walk home."""
    run_s = max(60.0 * minutes - 50.0, 60.0)
    parts = (
        Part(duration_s=20.0, gait=Gait.WALK, speed_mps=1.3),
        Part(duration_s=0.6 * run_s, speed_mps=2.8),
        Part(duration_s=0.4 * run_s, speed_mps=3.6),
        Part(duration_s=20.0, gait=Gait.WALK, speed_mps=1.3),
    )
    plan = RunnerPlan(parts=parts, track=True, bend_asymmetry=0.02, asymmetry_per_min=0.002)
    return Scenario(name="track session", plan=plan)
