"""Straight or bend, laps and their speed: virtual sessions on a track and a treadmill, through the whole detector.

The runners are styles that no constant of the context was chosen on; their pods have the gyro bias of a pod (0.75 deg/s
SD per axis) and foot placement scatters as on 53 treadmill runs of RBDS (the virtual runner's own scatters less).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evenstride_analysis.context import Ground, LiveContext, read_session
from evenstride_analysis.model import Side, Step, Surface
from evenstride_analysis.pairing import Pairing
from evenstride_analysis.simulate import Scenario, TrueStride, VirtualRunner, detect, laps, real_pod
from evenstride_analysis.simulate.plan import Part, RunnerPlan
from evenstride_analysis.strides.detector import StrideDetector

RATE_HZ = 104.0  # the lowest that pods have: turning needs no more
PLACEMENT_SD_RAD = 0.026  # of the shank's direction at contact
LAP_M = 400.0
_BOUND_S = 0.001
_GOAL = 0.98
_TREADMILL = Scenario(name="treadmill, 3.0 m/s", plan=RunnerPlan(parts=(Part(duration_s=240.0),)), sensor=real_pod())
_FIRST_SEED = 11  # tests and the making of the context used those below


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One virtual session: which scenario, and whose legs."""

    scenario: Scenario
    seed: int
    lap_m: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was right of one session. Shares of strides; `speed_errors` of whole laps, fractions."""

    name: str
    right: float
    right_live: float
    lap_right: float | None
    speed_errors: tuple[float, ...]


def courses() -> list[Course]:
    """Every session of the table."""
    track = [
        (replace(laps(2.2, 3.0), name="track, lane 1, 3.0 m/s"), 8, LAP_M),
        (replace(laps(2.2, 3.6, clockwise=True), name="track, clockwise, 3.6 m/s"), 8, LAP_M),
        (replace(laps(2.2, 2.2), name="track, lane 1, 2.2 m/s"), 3, LAP_M),
        (replace(laps(2.2, 5.0, lane=8), name="track, lane 8, 5.0 m/s"), 3, None),
        (_TREADMILL, 4, None),
    ]
    return [
        Course(scenario=scenario, seed=_FIRST_SEED + k, lap_m=lap_m)
        for scenario, runners, lap_m in track
        for k in range(runners)
    ]


def steps_of(scenario: Scenario, seed: int) -> tuple[list[Step], list[TrueStride]]:
    """Detected steps with the scatter of real foot placement, and the planted stride of each."""
    runner = VirtualRunner(scenario.plan, replace(scenario.sensor, rate_hz=RATE_HZ), seed)
    steps = paired(runner)
    truth = {side: runner.truth(side) for side in Side}
    strikes = {side: np.array([stride.strike_s for stride in truth[side]]) for side in Side}
    planted = [truth[step.side][int(np.argmin(np.abs(strikes[step.side] - step.t_s)))] for step in steps]
    return placed(steps, seed), planted


def paired(runner: VirtualRunner) -> list[Step]:
    """Both legs' strides as steps, clocks known to 1 ms."""
    strides = [(stride.strike_s, side, stride) for side in Side for stride in detect(runner, side, StrideDetector)]
    pairing, steps = Pairing(), list[Step]()
    for t_s, side, stride in sorted(strides, key=lambda seen: (seen[0], seen[1])):
        steps += pairing.push(side, stride, t_s, _BOUND_S)
    return steps + pairing.flush()


def placed(steps: Sequence[Step], seed: int) -> list[Step]:
    """Every foot points a little elsewhere at each contact: neighbouring turns err in opposite directions."""
    random = np.random.default_rng(seed)
    last = dict.fromkeys(Side, 0.0)
    out: list[Step] = []
    for step in steps:
        now = float(random.normal(0.0, PLACEMENT_SD_RAD))
        turn = step.stride.heading_rad
        if turn is not None:
            turn += now - last[step.side]
        last[step.side] = now
        out.append(replace(step, stride=replace(step.stride, heading_rad=turn)))
    return out


def right_share(steps: Sequence[Step], planted: Sequence[TrueStride]) -> float:
    """Share of the steps whose surface is the planted one; off the track all is straight."""
    wanted = [Surface.STRAIGHT if stride.surface is Surface.UNKNOWN else stride.surface for stride in planted]
    return float(np.mean([step.surface is surface for step, surface in zip(steps, wanted, strict=True)]))


def read(course: Course) -> Read:
    """Let the runner run and hold what is read against what was planted. A pure function of `course`: for any pool."""
    steps, planted = steps_of(course.scenario, course.seed)
    reading = read_session(steps, Ground(track_m=course.lap_m))
    live = LiveContext()
    shown = [step for one in steps for step in live.push(one)] + live.flush()
    found, errors = reading.course, list[float]()
    if found is not None and course.lap_m is not None:
        true_mps = course.scenario.plan.parts[0].speed_mps
        speeds = [reading.speed(start_s, end_s) for start_s, end_s in found.whole_laps()]
        errors = [speed.mps / true_mps - 1.0 for speed in speeds if speed is not None]
    return Read(
        name=course.scenario.name,
        right=right_share(reading.steps, planted),
        right_live=right_share(shown, planted),
        lap_right=None
        if found is None
        else float(np.mean([found.number_at(s.t_s) == stride.lap for s, stride in zip(steps, planted, strict=True)])),
        speed_errors=tuple(errors),
    )


def turns_markdown(found: Iterable[Read]) -> str:
    """The section of docs/accuracy.md."""
    by_name: dict[str, list[Read]] = {}
    for one in found:
        by_name.setdefault(one.name, []).append(one)
    rows = [_row(name, some) for name, some in by_name.items()]
    worst = min(one.right for some in by_name.values() for one in some)
    says = "met" if worst >= _GOAL else "**not met**"
    return (
        f"Virtual sessions through the whole detector at {RATE_HZ:g} Hz: gyros with a bias of 0.75 °/s (SD per axis)"
        f" and noise, feet placed as\nscattered as in RBDS. Goal: at least {100 * _GOAL:.0f} % of the strides on the"
        f" right surface; worst session {100 * worst:.1f} % ({says}).\n"
        "Nothing here was tried on a real track with real pods.\n\n"
        "| session | runners | surface right, lowest and mean | live, lowest and mean | lap number right |"
        " speed of a lap, RMS error |\n|---|---|---|---|---|---|\n" + "".join(rows)
    )


def _row(name: str, some: Sequence[Read]) -> str:
    laps_right = [one.lap_right for one in some if one.lap_right is not None]
    errors = np.array([error for one in some for error in one.speed_errors])
    lap = f"{100 * sum(laps_right) / len(laps_right):.1f} %" if laps_right else "no lap found"
    speed = f"{100 * math.sqrt(float((errors * errors).mean())):.1f} %" if len(errors) else "length not said"
    return (
        f"| {name} | {len(some)} | {_both([one.right for one in some])} | {_both([one.right_live for one in some])} |"
        f" {lap} | {speed} |\n"
    )


def _both(shares: Sequence[float]) -> str:
    return f"{100 * min(shares):.1f}, {sum(100 * share for share in shares) / len(shares):.1f} %"
