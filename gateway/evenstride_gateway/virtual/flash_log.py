"""The pod's flash: what survives a power cut. Raw samples and records in rings, anchors, tables, the boot counter."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from evenstride_analysis.model import CountArray
from evenstride_gateway.air import LogKind, LogRange, StrideRecord, TableKind, UtcAnchor

PAGE_HEADER_BYTES = 32
RECORD_BYTES = 40
MAX_STORED_ANCHORS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class BootClock:
    """Tick of each sample of one boot: `ticks_per_sample` apart, the first at `first_tick` (both real numbers)."""

    boot_id: int
    first_tick: float
    ticks_per_sample: float

    def tick(self, index: int) -> int:
        """The counter's value at sample `index`."""
        return int(self.first_tick + index * self.ticks_per_sample)


class Ranges:
    """A set of indices as sorted half-open ranges; what tests do their exact arithmetic on."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._ranges = list[tuple[int, int]]()
        for start, end in ranges:
            self.add(start, end)

    def add(self, start: int, end: int) -> None:
        """Add start ... end - 1."""
        if end <= start:
            return
        if not self._ranges or start > self._ranges[-1][1]:
            self._ranges.append((start, end))
            return
        if start >= self._ranges[-1][0]:
            self._ranges[-1] = (self._ranges[-1][0], max(end, self._ranges[-1][1]))
            return
        kept = list[tuple[int, int]]()
        for low, high in self._ranges:
            if high < start or low > end:
                kept.append((low, high))
            else:
                start, end = min(start, low), max(end, high)
        self._ranges = sorted([*kept, (start, end)])

    def minus(self, other: "Ranges") -> "Ranges":
        """What is here and not in `other`."""
        left = self._ranges
        for low, high in other:
            left = [
                piece
                for start, end in left
                for piece in ((start, min(end, low)), (max(start, high), end))
                if piece[0] < piece[1]
            ]
        return Ranges(left)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._ranges)

    def __len__(self) -> int:
        return sum(end - start for start, end in self._ranges)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranges) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self._ranges))

    def __repr__(self) -> str:
        return f"Ranges({self._ranges})"


@dataclass(slots=True)
class _Segment:
    clock: BootClock
    first_index: int
    counts: CountArray

    @property
    def end_index(self) -> int:
        return self.first_index + len(self.counts)

    @property
    def size(self) -> int:
        return PAGE_HEADER_BYTES + self.counts.nbytes


@dataclass(slots=True)
class FlashLog:
    """Raw samples of several boots, oldest first. A full ring overwrites the oldest; what was not acknowledged is
    counted in `overwritten` (and listed by boot in `overwritten_ranges`)."""

    capacity_bytes: int
    overwritten: int = 0
    overwritten_ranges: dict[int, Ranges] = field(default_factory=dict[int, Ranges])
    _segments: deque[_Segment] = field(default_factory=deque[_Segment])
    _used: int = 0

    def append(self, clock: BootClock, first_index: int, counts: CountArray) -> None:
        """Write samples of the newest boot; they follow the last ones of that boot."""
        if len(counts) == 0:
            return
        segment = _Segment(clock, first_index, counts.copy())
        self._segments.append(segment)
        self._used += segment.size
        while self._used > self.capacity_bytes and len(self._segments) > 1:
            oldest = self._segments.popleft()
            self._used -= oldest.size
            self.overwritten += len(oldest.counts)
            self.overwritten_ranges.setdefault(oldest.clock.boot_id, Ranges()).add(oldest.first_index, oldest.end_index)

    def read(self, boot_id: int, index: int, end: int, most: int) -> tuple[BootClock, int, CountArray] | None:
        """Up to `most` consecutive samples of index ... end - 1: the first that are there, or None."""
        for segment in self._segments:
            if segment.clock.boot_id == boot_id and segment.end_index > index:
                first = max(index, segment.first_index)
                if first >= end:
                    return None
                stop = min(first + most, end, segment.end_index)
                return segment.clock, first, segment.counts[first - segment.first_index : stop - segment.first_index]
        return None

    def acknowledge(self, boot_id: int, up_to_index: int) -> None:
        """Forget everything of this boot below `up_to_index`."""
        kept = deque[_Segment]()
        for segment in self._segments:
            if segment.clock.boot_id == boot_id and segment.first_index < up_to_index:
                if segment.end_index <= up_to_index:
                    continue
                counts = segment.counts[up_to_index - segment.first_index :]
                kept.append(_Segment(segment.clock, up_to_index, counts))
            else:
                kept.append(segment)
        self._segments = kept
        self._used = sum(segment.size for segment in kept)

    def ranges(self) -> list[LogRange]:
        """One range for each boot, oldest first."""
        found = dict[int, tuple[int, int]]()
        for segment in self._segments:
            first, _ = found.get(segment.clock.boot_id, (segment.first_index, 0))
            found[segment.clock.boot_id] = (first, segment.end_index)
        return [LogRange(boot_id=boot, first_index=a, end_index=b) for boot, (a, b) in found.items()]

    def clear(self) -> None:
        self._segments.clear()
        self._used = 0

    @property
    def samples(self) -> int:
        return sum(len(segment.counts) for segment in self._segments)

    @property
    def fill(self) -> float:
        return min(1.0, self._used / self.capacity_bytes)


@dataclass(slots=True)
class RecordLog:
    """Stride records by boot and number, oldest first; a ring of `capacity` records."""

    capacity: int
    overwritten: int = 0
    _records: deque[tuple[int, int, StrideRecord]] = field(default_factory=deque[tuple[int, int, StrideRecord]])

    def append(self, boot_id: int, number: int, record: StrideRecord) -> None:
        self._records.append((boot_id, number, record))
        if len(self._records) > self.capacity:
            self._records.popleft()
            self.overwritten += 1

    def read(self, boot_id: int, number: int, end: int, most: int) -> tuple[int, list[StrideRecord]] | None:
        """Up to `most` consecutive records of number ... end - 1: the first that are there, or None."""
        found = [(n, record) for boot, n, record in self._records if boot == boot_id and number <= n < end][:most]
        return (found[0][0], [record for _, record in found]) if found else None

    def acknowledge(self, boot_id: int, up_to: int) -> None:
        self._records = deque(entry for entry in self._records if entry[0] != boot_id or entry[1] >= up_to)

    def ranges(self) -> list[LogRange]:
        found = dict[int, tuple[int, int]]()
        for boot, number, _ in self._records:
            found[boot] = (found.get(boot, (number, 0))[0], number + 1)
        return [
            LogRange(boot_id=boot, first_index=a, end_index=b, what=LogKind.RECORDS) for boot, (a, b) in found.items()
        ]

    def clear(self) -> None:
        self._records.clear()


@dataclass(slots=True, kw_only=True)
class Table:
    """A transferred table: its version and bytes."""

    version: int
    content: bytes


@dataclass(slots=True, kw_only=True)
class Flash:
    """Everything that a power cut leaves. `next_boot_id` only grows."""

    raw: FlashLog
    records: RecordLog
    next_boot_id: int = 1
    anchors: list[UtcAnchor] = field(default_factory=list[UtcAnchor])
    tables: dict[TableKind, Table] = field(default_factory=dict[TableKind, Table])
    rate_divisor: int = 1

    @classmethod
    def blank(cls, *, capacity_bytes: int = 2_000_000, record_capacity: int = 20_000, next_boot_id: int = 1) -> "Flash":
        return cls(raw=FlashLog(capacity_bytes), records=RecordLog(record_capacity), next_boot_id=next_boot_id)

    def has_date(self, boot_id: int) -> bool:
        return any(anchor.boot_id == boot_id for anchor in self.anchors)

    def carry_anchor(self, boot_id: int, life: int) -> None:
        """A boot begins, the counter goes on: it has the newest anchor of this life, which began with boot `life`."""
        of_life = [a for a in self.anchors if a.boot_id >= life]
        if of_life:
            self._keep(replace(of_life[-1], boot_id=boot_id))

    def say_date(self, anchor: UtcAnchor, life: int) -> None:
        """What a host says also dates the earlier boots of this life that are in a log and have no anchor."""
        for boot_id in sorted({entry.boot_id for entry in self.ranges()}):
            if life <= boot_id < anchor.boot_id and not self.has_date(boot_id):
                self._keep(replace(anchor, boot_id=boot_id))
        self._keep(anchor)

    def _keep(self, anchor: UtcAnchor) -> None:
        """With all places taken who is in no log gives way, else who has a newer anchor, else the oldest."""
        if len(self.anchors) >= MAX_STORED_ANCHORS:
            held = {entry.boot_id for entry in self.ranges()} | {anchor.boot_id}
            boots = [a.boot_id for a in self.anchors]
            gone = (k for k, boot_id in enumerate(boots) if boot_id not in held)
            twice = (k for k, boot_id in enumerate(boots) if boot_id in (anchor.boot_id, *boots[k + 1 :]))
            del self.anchors[next(gone, next(twice, 0))]
        self.anchors.append(anchor)

    def ranges(self) -> list[LogRange]:
        """Both logs: raw first, oldest boot first."""
        return self.raw.ranges() + self.records.ranges()
