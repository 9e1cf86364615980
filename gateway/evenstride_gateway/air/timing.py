"""Time synchronisation on the Time characteristic (PROTOCOL.md section 11)."""

import struct
from dataclasses import dataclass

from evenstride_gateway.air.wire import check_kind, unpack

PING_KIND = 0x20
PONG_KIND = 0x21
_PING = struct.Struct("<BBHQ")
_PONG = struct.Struct("<BBHIQQHH")
_INTERVAL_UNIT_S = 0.00125


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePing:
    """Host to pod. `marker` (u64) is the host's own, sent back unread: its send time in nanoseconds, say."""

    ping_id: int
    marker: int = 0

    @classmethod
    def from_bytes(cls, data: bytes) -> "TimePing":
        """Raises ProtocolError that names the offset."""
        check_kind(data, PING_KIND, "time ping")
        _, _, ping_id, marker = unpack(_PING, data, "time ping")
        return cls(ping_id=ping_id, marker=marker)

    def __bytes__(self) -> bytes:
        return _PING.pack(PING_KIND, 0, self.ping_id, self.marker)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePong:
    """Pod to host, at once. `tick` was stamped when the ping arrived; `interval_s` is the connection interval then."""

    ping_id: int
    boot_id: int
    tick: int
    interval_s: float
    marker: int = 0

    @classmethod
    def from_bytes(cls, data: bytes) -> "TimePong":
        """Raises ProtocolError that names the offset."""
        check_kind(data, PONG_KIND, "time pong")
        _, _, ping_id, boot_id, tick, marker, interval, _ = unpack(_PONG, data, "time pong")
        return cls(ping_id=ping_id, boot_id=boot_id, tick=tick, interval_s=interval * _INTERVAL_UNIT_S, marker=marker)

    def __bytes__(self) -> bytes:
        interval = round(self.interval_s / _INTERVAL_UNIT_S)
        return _PONG.pack(PONG_KIND, 0, self.ping_id, self.boot_id, self.tick, self.marker, interval, 0)
