"""A session's steps with their surroundings: surface, speed, lap, repetition, and what enters the verdict."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evenstride_analysis.context.bouts import SETTLE_S, Bout, find_bouts, find_repetitions
from evenstride_analysis.context.laps import Course, find_course
from evenstride_analysis.context.speed import SOURCE, error_sd_mps
from evenstride_analysis.context.turning import STRAIGHT, Stretch, Turning, find_turns, speed_series
from evenstride_analysis.errors import InputError
from evenstride_analysis.model import FloatArray, Gait, Speed, SpeedSource, Step, Surface

EDGE_SHARE, EDGE_S = 0.10, 60.0  # of the running time left out at either end, and at most so much
TREADMILL_SHARE = 0.02  # error SD of a treadmill's display: an assumption, belts are rarely checked
_SAME_LEVEL = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the user says of where it was run: the lap of a track, m, or a treadmill's speed, m/s, or neither."""

    track_m: float | None = None
    treadmill_mps: float | None = None

    def __post_init__(self) -> None:
        if self.track_m is not None and self.treadmill_mps is not None:
            raise InputError("a track and a treadmill in one session: one of them was expected")
        if self.track_m is not None and not 100.0 <= self.track_m <= 1000.0:
            raise InputError(f"a lap of {self.track_m:g} m: 100 to 1000 m was expected")
        if self.treadmill_mps is not None and not 0.5 <= self.treadmill_mps <= 8.0:
            raise InputError(f"a treadmill at {self.treadmill_mps:g} m/s: 0.5 to 8 m/s was expected")


ANYWHERE = Ground()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """`steps` with their surface; `gates` says of each why it stays out of the primary verdict ("" = it takes part):
    bend, speed change, warm-up, recovery, cool-down. Walking and doubts are the step's own matter. `levels`: +1 in a
    bend to the left, -1 to the right, 0 elsewhere. `settled`: not within 3 s of a start, a stop or a new speed."""

    steps: tuple[Step, ...]
    gates: tuple[str, ...]
    levels: tuple[int, ...]
    settled: tuple[bool, ...]
    bouts: tuple[Bout, ...]
    repetitions: tuple[Bout, ...]
    stretches: tuple[Stretch, ...]
    course: Course | None
    ground: Ground
    speeds_mps: FloatArray

    def speed(self, start_s: float, end_s: float) -> Speed | None:
        """Mean speed between two session times from the best source there is; None without running."""
        inside = [start_s <= step.t_s < end_s and step.gait is Gait.RUN for step in self.steps]
        if not any(inside):
            return None
        estimated_mps = float(self.speeds_mps[inside].mean())
        belt_mps, lap_m = self.ground.treadmill_mps, self.ground.track_m
        if belt_mps is not None and self._at_the_usual_speed(estimated_mps):
            detail = f"treadmill entry (±{TREADMILL_SHARE:.0%} assumed)"
            return Speed(mps=belt_mps, sd_mps=TREADMILL_SHARE * belt_mps, source=SpeedSource.TREADMILL, detail=detail)
        if lap_m is not None and self.course is not None:
            found = self.course.speed_mps(start_s, end_s, lap_m)
            if found is not None:
                detail = f"laps of {lap_m:g} m"
                return Speed(mps=found[0], sd_mps=found[1], source=SpeedSource.LAP, detail=detail)
        return Speed(mps=estimated_mps, sd_mps=error_sd_mps(estimated_mps), source=SpeedSource.ESTIMATE, detail=SOURCE)

    def _at_the_usual_speed(self, estimated_mps: float) -> bool:
        """A treadmill entry is one speed: it speaks of the longest bout and of those at the same level."""
        longest = max(self.bouts, key=lambda bout: bout.lasted_s)
        return abs(estimated_mps - longest.speed_mps) <= _SAME_LEVEL * longest.speed_mps


def read_session(steps: Sequence[Step], ground: Ground = ANYWHERE) -> Reading:
    """All that the steps (in order of strike) tell of their surroundings."""
    speeds = speed_series(steps)
    turning = find_turns(steps) if ground.treadmill_mps is None else None
    seen = tuple(_surfaced(steps, turning))
    stretches = () if turning is None else turning.stretches
    bouts = find_bouts(seen)
    repetitions = find_repetitions(bouts)
    settled = _settled(seen, bouts)
    return Reading(
        steps=seen,
        gates=tuple(_gates(seen, settled, _phases(seen, bouts, repetitions))),
        levels=(0,) * len(seen) if turning is None else tuple(turning.levels.tolist()),
        settled=tuple(settled),
        bouts=tuple(bouts),
        repetitions=tuple(repetitions),
        stretches=stretches,
        course=find_course(seen, speeds, stretches),
        ground=ground,
        speeds_mps=speeds,
    )


def surfaced(steps: Sequence[Step], ground: Ground = ANYWHERE) -> list[Step]:
    """The same steps with their surface; on a treadmill all is straight."""
    return _surfaced(steps, find_turns(steps) if ground.treadmill_mps is None else None)


def _surfaced(steps: Sequence[Step], turning: Turning | None) -> list[Step]:
    if turning is None:
        return [replace(step, surface=Surface.STRAIGHT) for step in steps]
    return [
        replace(step, surface=surface_of(level, measured=measured))
        for step, level, measured in zip(steps, turning.levels.tolist(), turning.measured.tolist(), strict=True)
    ]


def surface_of(level: int, *, measured: bool) -> Surface:
    """A level of `Turning` as a surface; UNKNOWN where no heading was measured nearby."""
    if not measured:
        return Surface.UNKNOWN
    return Surface.STRAIGHT if level == STRAIGHT else Surface.BEND


def _settled(steps: Sequence[Step], bouts: Sequence[Bout]) -> list[bool]:
    """Whether no start, stop or change of speed lies within 3 s of the middle of each step."""
    changes_s = sorted({t_s for bout in bouts for t_s in (bout.start_s, bout.end_s)})
    borders = np.array([-math.inf, *changes_s, math.inf])
    times = np.array([step.t_s + 0.5 * step.stride.stride_s for step in steps])
    after = np.searchsorted(borders, times)
    return (np.minimum(borders[after] - times, times - borders[after - 1]) >= SETTLE_S).tolist()


def _gates(steps: Sequence[Step], settled: Sequence[bool], phases: Sequence[str]) -> list[str]:
    return [
        "bend" if step.surface is Surface.BEND else phase or ("" if calm else "speed change")
        for step, calm, phase in zip(steps, settled, phases, strict=True)
    ]


def _phases(steps: Sequence[Step], bouts: Sequence[Bout], repetitions: Sequence[Bout]) -> list[str]:
    """Warm-up, recovery, cool-down or "" of every step."""
    if not bouts:
        return [""] * len(steps)
    if repetitions:
        first, last = repetitions[0], repetitions[-1]
        inside = np.zeros(len(steps), dtype=bool)
        for bout in repetitions:
            inside[bout.first : bout.stop] = True
        return [
            "" if inside[k] else "warm-up" if k < first.first else "cool-down" if k >= last.stop else "recovery"
            for k in range(len(steps))
        ]
    running = sum(bout.lasted_s for bout in bouts)
    edge_s = min(EDGE_S, EDGE_SHARE * running)
    warm_s, cool_s = _after(bouts, edge_s), _after(bouts, running - edge_s)
    return ["warm-up" if s.t_s < warm_s else "cool-down" if s.t_s >= cool_s else "" for s in steps]


def _after(bouts: Sequence[Bout], run_s: float) -> float:
    """The session time at which so much had been run."""
    for bout in bouts:
        if run_s <= bout.lasted_s:
            return bout.start_s + run_s
        run_s -= bout.lasted_s
    return bouts[-1].end_s
