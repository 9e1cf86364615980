"""Commands: what the host writes to Control (PROTOCOL.md section 5)."""

import struct
from dataclasses import dataclass
from typing import ClassVar

from evenstride_gateway.air.command_base import Command
from evenstride_gateway.air.log import LogKind
from evenstride_gateway.air.status import Mode
from evenstride_gateway.errors import ProtocolError

MAX_RATE_MHZ = 1_666_000  # the fastest rate of the IMUs in question
MIN_RATE_MHZ = 26_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(Command):
    """Begin to send. RAW is every sample, STRIDES records only, SQUAD the summary in the advertising only."""

    opcode: ClassVar[int] = 0x40
    layout: ClassVar[struct.Struct] = struct.Struct("<BBB")
    mode: Mode = Mode.RAW

    @classmethod
    def check(cls, data: bytes, values: list[int]) -> None:
        if not Mode.RAW <= values[0] <= Mode.SQUAD:
            raise ProtocolError(f"mode {values[0]} cannot be started", offset=2, data=data)
        values[0] = Mode(values[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Command):
    """Stop sending; sampling and logging go on."""

    opcode: ClassVar[int] = 0x41


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify(Command):
    """Blink for so many seconds (0 = stop)."""

    opcode: ClassVar[int] = 0x42
    layout: ClassVar[struct.Struct] = struct.Struct("<BBB")
    duration_s: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRate(Command):
    """Another nominal sample rate, in mHz: refused while streaming; it begins a new boot id, which the reply tells."""

    opcode: ClassVar[int] = 0x43
    layout: ClassVar[struct.Struct] = struct.Struct("<BBI")
    rate_mhz: int

    @classmethod
    def check(cls, data: bytes, values: list[int]) -> None:
        if not MIN_RATE_MHZ <= values[0] <= MAX_RATE_MHZ:
            raise ProtocolError(f"a rate of {values[0]} mHz", offset=2, data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStatus(Command):
    """The reply's payload is a PodStatus."""

    opcode: ClassVar[int] = 0x44


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor(Command):
    """It is `utc_ns` now: the pod stamps its tick on arrival, stores both and replies with a UtcAnchors of one."""

    opcode: ClassVar[int] = 0x45
    layout: ClassVar[struct.Struct] = struct.Struct("<BBq")
    utc_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorList(Command):
    """The reply's payload is a UtcAnchors page that begins at entry `first`."""

    opcode: ClassVar[int] = 0x46
    layout: ClassVar[struct.Struct] = struct.Struct("<BBH")
    first: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStatus(Command):
    """The reply's payload is a LogRanges page that begins at entry `first`."""

    opcode: ClassVar[int] = 0x47
    layout: ClassVar[struct.Struct] = struct.Struct("<BBH")
    first: int = 0


class _OfOneLog(Command):
    __slots__ = ()

    @classmethod
    def check(cls, data: bytes, values: list[int]) -> None:
        if values[2] > LogKind.RECORDS:
            raise ProtocolError(f"log {values[2]} is unknown", offset=10, data=data)
        values[2] = LogKind(values[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill(_OfOneLog):
    """Send first_index ... first_index + count - 1 of this boot from the log, behind the live frames."""

    opcode: ClassVar[int] = 0x48
    layout: ClassVar[struct.Struct] = struct.Struct("<BBIIBxxxI")
    boot_id: int
    first_index: int
    what: LogKind = LogKind.RAW
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillCancel(Command):
    """End the running backfill; its BackfillDone says how far it came."""

    opcode: ClassVar[int] = 0x49


@dataclass(frozen=True, slots=True, kw_only=True)
class AckLog(_OfOneLog):
    """The host holds everything of this boot below `up_to_index`: the log may forget it."""

    opcode: ClassVar[int] = 0x4A
    layout: ClassVar[struct.Struct] = struct.Struct("<BBIIB")
    boot_id: int
    up_to_index: int
    what: LogKind = LogKind.RAW


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseLog(Command):
    """Erase both logs and the anchors of ended boots. Needs a bond."""

    opcode: ClassVar[int] = 0x4B


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearBonds(Command):
    """Forget every bond, this one included. Needs a bond."""

    opcode: ClassVar[int] = 0x4F
