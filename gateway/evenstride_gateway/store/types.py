"""What the store hands out besides the nouns of the model."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from evenstride_analysis.context import Placed
from evenstride_analysis.model import Side, Stride, Symmetry

NOWHERE = Placed()


class ChangeKind(StrEnum):
    INSERT = "insert"
    UPDATE = "update"
    RETIRE = "retire"


class Entity(StrEnum):
    SESSION = "session"
    ASSIGNMENT = "assignment"
    STRIDE = "stride"
    SYMMETRY = "symmetry"
    GAPS = "gaps"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedKey:
    """What a sink files a point under. `pod_id` is empty for symmetry, `t_s` in session seconds."""

    runner_id: str
    pod_id: str
    t_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of the feed. `previous` is the key that was valid before it (None for an insert)."""

    change: int
    kind: ChangeKind
    entity: Entity
    entity_id: str
    session_id: str
    previous: PublishedKey | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """When a session began and whose it is, or was: kept for the sinks beyond the session's deletion."""

    session_id: str
    runner_id: str
    started_at: datetime
    deleted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A point or message that a server refused for good, and why."""

    sink: str
    at: datetime
    reason: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The only place where a name stands; everything else carries the runner id."""

    runner_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mass:
    """How heavy a runner is, with the error (SD) of that figure."""

    mass_kg: float
    mass_sd_kg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a pod usually sits, taken over into the assignment of each new session. `runner_id` "" = whoever runs."""

    pod_id: str
    side: Side
    runner_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStride:
    """A stride with what the store gave it for ever: id and publication time (session seconds).

    `runner_id` and `side` follow from the assignment in force at that time (side None = none was).
    `change` is the number of its last change. `place` is provisional until the session's end.
    """

    stride_id: int
    session_id: str
    stride: Stride
    published_t_s: float
    retired: bool
    change: int
    runner_id: str
    side: Side | None
    place: Placed = NOWHERE

    @property
    def key(self) -> PublishedKey:
        return PublishedKey(runner_id=self.runner_id, pod_id=self.stride.pod_id, t_s=self.published_t_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSymmetry:
    """A symmetry point of the 10 s grid; `t_s` = 10 s times `grid_index`."""

    grid_index: int
    symmetry: Symmetry
    retired: bool
    change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TailCut:
    """A raw log ended in the middle of a block (power cut, kill -9); the incomplete end was cut off.

    `last_index` is the last sample index that is safe (None: no sample at all), `boot_id` its boot.
    """

    session_id: str
    pod_id: str
    cut_bytes: int
    boot_id: int | None
    last_index: int | None

    def __str__(self) -> str:
        safe = "no sample is stored" if self.last_index is None else f"safe up to sample {self.last_index}"
        return (
            f"session {self.session_id}, pod {self.pod_id}: the last {self.cut_bytes} bytes of the raw log were "
            f"incomplete and were cut off, {safe}"
        )
