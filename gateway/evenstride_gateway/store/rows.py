"""Rows of the database <-> nouns of the model."""

import json
import math
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, cast

from evenstride_analysis.context import Placed
from evenstride_analysis.model import (
    Assignment,
    ClockFit,
    Doubt,
    Gait,
    Measure,
    PodInfo,
    Session,
    Side,
    Stride,
    Surface,
    Symmetry,
    Verdict,
)
from evenstride_gateway.errors import StoreError
from evenstride_gateway.store.types import Change, ChangeKind, Entity, PublishedKey, StoredStride, StoredSymmetry

GRID_S = 10.0
STRIDE_COLUMNS = tuple(field.name for field in fields(Stride))
_ABOUT = ("stride_id", "session_id", "published_t_s", "retired", "change", "surface", "direction", "lap")
STORED_COLUMNS = (*_ABOUT, *STRIDE_COLUMNS)  # what `Wearers.stored_fast` takes
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def checked_id(text: str, what: str) -> str:
    """`text` itself if it can name a file on any system and nothing outside its folder. Raises StoreError."""
    if _ID.fullmatch(text) is None:
        raise StoreError(
            f"{what} {text!r}: 1 to 64 letters, digits, '.', '_' or '-' were expected, beginning with a letter or digit"
        )
    return text


def finite(value: float, what: str) -> float:
    if not math.isfinite(value):
        raise StoreError(f"{what} = {value}: a finite number was expected")
    return float(value)


def pod_json(info: PodInfo) -> str:
    return json.dumps(asdict(info))


def pod_from_json(text: str) -> PodInfo:
    values = cast("dict[str, Any]", json.loads(text))
    values["channels"], values["scales"] = tuple(values["channels"]), tuple(values["scales"])
    return PodInfo(**values)


def time_text(at: datetime) -> str:
    if at.tzinfo is None:
        raise StoreError(f"time {at} has no time zone: UTC was expected")
    return at.astimezone(UTC).isoformat()


def session_of(row: sqlite3.Row) -> Session:
    stopped: str | None = row["stopped_at"]
    return Session(
        session_id=row["session_id"],
        runner_id=row["runner_id"],
        started_at=datetime.fromisoformat(row["started_at"]),
        stopped_at=None if stopped is None else datetime.fromisoformat(stopped),
        note=row["note"],
        settings=json.loads(row["settings"]),
        dated=not row["undated"],
    )


def assignment_of(row: sqlite3.Row) -> Assignment:
    return Assignment(
        session_id=row["session_id"],
        pod_id=row["pod_id"],
        runner_id=row["runner_id"],
        side=Side(row["side"]),
        rotation=tuple(json.loads(row["rotation"])),
        rotation_version=row["rotation_version"],
        from_s=row["from_s"],
        to_s=row["to_s"],
    )


def clock_of(row: sqlite3.Row) -> ClockFit:
    names = tuple(field.name for field in fields(ClockFit))
    return ClockFit(**{name: row[name] for name in names})


def stride_values(stride: Stride) -> tuple[object, ...]:
    """The values of STRIDE_COLUMNS. Raises StoreError for NaN and infinity: SQLite would store NaN as "unknown"."""
    values: list[object] = []
    for name in STRIDE_COLUMNS:
        value = getattr(stride, name)
        if isinstance(value, Doubt):
            value = value.value
        elif isinstance(value, float):
            value = finite(value, f"stride at sample {stride.strike_index}: {name}")
        elif not isinstance(value, str) and value is not None:
            value = int(value)
        values.append(value)
    return tuple(values)


def stride_of(row: sqlite3.Row) -> Stride:
    values: dict[str, Any] = {name: row[name] for name in STRIDE_COLUMNS}
    values["gait"], values["doubt"] = Gait(row["gait"]), Doubt(row["doubt"])
    return Stride(**values)


def place_of(row: sqlite3.Row) -> Placed:
    return Placed(surface=Surface(row["surface"]), direction=row["direction"], lap=row["lap"])


@lru_cache(maxsize=4096)
def _placed(surface: str, direction: int, lap: int | None) -> Placed:
    return Placed(surface=Surface(surface), direction=direction, lap=lap)


@cache
def _gait(word: str) -> Gait:
    return Gait(word)


@cache
def _doubt(bits: int) -> Doubt:
    return Doubt(bits)


def grid_index(symmetry: Symmetry) -> int:
    index = round(symmetry.t_s / GRID_S)
    if index * GRID_S != symmetry.t_s:
        raise StoreError(f"symmetry at t = {symmetry.t_s} s: points sit on a fixed grid of {GRID_S:.0f} s")
    return index


def symmetry_values(point: Symmetry) -> tuple[object, ...]:
    return (
        *(None if v is None else finite(v, "symmetry") for v in (point.index, point.low, point.high)),
        point.n_pairs,
        point.verdict.value,
        point.reason,
        point.method,
    )


def symmetry_of(row: sqlite3.Row) -> StoredSymmetry:
    point = Symmetry(
        measure=Measure(row["measure"]),
        t_s=row["grid_index"] * GRID_S,
        index=row["symmetry_index"],
        low=row["low"],
        high=row["high"],
        n_pairs=row["n_pairs"],
        verdict=Verdict(row["verdict"]),
        reason=row["reason"],
        method=row["method"],
    )
    return StoredSymmetry(
        grid_index=row["grid_index"], symmetry=point, retired=bool(row["retired"]), change=row["change"]
    )


def key_text(key: PublishedKey | None) -> str | None:
    return None if key is None else json.dumps(asdict(key))


def change_of(row: sqlite3.Row) -> Change:
    previous: str | None = row["previous"]
    return Change(
        change=row["change"],
        kind=ChangeKind(row["kind"]),
        entity=Entity(row["entity"]),
        entity_id=row["entity_id"],
        session_id=row["session_id"],
        previous=None if previous is None else PublishedKey(**json.loads(previous)),
    )


class Wearers:
    """Who wore a pod on which side at a time, from the assignments in force."""

    def __init__(self, runner_id: str, assignments: Sequence[Assignment]) -> None:
        self._runner_id = runner_id
        self._by_pod: dict[str, list[Assignment]] = {}
        for assignment in assignments:
            self._by_pod.setdefault(assignment.pod_id, []).append(assignment)

    def at(self, pod_id: str, t_s: float) -> tuple[str, Side | None]:
        """(runner id, side); without an assignment the session's runner and no side."""
        for assignment in self._by_pod.get(pod_id, ()):
            if assignment.from_s <= t_s and (assignment.to_s is None or t_s < assignment.to_s):
                return assignment.runner_id, assignment.side
        return self._runner_id, None

    def stored(self, row: sqlite3.Row) -> StoredStride:
        runner_id, side = self.at(row["pod_id"], row["published_t_s"])
        return StoredStride(
            stride_id=row["stride_id"],
            session_id=row["session_id"],
            stride=stride_of(row),
            published_t_s=row["published_t_s"],
            retired=bool(row["retired"]),
            change=row["change"],
            runner_id=runner_id,
            side=side,
            place=place_of(row),
        )

    def stored_fast(self, row: sqlite3.Row) -> StoredStride:
        """The same for a row of STORED_COLUMNS, in a third of the time: sinks read seasons."""
        stride_id, session_id, t_s, retired, change, surface, direction, lap, *rest = row
        values: dict[str, Any] = dict(zip(STRIDE_COLUMNS, rest, strict=True))
        values["gait"], values["doubt"] = _gait(values["gait"]), _doubt(values["doubt"])
        runner_id, side = self.at(values["pod_id"], t_s)
        return StoredStride(
            stride_id=stride_id,
            session_id=session_id,
            stride=Stride(**values),
            published_t_s=t_s,
            retired=bool(retired),
            change=change,
            runner_id=runner_id,
            side=side,
            place=_placed(surface, direction, lap),
        )

    def key(self, row: sqlite3.Row) -> PublishedKey:
        runner_id, _ = self.at(row["pod_id"], row["published_t_s"])
        return PublishedKey(runner_id=runner_id, pod_id=row["pod_id"], t_s=row["published_t_s"])
