"""Reading bytes carefully: every message goes through these few functions."""

import struct
from typing import Protocol

from evenstride_gateway.errors import ProtocolError

U16_MAX = 0xFFFF
U32_MAX = 0xFFFF_FFFF
U64_MAX = 0xFFFF_FFFF_FFFF_FFFF


class ProtocolVersionError(ProtocolError):
    """The pod speaks another major version: only Info's frozen head and the update commands are shared."""

    def __init__(self, *, major: int, minor: int, pod_id: str, data: bytes) -> None:
        super().__init__(f"pod {pod_id} speaks protocol {major}.{minor}, this gateway 1.x", offset=1, data=data)
        self.major = major
        self.minor = minor
        self.pod_id = pod_id


class Packs(Protocol):
    """A message that knows its bytes."""

    def __bytes__(self) -> bytes: ...


def check_kind(data: bytes, kind: int, name: str) -> None:
    """Raise ProtocolError unless `data` begins with `kind`."""
    if not data:
        raise ProtocolError(f"{name} is empty", offset=0, data=data)
    if data[0] != kind:
        raise ProtocolError(f"kind {data[0]:#04x} is not a {name}", offset=0, data=data)


def unpack(layout: struct.Struct, data: bytes, name: str, *, offset: int = 0) -> tuple[int, ...]:
    """The fields of `layout` at `offset`; a longer message is a newer minor version, a shorter one ProtocolError."""
    if len(data) < offset + layout.size:
        raise ProtocolError(f"{name} cut short", offset=len(data), data=data)
    return layout.unpack_from(data, offset)


def need(data: bytes, end: int, name: str) -> None:
    """Raise ProtocolError unless `data` has at least `end` bytes."""
    if len(data) < end:
        raise ProtocolError(f"{name} cut short", offset=len(data), data=data)


def check_cap(count: int, cap: int, name: str, *, offset: int, data: bytes) -> None:
    """Raise ProtocolError when a length read at `offset` exceeds its cap."""
    if count > cap:
        raise ProtocolError(f"{name} is {count}, more than {cap}", offset=offset, data=data)
