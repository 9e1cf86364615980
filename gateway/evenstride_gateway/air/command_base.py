"""How commands are packed: opcode, token, then the fields in order (PROTOCOL.md section 5)."""

import struct
from dataclasses import dataclass, fields
from typing import ClassVar, Self

from evenstride_gateway.air.wire import check_kind, unpack


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A write to Control. `token` (0 to 255) comes back in the reply: a late reply is not taken for the next one's."""

    opcode: ClassVar[int]
    layout: ClassVar[struct.Struct] = struct.Struct("<BB")
    token: int = 0

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raises ProtocolError that names the offset."""
        name = cls.__name__
        check_kind(data, cls.opcode, name)
        _, token, *values = unpack(cls.layout, data, name)
        names = (field.name for field in fields(cls) if field.name not in ("token", "data"))
        cls.check(data, values)
        return cls(token=token, **dict(zip(names, values, strict=True)), **cls.tail(data))

    @classmethod
    def check(cls, data: bytes, values: list[int]) -> None:
        """Raise ProtocolError for a value that no pod can obey."""

    @classmethod
    def tail(cls, data: bytes) -> dict[str, bytes]:  # noqa: ARG003 - chunks read it
        """The field `data` of a chunk; other commands have none."""
        return {}

    def __bytes__(self) -> bytes:
        values = (getattr(self, field.name) for field in fields(self) if field.name not in ("token", "data"))
        return self.layout.pack(self.opcode, self.token, *values)
