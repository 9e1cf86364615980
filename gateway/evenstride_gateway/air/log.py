"""The pod's log: what it holds, the end of a backfill, and anchors in UTC (PROTOCOL.md sections 9 and 10)."""

import struct
from dataclasses import dataclass
from enum import IntEnum

from evenstride_gateway.air.wire import check_cap, check_kind, need, unpack
from evenstride_gateway.errors import ProtocolError

BACKFILL_DONE_KIND = 0x04
LOG_RANGES_KIND = 0x05
UTC_ANCHORS_KIND = 0x06
MAX_RANGES = 14  # 8 + 14 * 16 = 232 bytes, within a reply's 240
MAX_ANCHORS = 11  # 8 + 11 * 20 = 228
_LIST = struct.Struct("<BBHHH")
_RANGE = struct.Struct("<BBHIII")
_ANCHOR = struct.Struct("<IQq")
_DONE = struct.Struct("<BBBBIIIII")


class LogKind(IntEnum):
    """Two logs: raw samples counted by sample index, stride records counted by record number."""

    RAW = 0
    RECORDS = 1


class BackfillResult(IntEnum):
    COMPLETE = 0  # everything asked for was handed to the radio
    PARTIAL = 1  # some of it is not (or no longer) in the log
    CANCELLED = 2
    FLASH_ERROR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRange:
    """What the log holds of one boot and nobody has acknowledged: first_index ... end_index - 1, without holes."""

    boot_id: int
    first_index: int
    end_index: int
    what: LogKind = LogKind.RAW


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRanges:
    """A page of the list of ranges, oldest boot first: entries `first` ... of `total`. Payload of LogStatus's reply."""

    total: int
    first: int
    ranges: tuple[LogRange, ...]

    @classmethod
    def from_bytes(cls, data: bytes) -> "LogRanges":
        """Raises ProtocolError that names the offset."""
        total, first, n = _read_list(data, LOG_RANGES_KIND, "log ranges", MAX_RANGES, _RANGE.size)
        ranges = list[LogRange]()
        for offset in range(_LIST.size, _LIST.size + n * _RANGE.size, _RANGE.size):
            what, _, _, boot_id, first_index, end_index = _RANGE.unpack_from(data, offset)
            if end_index < first_index:
                raise ProtocolError("a range that ends before it begins", offset=offset + 12, data=data)
            ranges.append(
                LogRange(
                    boot_id=boot_id,
                    first_index=first_index,
                    end_index=end_index,
                    what=_log_kind(what, offset=offset, data=data),
                )
            )
        return cls(total=total, first=first, ranges=tuple(ranges))

    def __bytes__(self) -> bytes:
        if len(self.ranges) > MAX_RANGES:
            raise ValueError(f"one message holds at most {MAX_RANGES} ranges, not {len(self.ranges)}")
        return _LIST.pack(LOG_RANGES_KIND, len(self.ranges), self.total, self.first, 0) + b"".join(
            _RANGE.pack(entry.what, 0, 0, entry.boot_id, entry.first_index, entry.end_index) for entry in self.ranges
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UtcAnchor:
    """At this tick of this boot it was `utc_ns` (nanoseconds since 1970-01-01 UTC), by the gateway's clock."""

    boot_id: int
    tick: int
    utc_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UtcAnchors:
    """A page of the stored anchors, oldest first. Payload of the replies to Anchor (the new one) and AnchorList."""

    total: int
    first: int
    anchors: tuple[UtcAnchor, ...]

    @classmethod
    def from_bytes(cls, data: bytes) -> "UtcAnchors":
        """Raises ProtocolError that names the offset."""
        total, first, n = _read_list(data, UTC_ANCHORS_KIND, "UTC anchors", MAX_ANCHORS, _ANCHOR.size)
        fields = (_ANCHOR.unpack_from(data, _LIST.size + k * _ANCHOR.size) for k in range(n))
        anchors = tuple(UtcAnchor(boot_id=boot_id, tick=tick, utc_ns=utc_ns) for boot_id, tick, utc_ns in fields)
        return cls(total=total, first=first, anchors=anchors)

    def __bytes__(self) -> bytes:
        if len(self.anchors) > MAX_ANCHORS:
            raise ValueError(f"one message holds at most {MAX_ANCHORS} anchors, not {len(self.anchors)}")
        return _LIST.pack(UTC_ANCHORS_KIND, len(self.anchors), self.total, self.first, 0) + b"".join(
            _ANCHOR.pack(anchor.boot_id, anchor.tick, anchor.utc_ns) for anchor in self.anchors
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillDone:
    """The end of a backfill: of `count` asked for from `first_index` on, `sent` went out, up to `next_index`.

    Asked again from `next_index` (before first_index + count only when cancelled or failed) it goes on.
    """

    result: BackfillResult
    boot_id: int
    first_index: int
    count: int
    sent: int
    next_index: int
    what: LogKind = LogKind.RAW

    @classmethod
    def from_bytes(cls, data: bytes) -> "BackfillDone":
        """Raises ProtocolError that names the offset."""
        check_kind(data, BACKFILL_DONE_KIND, "end of a backfill")
        _, result, what, _, boot_id, first_index, count, sent, next_index = unpack(_DONE, data, "end of a backfill")
        if result > BackfillResult.FLASH_ERROR:
            raise ProtocolError(f"result {result} is unknown", offset=1, data=data)
        return cls(
            result=BackfillResult(result),
            boot_id=boot_id,
            first_index=first_index,
            count=count,
            sent=sent,
            next_index=next_index,
            what=_log_kind(what, offset=2, data=data),
        )

    def __bytes__(self) -> bytes:
        return _DONE.pack(
            BACKFILL_DONE_KIND,
            self.result,
            self.what,
            0,
            self.boot_id,
            self.first_index,
            self.count,
            self.sent,
            self.next_index,
        )


def _log_kind(value: int, *, offset: int, data: bytes) -> LogKind:
    if value not in (0, 1):
        raise ProtocolError(f"log {value} is unknown", offset=offset, data=data)
    return LogKind(value)


def _read_list(data: bytes, kind: int, name: str, cap: int, entry_size: int) -> tuple[int, int, int]:
    check_kind(data, kind, name)
    _, n, total, first, _ = unpack(_LIST, data, name)
    check_cap(n, cap, "number of entries", offset=1, data=data)
    if first + n > total:
        raise ProtocolError(f"entries {first} to {first + n} of {total}", offset=2, data=data)
    need(data, _LIST.size + n * entry_size, name)
    return total, first, n
