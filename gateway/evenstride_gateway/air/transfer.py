"""Chunked transfers to the pod: tables and firmware images (PROTOCOL.md sections 13 and 14)."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from evenstride_gateway.air.command_base import Command
from evenstride_gateway.air.uuids import ATT_HEADER, MTU
from evenstride_gateway.errors import ProtocolError

MAX_TABLE_SIZE = 16_384  # the pod keeps two of each in flash and checks one in RAM
MAX_IMAGE_SIZE = 393_216  # half of the nRF52840's flash less bootloader, bonds and settings
CHUNK_HEADER = 6
MAX_CHUNK = MTU - ATT_HEADER - CHUNK_HEADER  # 238: one write, one link-layer packet


class TableKind(IntEnum):
    COEFFICIENTS = 1
    ROTATION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBegin(Command):
    """A table of `length` bytes follows. `crc32` is of the whole (IEEE 802.3, as zlib.crc32)."""

    opcode: ClassVar[int] = 0x4C
    layout: ClassVar[struct.Struct] = struct.Struct("<BBBxHII")
    table: TableKind
    version: int
    length: int
    crc32: int

    @classmethod
    def check(cls, data: bytes, values: list[int]) -> None:
        if values[0] not in (1, 2):
            raise ProtocolError(f"table {values[0]} is unknown", offset=2, data=data)
        if not 0 < values[2] <= MAX_TABLE_SIZE:
            raise ProtocolError(f"a table of {values[2]} bytes", offset=6, data=data)
        values[0] = TableKind(values[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk(Command):
    layout: ClassVar[struct.Struct] = struct.Struct("<BBI")
    offset: int
    data: bytes

    @classmethod
    def tail(cls, data: bytes) -> dict[str, bytes]:
        content = data[CHUNK_HEADER:]
        if not 0 < len(content) <= MAX_CHUNK:
            raise ProtocolError(f"a chunk of {len(content)} bytes", offset=CHUNK_HEADER, data=data)
        return {"data": content}

    def __bytes__(self) -> bytes:
        return self.layout.pack(self.opcode, self.token, self.offset) + self.data


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChunk(_Chunk):
    """Bytes `offset` ... of the table; chunks come in order, a repeated one is accepted unread."""

    opcode: ClassVar[int] = 0x4D


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCommit(Command):
    """Check the CRC, then use the table; until then the old one holds."""

    opcode: ClassVar[int] = 0x4E


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateBegin(Command):
    """An image follows for the slot that does not run. Needs a bond. `key_id` names the key of the signature."""

    opcode: ClassVar[int] = 0x50
    layout: ClassVar[struct.Struct] = struct.Struct("<BBHIII32s")
    key_id: int
    image_version: int
    length: int
    crc32: int
    sha256: bytes

    @classmethod
    def check(cls, data: bytes, values: list[int]) -> None:
        if not 0 < values[2] <= MAX_IMAGE_SIZE:
            raise ProtocolError(f"an image of {values[2]} bytes", offset=8, data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateChunk(_Chunk):
    """Bytes `offset` ... of the image."""

    opcode: ClassVar[int] = 0x51


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCommit(Command):
    """The signature (Ed25519 over the image's SHA-256): checked, then the pod boots the other slot on trial."""

    opcode: ClassVar[int] = 0x52
    layout: ClassVar[struct.Struct] = struct.Struct("<BB64s")
    signature: bytes


def table_transfer(table: TableKind, version: int, content: bytes, *, chunk: int = MAX_CHUNK) -> Iterator[Command]:
    """The commands that bring one table to the pod, in order: each waits for its reply."""
    yield TableBegin(table=table, version=version, length=len(content), crc32=zlib.crc32(content))
    for offset in range(0, len(content), chunk):
        yield TableChunk(offset=offset, data=content[offset : offset + chunk])
    yield TableCommit()
