"""Named runs for the demo, the report and the tests."""

import math
from dataclasses import dataclass, field, replace

from evenstride_analysis.model import Gait, Side
from evenstride_analysis.simulate.plan import Part, RunnerPlan, SensorPlan
from evenstride_analysis.simulate.runner import VirtualRunner
from evenstride_analysis.simulate.track import LAP_M
from evenstride_analysis.simulate.wearing import LooseStrap, Slip, mounted
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2, radps_from_dps

_ACCEL_NOISE_G = 90e-6  # per root Hz, LSM6DS3TR-C data sheet, typical, high-performance mode
_GYRO_NOISE_DPS = 5e-3
_CHANGE_S = 3.0  # from one pace to the next


def real_pod(rate_hz: float = 416.0, *, gyro_bias_dps: float = 0.75) -> SensorPlan:
    """An LSM6DS3TR-C as a runner wears it: the data sheet's noise over half the rate, counts of 16 bits, an
    accelerometer 40 mg off, and a gyro whose bias was taken off once at rest and has wandered since (SD per axis)."""
    root_hz = (rate_hz / 2) ** 0.5
    return SensorPlan(
        rate_hz=rate_hz,
        accel_noise_mps2=_ACCEL_NOISE_G * STANDARD_GRAVITY_MPS2 * root_hz,
        gyro_noise_radps=radps_from_dps(_GYRO_NOISE_DPS * root_hz),
        accel_bias_mps2=0.04 * STANDARD_GRAVITY_MPS2,
        gyro_bias_radps=radps_from_dps(gyro_bias_dps),
        gyro_drift_radps=radps_from_dps(0.15),
        counted=True,
    )


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


def bend_only(si: float = 0.12, laps: float = 4.0, speed_mps: float = 3.2) -> Scenario:
    """Even on the straights; in the bends the left foot stays longer on the ground by `si`."""
    parts = (Part(duration_s=laps * LAP_M / speed_mps, speed_mps=speed_mps),)
    return Scenario(name="bend only", plan=RunnerPlan(parts=parts, track=True, bend_asymmetry=si), sensor=real_pod())


def loose(hertz: float = 12.0, *, damping: float = 0.15, duration_s: float = 90.0, from_s: float = 0.0) -> Scenario:
    """The strap of the left pod lets it wobble, from `from_s` on."""
    strap = LooseStrap(hertz=hertz, damping=damping, from_s=from_s)
    return replace(even(duration_s), name="loose", sensor=SensorPlan(strap_left=strap))


def slipping(turn_deg: float = 25.0, duration_s: float = 300.0) -> Scenario:
    """The left pod creeps round the tibia, by `turn_deg` in all."""
    slip = Slip(turn_rad=(0.0, math.radians(turn_deg), 0.0), from_s=30.0, until_s=duration_s)
    return replace(even(duration_s), name="slipping", sensor=SensorPlan(slip_left=slip))


def worn(*, medial: bool = True, upside_down: tuple[Side, ...] = (), duration_s: float = 90.0) -> Scenario:
    """Both pods on the inside (or outside) of the legs, logo outward; those named `upside_down` the wrong way up."""
    left, right = (mounted(side, medial=medial, upside_down=side in upside_down) for side in Side)
    sensor = replace(real_pod(), misalignment_left_rad=left, misalignment_right_rad=right)
    return replace(even(duration_s), name="worn", sensor=sensor)


def swap_test(
    body: float = 0.05, pod_s: float = 0.006, *, strides: int = 60, speed_mps: float = 3.0, stand_s: float = 20.0
) -> Scenario:
    """The swap-legs test: `strides` a leg, pods swapped while standing, as many again.

    `body` is the legs' own symmetry index, `pod_s` what the pod that starts on the left reads more of every stance
    than the other one: half of it each. The swap is in the middle of the stand.
    """
    leg_s = (strides + 4) * 0.85  # no style is slower at running pace; the ends hold strides that do not count
    run = Part(duration_s=leg_s, speed_mps=speed_mps)
    rest = Part(duration_s=stand_s, gait=None, speed_mps=0.0)
    plan = RunnerPlan(parts=(run, rest, run), stance_asymmetry=body)
    sensor = replace(
        real_pod(),
        stance_error_left_s=0.5 * pod_s,
        stance_error_right_s=-0.5 * pod_s,
        swap_at_s=plan.standing_s + leg_s + 0.5 * stand_s,
    )
    return Scenario(name="swap test", plan=plan, sensor=sensor)


def change_of_pace(from_mps: float, to_mps: float) -> tuple[Part, ...]:
    """Six steps of half a second each from one running speed to another."""
    steps = 6
    return tuple(
        Part(duration_s=_CHANGE_S / steps, speed_mps=from_mps + (to_mps - from_mps) * (k + 0.5) / steps)
        for k in range(steps)
    )


def laps(count: float = 6.0, speed_mps: float = 3.0, *, clockwise: bool = False, lane: int = 1) -> Scenario:
    """Laps of a 400 m track at one speed, with pods as they are."""
    parts = (Part(duration_s=count * LAP_M / speed_mps, speed_mps=speed_mps),)
    plan = RunnerPlan(parts=parts, track=True, clockwise=clockwise, lane=lane, bend_asymmetry=0.02)
    return Scenario(name="laps", plan=plan, sensor=real_pod())


def intervals(
    repetitions: int = 5,
    *,
    fast_m: float = 400.0,
    jog_m: float = 200.0,
    fast_mps: float = 4.5,
    jog_mps: float = 2.5,
    clockwise: bool = False,
) -> Scenario:
    """Walk, warm up, repetitions with jogged recoveries, cool down, walk; on the track, with pods as they are."""
    easy_mps = 2.9
    parts = [
        Part(duration_s=25.0, gait=Gait.WALK, speed_mps=1.4),
        Part(duration_s=120.0, speed_mps=jog_mps),
        *change_of_pace(jog_mps, easy_mps),
        Part(duration_s=180.0, speed_mps=easy_mps),
    ]
    pace_mps = easy_mps
    for number in range(repetitions):
        parts += [*change_of_pace(pace_mps, fast_mps), Part(duration_s=fast_m / fast_mps, speed_mps=fast_mps)]
        parts += change_of_pace(fast_mps, jog_mps)
        pace_mps = jog_mps
        if number < repetitions - 1:
            parts.append(Part(duration_s=jog_m / jog_mps, speed_mps=jog_mps))
    parts += [Part(duration_s=150.0, speed_mps=jog_mps), Part(duration_s=25.0, gait=Gait.WALK, speed_mps=1.3)]
    plan = RunnerPlan(parts=tuple(parts), track=True, clockwise=clockwise, bend_asymmetry=0.02)
    return Scenario(name="intervals", plan=plan, sensor=real_pod())
