"""What a virtual runner is asked to do, and the sensors it wears."""

from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import Gait, Side, Surface
from evenstride_analysis.simulate.wearing import LooseStrap, Slip
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2, radps_from_dps

SLOWEST_RUN_MPS, FASTEST_RUN_MPS = 2.0, 5.5
SLOWEST_WALK_MPS, FASTEST_WALK_MPS = 0.7, 2.0


class Doing(IntEnum):
    STAND = 0
    WALK = 1
    RUN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One stretch at one speed. `gait` None = standing still (speed is then 0).

    `cadence_spm` (steps of both feet a minute) overrides what belongs to the speed; stance keeps its share of the
    stride. `stance_s` overrides the mean stance of both legs. `impact_g` is the mean axial tibial peak after a 60 Hz
    low-pass (running only; None = what belongs to speed and style), `impact_hz` what the tibia rings at: the higher,
    the sharper the shock.
    """

    duration_s: float
    gait: Gait | None = Gait.RUN
    speed_mps: float = 3.0
    cadence_spm: float | None = None
    stance_s: float | None = None
    impact_g: float | None = None
    impact_hz: float = 25.0

    def __post_init__(self) -> None:
        if not 10.0 <= self.impact_hz <= 100.0:
            raise InputError(f"shocks that ring at {self.impact_hz} Hz: 10 to 100 Hz was expected")
        if not self.duration_s > 0:
            raise InputError(f"part of {self.duration_s} s: a positive duration was expected")
        low, high = (
            {
                Gait.RUN: (SLOWEST_RUN_MPS, FASTEST_RUN_MPS),
                Gait.WALK: (SLOWEST_WALK_MPS, FASTEST_WALK_MPS),
            }.get(self.gait, (0.0, float("inf")))
            if self.gait
            else (0.0, float("inf"))
        )
        if not low <= self.speed_mps <= high:
            raise InputError(f"{self.gait} at {self.speed_mps} m/s: {low} to {high} m/s was expected")

    @property
    def doing(self) -> Doing:
        if self.gait is None:
            return Doing.STAND
        return Doing.RUN if self.gait is Gait.RUN else Doing.WALK


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerPlan:
    """A run with everything that can be planted.

    Asymmetries are symmetry indices (L - R) / (0.5 (L + R)), fractions; positive = left longer or harder.
    `bend_asymmetry` is added inside bends; `..._per_min` drift from the start of the run. `style` picks one of the
    reference runners (None = by the seed). With `track` the runner goes round a 400 m track in `lane` (1 = the lap of
    400 m), bends to the left, to the right when `clockwise`.
    """

    parts: tuple[Part, ...]
    standing_s: float = 5.0
    stance_asymmetry: float = 0.0
    impact_asymmetry: float = 0.0
    bend_asymmetry: float = 0.0
    asymmetry_per_min: float = 0.0
    stance_per_min: float = 0.0  # relative growth of both stances
    variation: float = 1.0  # 1 = stride-to-stride variation as measured, 0 = none
    track: bool = False
    style: int | None = None
    clockwise: bool = False
    lane: int = 1

    def __post_init__(self) -> None:
        if not self.parts:
            raise InputError("a plan without parts: at least one part was expected")
        if abs(self.stance_asymmetry) > 0.3 or abs(self.impact_asymmetry) > 1.0:
            raise InputError(
                "planted asymmetry beyond 0.3 (stance) or 1.0 (impact): fractions were expected, not percent"
            )
        if not 1 <= self.lane <= 9:
            raise InputError(f"lane {self.lane}: 1 to 9 was expected")

    @property
    def duration_s(self) -> float:
        return self.standing_s + sum(part.duration_s for part in self.parts)

    def stands_at(self, t_s: float) -> bool:
        """Whether the runner stands at this time, by the plan."""
        parts = [part for start_s, part in self.timed_parts() if start_s <= t_s]
        return t_s >= self.duration_s or not parts or parts[-1].doing is Doing.STAND

    def timed_parts(self) -> list[tuple[float, Part]]:
        """(start in runner seconds, part), the standing start included."""
        parts = list(self.parts)
        if self.standing_s > 0:
            parts.insert(0, Part(duration_s=self.standing_s, gait=None, speed_mps=0.0))
        starts = [0.0]
        for part in parts[:-1]:
            starts.append(starts[-1] + part.duration_s)
        return list(zip(starts, parts, strict=True))

    def moving_spans(self) -> list[tuple[float, float, list[tuple[float, Part]]]]:
        """(start_s, stop_s, timed parts) of each stretch between two times of standing."""
        spans: list[tuple[float, float, list[tuple[float, Part]]]] = []
        timed = self.timed_parts()
        ends = [later for (_, _), (later, _) in pairwise(timed)] + [self.duration_s]
        standing = True
        for (start_s, part), end_s in zip(timed, ends, strict=True):
            if part.doing is Doing.STAND:
                standing = True
                continue
            if standing:
                spans.append((start_s, end_s, [(start_s, part)]))
            else:
                first_s, _, held = spans[-1]
                spans[-1] = (first_s, end_s, [*held, (start_s, part)])
            standing = False
        return spans


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorPlan:
    """The pods' IMUs and how they sit. Noise, bias and drift are SDs per axis, drawn by the seed.

    The true sample rate is rate_hz * (1 + rate_error). `misalignment_..._rad` are rotations about the shank's x, y, z,
    applied in that order.

    Truth are the events of the force reference, between which the mean strides were taken. Without `system_error` the
    signals hold them where truth says; a method still errs on a style as it errs on that runner's mean stride (the
    shipped table was trained on these runners: up to 5 ms a leg, the same on both). With it every leg's events are
    moved by errors that were measured on one leg of a real trial, the runner left out of the training: on top.

    `counted`: every value is a whole number of counts, 32,768 to the range.

    Misalignment, strap and slip belong to a leg. `accel_gain_...` and `stance_error_..._s` (every stance of that pod
    reads longer by it) belong to the pod that starts on that leg, and go with it: at `swap_at_s`, which must lie in a
    time of standing, the two pods change legs.
    """

    rate_hz: float = 416.0
    rate_error: float = 0.0
    accel_noise_mps2: float = 0.02
    gyro_noise_radps: float = 0.0015
    accel_bias_mps2: float = 0.15
    gyro_bias_radps: float = 0.008
    accel_drift_mps2: float = 0.02
    gyro_drift_radps: float = 0.002
    misalignment_left_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)
    misalignment_right_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)
    accel_range_mps2: float = 16 * STANDARD_GRAVITY_MPS2
    gyro_range_radps: float = radps_from_dps(2000.0)
    system_error: bool = False
    counted: bool = False
    strap_left: LooseStrap | None = None
    strap_right: LooseStrap | None = None
    slip_left: Slip | None = None
    slip_right: Slip | None = None
    accel_gain_left: float = 1.0
    accel_gain_right: float = 1.0
    stance_error_left_s: float = 0.0
    stance_error_right_s: float = 0.0
    swap_at_s: float | None = None

    def __post_init__(self) -> None:
        if max(abs(self.stance_error_left_s), abs(self.stance_error_right_s)) > 0.030:
            raise InputError("a pod's stance error beyond 30 ms: seconds were expected")
        if not self.rate_hz > 0 or abs(self.rate_error) > 0.1:
            raise InputError(f"rate {self.rate_hz} Hz, error {self.rate_error}: positive, within 0.1 was expected")

    def leg_of(self, pod: Side, t_s: float) -> Side:
        """The leg that the pod which started on `pod` sits on at this time (and the pod on leg `pod`, likewise)."""
        return pod if self.swap_at_s is None or t_s < self.swap_at_s else pod.other

    def stance_error_s(self, pod: Side) -> float:
        return self.stance_error_left_s if pod is Side.LEFT else self.stance_error_right_s

    @property
    def true_rate_hz(self) -> float:
        return self.rate_hz * (1.0 + self.rate_error)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueStride:
    """One stride as it was planted, in runner seconds.

    `impact_axial_mps2` is the axial peak after a 60 Hz low-pass, gravity included; None in walking. `settled` is False
    where gait changes within the stride. `part` counts the plan's parts from 0.

    On the track: `lap` counts from 1 (0 off the track), `direction` is +1 where bends turn left, -1 where they turn
    right, 0 off the track. `bend_share` is the share of the stride's time spent in a bend, `surface` what holds at its
    middle. `speed_mps` is the mean over the stride.
    """

    strike_s: float
    toe_off_s: float
    end_s: float
    gait: Gait
    surface: Surface
    impact_axial_mps2: float | None
    lap: int
    settled: bool = True
    speed_mps: float = 0.0
    direction: int = 0
    bend_share: float = 0.0
    part: int = 0

    @property
    def stance_s(self) -> float:
        return self.toe_off_s - self.strike_s
