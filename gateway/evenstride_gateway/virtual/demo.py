"""The demo's cast: a planned or a recorded runner on two virtual pods, and the truth to compare with."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from evenstride_analysis.model import Gait, Side, Stride
from evenstride_analysis.simulate import Part, RunnerPlan, SensorPlan, VirtualRunner
from evenstride_analysis.simulate.score import LegScore, score_leg
from evenstride_gateway.link.backend import LinkBackend
from evenstride_gateway.tables.reading import read_recording
from evenstride_gateway.virtual.firmware_world import firmware_world
from evenstride_gateway.virtual.pod_signal import RecordingSource, RunnerSource, SignalSource
from evenstride_gateway.virtual.world import RunnerTime, in_runner_time, virtual_world

STANDING_S = 2.0
WALKING_S = 8.0
WALKING_PART = 1 / 6  # at most: a short demo is for running too
MARGIN_S = 1.6  # a stride needs the swing before and the one behind it: at the edges of a recording there is none
OPEN_END_S = 1200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Signals of both legs; `runner` is None for a recording, whose truth nobody planted."""

    signals: dict[Side, SignalSource]
    runner: VirtualRunner | None
    duration_s: float | None


def virtual_cast(*, seconds: float | None, asymmetry: float, speed_mps: float, seed: int, system_error: bool) -> Cast:
    """A runner who stands, walks to the start and runs laps of a 400 m track. `asymmetry` is the planted index."""
    running_s = OPEN_END_S if seconds is None else seconds + 30.0
    walking_s = WALKING_S if seconds is None else min(WALKING_S, WALKING_PART * seconds)
    plan = RunnerPlan(
        parts=(
            Part(duration_s=walking_s, gait=Gait.WALK, speed_mps=1.3),
            Part(duration_s=running_s, gait=Gait.RUN, speed_mps=speed_mps),
        ),
        standing_s=STANDING_S,
        stance_asymmetry=asymmetry,
        track=True,
    )
    runner = VirtualRunner(plan, SensorPlan(system_error=system_error), seed)
    return Cast(signals={side: RunnerSource(runner, side) for side in Side}, runner=runner, duration_s=plan.duration_s)


def recorded_cast(path: Path) -> Cast:
    """Both legs of a recording table, each played at its own rate. Raises InputError."""
    recording = read_recording(path)
    signals: dict[Side, SignalSource] = {
        side: RecordingSource(leg.accel_mps2, leg.gyro_radps, leg.rate_hz) for side, leg in recording.legs.items()
    }
    return Cast(signals=signals, runner=None, duration_s=recording.duration_s)


class Stage(RunnerTime, Protocol):
    """A world as the demo sees it."""

    @property
    def backend(self) -> LinkBackend: ...

    @property
    def sides(self) -> dict[str, Side]: ...


@asynccontextmanager
async def on_stage(cast: Cast, *, pod: Path | None = None) -> AsyncGenerator[Stage, None]:
    """The cast in its world: on virtual pods, or on the firmware as the program `pod`."""
    if pod is None:
        async with virtual_world(cast.signals) as world:
            yield world
    else:
        duration_s = OPEN_END_S if cast.duration_s is None else cast.duration_s
        async with firmware_world(cast.signals, program=pod, duration_s=duration_s) as world:
            yield world


@dataclass(frozen=True, slots=True, kw_only=True)
class LegTruth:
    """One leg's planted running strides against those found. Seconds."""

    planted: int
    missed: int
    false: int
    stance_true_s: float
    stance_found_s: float

    @property
    def error_s(self) -> float:
        return self.stance_found_s - self.stance_true_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    legs: dict[Side, LegTruth]
    index_true: float
    index_found: float

    @property
    def index_error(self) -> float:
        return self.index_found - self.index_true


def compare(
    cast: Cast,
    world: RunnerTime,
    strides: Mapping[Side, list[Stride]],
    recorded_s: Mapping[Side, tuple[float, float]],
) -> Comparison | None:
    """The stored strides against the planted truth; None where nothing was planted or nothing found.

    `recorded_s`: runner seconds of the first and last stored sample of each leg. Both indices are of matched strides.
    """
    if cast.runner is None:
        return None
    counts: dict[Side, LegScore] = {}
    scores: dict[Side, LegScore] = {}  # of what is running to the gateway as well: the rest enters no mean of its own
    for side in Side:
        first_s, last_s = recorded_s[side]
        inside = [
            stride
            for stride in cast.runner.truth(side)
            if stride.gait is Gait.RUN and first_s + MARGIN_S <= stride.strike_s and stride.end_s <= last_s - MARGIN_S
        ]
        timed = in_runner_time(world, side, strides[side])
        found = [s for s in timed if inside and inside[0].strike_s - 0.3 < s.strike_s < inside[-1].end_s - 0.3]
        counts[side] = score_leg(side, inside, found)
        scores[side] = score_leg(side, inside, [stride for stride in found if stride.gait is Gait.RUN])
    if any(len(score.stance_true_s) == 0 for score in scores.values()):
        return None
    legs = {
        side: LegTruth(
            planted=counts[side].planted,
            missed=counts[side].missed,
            false=counts[side].false,
            stance_true_s=float(score.stance_true_s.mean()),
            stance_found_s=float((score.stance_true_s + score.stance_error_s).mean()),
        )
        for side, score in scores.items()
    }
    return Comparison(
        legs=legs,
        index_true=_index(legs[Side.LEFT].stance_true_s, legs[Side.RIGHT].stance_true_s),
        index_found=_index(legs[Side.LEFT].stance_found_s, legs[Side.RIGHT].stance_found_s),
    )


def _index(left: float, right: float) -> float:
    return (left - right) / (0.5 * (left + right))
