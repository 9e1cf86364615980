"""How the pods of a stored session sat: their axes from the raw, kept with a version, and the session run again."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from evenstride_analysis.frames import turn_between_rad
from evenstride_analysis.model import Assignment, FloatArray, PodInfo, Side
from evenstride_analysis.placement.alignment import Alignment, align
from evenstride_analysis.placement.drift import DriftPoint, drift_words
from evenstride_analysis.placement.mounting import placement_words, seat_of
from evenstride_analysis.symmetry import SystematicError
from evenstride_gateway.errors import InputError, StoreError
from evenstride_gateway.recorder import Seat
from evenstride_gateway.rerunning import run_session_again
from evenstride_gateway.results import CASE, PLACEMENT
from evenstride_gateway.samples import SampleReader
from evenstride_gateway.store import CalibrationKind, Placement, Store

_LOOK_S = 240.0  # standing and the first minutes of running are enough; a whole run may hold a pod that was moved
# At stop a rotation is only changed where the one in use is grossly wrong: below it, the found one is no better than
# the one in use (its own error is 6 degrees), and the figures hardly follow (15 degrees: below 1.2 ms, median).
GROSS_RAD = math.radians(30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSeat:
    """One pod of a session. `alignment` None: nothing was found, `problem` says why. `turn_rad`: away from the rotation
    in use; `version` is the new rotation's, None where the old one stays."""

    pod_id: str
    side: Side | None
    alignment: Alignment | None
    problem: str = ""
    turn_rad: float | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatReport:
    """What looking at a session's seats came to; `words` are for the runner, `changes` counts strides that changed."""

    seats: tuple[FoundSeat, ...]
    words: tuple[str, ...]
    changes: int


def find_seats(store: Store, session_id: str) -> list[FoundSeat]:
    """The axes of each pod of a session, from the first minutes of its raw log. Raises StoreError."""
    held = {a.pod_id: a for a in store.assignments(session_id)}
    found: list[FoundSeat] = []
    for pod_id in store.raw_pods(session_id):
        assignment = held.get(pod_id)
        side = None if assignment is None else assignment.side
        info = store.raw_info(session_id, pod_id)
        try:
            alignment = align(*_first_minutes(store, session_id, info), info.rate_hz)
        except InputError as error:
            found.append(FoundSeat(pod_id=pod_id, side=side, alignment=None, problem=str(error)))
            continue
        turn_rad = None if assignment is None else turn_between_rad(alignment.rotation, assignment.rotation)
        found.append(FoundSeat(pod_id=pod_id, side=side, alignment=alignment, turn_rad=turn_rad))
    return found


def settle_seats(
    store: Store, session_id: str, system: SystematicError, *, made_at: datetime, always: bool = False
) -> SeatReport:
    """Look at the seats; keep what was found as the newest rotations of (pod, leg) and run the session again by them.

    Without `always`, only rotations that are more than 30 degrees away from the one in use are changed. A pod without
    a leg gets the one that it sits on, if no other pod is there, from now on. Raises StoreError for a session that is
    not ended.
    """
    session = store.session(session_id)
    if session.stopped_at is None:
        raise StoreError(f"session {session_id} is not ended: its pods' seats are looked at when it is")
    held = {a.pod_id: a for a in store.assignments(session_id)}
    seats = find_seats(store, session_id)
    legs = _found_legs(seats, held)
    for pod_id, side in legs.items():
        held[pod_id] = Assignment(session_id=session_id, pod_id=pod_id, runner_id=session.runner_id, side=side)
        store.put_placement(Placement(pod_id=pod_id, side=side))
    settled: list[FoundSeat] = []
    new: list[Assignment] = []
    for seat in seats:
        wrong = seat.pod_id in legs or (seat.turn_rad is not None and (always or seat.turn_rad > GROSS_RAD))
        if seat.alignment is None or not wrong:
            settled.append(seat)
            continue
        old = held[seat.pod_id]
        version = store.put_calibration(
            CalibrationKind.SEAT,
            f"{seat.pod_id}/{old.side.value}",
            _content(seat.alignment),
            made_at=made_at,
            session_id=session_id,
        )
        new.append(replace(old, rotation=seat.alignment.rotation, rotation_version=version))
        settled.append(replace(seat, side=old.side, version=version))
    words = [*_leg_words(legs), *_words(settled, held)]
    changes = 0
    if new:
        store.put_assignment(*new)
        changes = run_session_again(store, session_id, system).changes
    return SeatReport(seats=tuple(settled), words=tuple(words), changes=changes)


def after_stop(
    store: Store,
    session_id: str,
    drift: Mapping[str, Sequence[DriftPoint]],
    system: SystematicError,
    *,
    made_at: datetime,
) -> tuple[dict[tuple[str, Side], Seat], str]:
    """What a session just stored says of its pods' seats goes into its settings; returns new seats and words."""
    report = settle_seats(store, session_id, system, made_at=made_at)
    sides = {a.pod_id: a.side for a in store.assignments(session_id)}
    alarms = [drift_words(sides[pod_id].value, list(points)) for pod_id, points in drift.items() if pod_id in sides]
    words = [*report.words, *(alarm for alarm in alarms if alarm)]
    if words:
        store.put_settings(session_id, {PLACEMENT: " ".join(words)})
    found = {
        (seat.pod_id, seat.side): Seat(rotation=seat.alignment.rotation, version=seat.version)
        for seat in report.seats
        if seat.alignment is not None and seat.side is not None and seat.version is not None
    }
    return found, " ".join(words)


def stored_seats(store: Store) -> dict[tuple[str, Side], Seat]:
    """The newest rotation of every pod on every leg that it was found on."""
    found: dict[tuple[str, Side], Seat] = {}
    for calibration in store.calibrations(CalibrationKind.SEAT):
        pod_id, _, side = calibration.name.rpartition("/")
        rotation = tuple(calibration.content["rotation"])
        found[pod_id, Side(side)] = Seat(rotation=rotation, version=calibration.version)
    return found


def exchanged(seats: Mapping[tuple[str, Side], Seat], sides: Mapping[str, Side]) -> dict[tuple[str, Side], Seat]:
    """Seats after two pods have changed legs: each sits as the other one sat there (alike cases, the same place)."""
    if len(sides) != 2:
        return {}
    return {
        (pod_id, side.other): seats[other, side.other]
        for pod_id, side in sides.items()
        for other in sides
        if other != pod_id and (other, side.other) in seats
    }


def _found_legs(seats: Sequence[FoundSeat], held: Mapping[str, Assignment]) -> dict[str, Side]:
    """The legs of the pods that nobody gave one, where each is the only pod on its leg."""
    found = {
        seat.pod_id: side
        for seat in seats
        if seat.pod_id not in held and seat.alignment is not None
        for side in [seat_of(seat.alignment, CASE).side]
        if side is not None
    }
    sides = [*found.values(), *(a.side for a in held.values())]
    return {pod_id: side for pod_id, side in found.items() if sides.count(side) == 1}


def _leg_words(legs: Mapping[str, Side]) -> list[str]:
    if not legs:
        return []
    where = " and ".join(f"pod {pod_id} on the {side.value} leg" for pod_id, side in sorted(legs.items()))
    return [
        f"Found by how they sat: {where}. Worn on the outer side, or with the logo towards the leg, it is the other way"
        " round: `evenstride pods swap`."
    ]


def _words(seats: Sequence[FoundSeat], held: Mapping[str, Assignment]) -> list[str]:
    """Nothing while every pod is as it was taken to be without anybody having looked."""
    looked = any(seat.version is not None or held[seat.pod_id].rotation_version for seat in seats if seat.side)
    if not looked:
        return []
    worn = {seat.pod_id: seat_of(seat.alignment, CASE) for seat in seats if seat.alignment is not None}
    return placement_words(worn, {pod_id: a.side for pod_id, a in held.items()})


def _content(alignment: Alignment) -> dict[str, object]:
    return {
        "rotation": list(alignment.rotation),
        "error_rad": alignment.error_rad,
        "standing_s": alignment.standing_s,
        "running_s": alignment.running_s,
        "notes": list(alignment.notes),
    }


def _first_minutes(store: Store, session_id: str, info: PodInfo) -> tuple[FloatArray, FloatArray]:
    """(accel, gyro) in sensor axes of the first minutes of the log, gaps closed up."""
    reader, wanted = SampleReader(info), round(_LOOK_S * info.rate_hz)
    accel: list[FloatArray] = []
    gyro: list[FloatArray] = []
    n = 0
    for piece in store.raw_frames(session_id, info.pod_id):
        block = reader.block(piece)
        accel.append(block.accel_mps2)
        gyro.append(block.gyro_radps)
        n += len(block.accel_mps2)
        if n >= wanted:
            break
    if not accel:
        return np.empty((0, 3)), np.empty((0, 3))
    return np.vstack(accel), np.vstack(gyro)
