"""Replies: what the pod indicates on Control, one for each command (PROTOCOL.md section 5)."""

import struct
from dataclasses import dataclass
from enum import IntEnum

from evenstride_gateway.air.uuids import MAX_MESSAGE
from evenstride_gateway.air.wire import check_cap, check_kind, unpack

KIND = 0x80
_HEADER = struct.Struct("<BBBB")
_START = struct.Struct("<IIIQ")
MAX_PAYLOAD = MAX_MESSAGE - _HEADER.size  # 240: a reply is one indication


class Status(IntEnum):
    """How a command ended. A status that this gateway does not know reads as FAILED."""

    OK = 0
    UNKNOWN_COMMAND = 1
    MALFORMED = 2
    NEEDS_BOND = 3
    BUSY = 4
    MTU_TOO_SMALL = 5
    OUT_OF_RANGE = 6
    CRC_MISMATCH = 7
    NO_SPACE = 8
    BAD_STATE = 9
    NOT_SUPPORTED = 10
    NOT_FOUND = 11
    STORAGE_ERROR = 12
    BAD_SIGNATURE = 13
    FAILED = 255

    @classmethod
    def _missing_(cls, value: object) -> "Status | None":
        return cls.FAILED if isinstance(value, int) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReply:
    """The pod's answer to the command with this opcode and token; `payload` is another message, or empty."""

    command: int
    status: Status
    payload: bytes = b""
    token: int = 0

    @classmethod
    def from_bytes(cls, data: bytes) -> "CommandReply":
        """Raises ProtocolError that names the offset."""
        check_kind(data, KIND, "reply")
        _, command, token, status = unpack(_HEADER, data, "reply")
        payload = data[_HEADER.size :]
        check_cap(len(payload), MAX_PAYLOAD, "length of the payload", offset=_HEADER.size, data=data)
        return cls(command=command, token=token, status=Status(status), payload=payload)

    def __bytes__(self) -> bytes:
        if len(self.payload) > MAX_PAYLOAD:
            raise ValueError(f"a reply carries at most {MAX_PAYLOAD} bytes, not {len(self.payload)}")
        return _HEADER.pack(KIND, self.command, self.token, self.status) + self.payload


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPosition:
    """Where the stream stands: payload of the replies to Start, Stop and SetRate.

    The next live frame has `next_seq` and begins at `next_index` or later; `tick` is now.
    """

    boot_id: int
    next_seq: int
    next_index: int
    tick: int

    @classmethod
    def from_bytes(cls, data: bytes) -> "StreamPosition":
        """Raises ProtocolError that names the offset."""
        boot_id, next_seq, next_index, tick = unpack(_START, data, "stream position")
        return cls(boot_id=boot_id, next_seq=next_seq, next_index=next_index, tick=tick)

    def __bytes__(self) -> bytes:
        return _START.pack(self.boot_id, self.next_seq, self.next_index, self.tick)
