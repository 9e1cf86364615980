"""What a virtual pod answers to each command (PROTOCOL.md section 5). Pure."""

import zlib
from dataclasses import dataclass

from evenstride_gateway.air import (
    AckLog,
    Anchor,
    AnchorList,
    Backfill,
    BackfillCancel,
    ClearBonds,
    Command,
    CommandReply,
    EraseLog,
    GetStatus,
    Identify,
    LogKind,
    LogRanges,
    LogStatus,
    Mode,
    SetRate,
    Start,
    Status,
    Stop,
    TableBegin,
    TableChunk,
    TableCommit,
    UpdateBegin,
    UpdateChunk,
    UpdateCommit,
    UtcAnchor,
    UtcAnchors,
)
from evenstride_gateway.air.log import MAX_ANCHORS, MAX_RANGES
from evenstride_gateway.air.uuids import MIN_STREAM_MTU
from evenstride_gateway.air.wire import U32_MAX
from evenstride_gateway.decode import Unknown, decode_command
from evenstride_gateway.errors import ProtocolError
from evenstride_gateway.virtual.flash_log import Table
from evenstride_gateway.virtual.pod_core import PodCore


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFacts:
    """What the radio knows of the link on which a command came."""

    mtu: int
    bonded: bool = False
    subscribed: bool = True  # to Data


class _RefusedError(Exception):
    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


class PodControl:
    """The commands of one pod. A refused command changes nothing."""

    def __init__(self, core: PodCore) -> None:
        self.core = core
        self.bonds_cleared = 0
        self._transfer: TableBegin | None = None
        self._content = bytearray()

    def forget_transfer(self) -> None:
        """A transfer ends with its link."""
        self._transfer = None

    def answer(self, data: bytes, now_s: float, link: LinkFacts) -> CommandReply:
        """Obey one write to Control."""
        opcode, token = (data[0] if data else 0), (data[1] if len(data) > 1 else 0)
        self.core.advance(now_s)
        try:
            status, payload = Status.OK, self._obey(decode_command(data), now_s, link)
        except ProtocolError:
            status, payload = Status.MALFORMED, b""
        except _RefusedError as refused:
            status, payload = refused.status, b""
        return CommandReply(command=opcode, token=token, status=status, payload=payload)

    def _obey(self, command: Command | Unknown, now_s: float, link: LinkFacts) -> bytes:
        payload = b""
        match command:
            case Unknown():
                raise _RefusedError(Status.UNKNOWN_COMMAND)
            case Start() | Stop() | SetRate() | Identify() | GetStatus():
                payload = self._stream(command, now_s, link)
            case Anchor() | AnchorList():
                payload = self._anchor(command, now_s)
            case LogStatus() | Backfill() | BackfillCancel() | AckLog():
                payload = self._log(command, link)
            case TableBegin() | TableChunk() | TableCommit():
                self._table(command)
            case EraseLog() | ClearBonds():
                self._guarded(command, link)
            case UpdateBegin() | UpdateChunk() | UpdateCommit():
                raise _RefusedError(Status.NOT_SUPPORTED if link.bonded else Status.NEEDS_BOND)
            case _:
                raise _RefusedError(Status.NOT_SUPPORTED)
        return payload

    def _stream(self, command: Start | Stop | SetRate | Identify | GetStatus, now_s: float, link: LinkFacts) -> bytes:
        core = self.core
        match command:
            case Start():
                _demand(link.bonded or not core.plan.bonded_only, Status.NEEDS_BOND)
                _demand(link.mtu >= MIN_STREAM_MTU, Status.MTU_TOO_SMALL)
                _demand(link.subscribed, Status.BAD_STATE)
                core.start(now_s, command.mode)
            case Stop():
                core.stop(now_s)
            case SetRate():
                _demand(core.mode is Mode.IDLE, Status.BAD_STATE)
                nominal_mhz = core.signal.nominal_rate_hz * 1000
                divisors = [n for n in (1, 2) if round(nominal_mhz / n) == command.rate_mhz]
                _demand(bool(divisors), Status.OUT_OF_RANGE)
                if divisors[0] != core.flash.rate_divisor:
                    core.change_rate(now_s, divisors[0])
            case Identify():
                core.identified_until_s = now_s + command.duration_s
                return b""
            case GetStatus():
                return bytes(core.status(now_s))
        return bytes(core.position)

    def _anchor(self, command: Anchor | AnchorList, now_s: float) -> bytes:
        anchors = self.core.flash.anchors
        if isinstance(command, Anchor):
            self.core.write_staged()
            anchor = UtcAnchor(boot_id=self.core.clock.boot_id, tick=self.core.tick(now_s), utc_ns=command.utc_ns)
            self.core.flash.say_date(anchor, self.core.life)
            return bytes(UtcAnchors(total=1, first=0, anchors=(anchor,)))
        _demand(command.first <= len(anchors), Status.OUT_OF_RANGE)
        page = tuple(anchors[command.first : command.first + MAX_ANCHORS])
        return bytes(UtcAnchors(total=len(anchors), first=command.first, anchors=page))

    def _log(self, command: LogStatus | Backfill | BackfillCancel | AckLog, link: LinkFacts) -> bytes:
        core = self.core
        match command:
            case LogStatus():
                core.write_staged()
                ranges = core.flash.ranges()
                _demand(command.first <= len(ranges), Status.OUT_OF_RANGE)
                page = tuple(ranges[command.first : command.first + MAX_RANGES])
                return bytes(LogRanges(total=len(ranges), first=command.first, ranges=page))
            case Backfill():
                _demand(link.mtu >= MIN_STREAM_MTU, Status.MTU_TOO_SMALL)
                _demand(link.subscribed, Status.BAD_STATE)
                _demand(not core.backfilling, Status.BUSY)
                _demand(0 < command.count <= U32_MAX - command.first_index, Status.OUT_OF_RANGE)
                core.begin_backfill(command.what, command.boot_id, command.first_index, command.count)
            case BackfillCancel():
                core.cancel_backfill()
            case AckLog():
                core.write_staged()
                log = core.flash.raw if command.what is LogKind.RAW else core.flash.records
                log.acknowledge(command.boot_id, command.up_to_index)
        return b""

    def _table(self, command: TableBegin | TableChunk | TableCommit) -> None:
        if isinstance(command, TableBegin):
            self._transfer, self._content = command, bytearray()
            return
        begin, held = self._transfer, len(self._content)
        if begin is None:
            raise _RefusedError(Status.BAD_STATE)
        if isinstance(command, TableChunk):
            end = command.offset + len(command.data)
            repeated = end <= held
            _demand(repeated or (command.offset == held and end <= begin.length), Status.OUT_OF_RANGE)
            self._content += b"" if repeated else command.data
            return
        self._transfer = None
        whole = held == begin.length and zlib.crc32(self._content) == begin.crc32
        _demand(whole, Status.CRC_MISMATCH)
        self.core.flash.tables[begin.table] = Table(version=begin.version, content=bytes(self._content))

    def _guarded(self, command: EraseLog | ClearBonds, link: LinkFacts) -> None:
        _demand(link.bonded, Status.NEEDS_BOND)
        if isinstance(command, ClearBonds):
            self.bonds_cleared += 1
            return
        _demand(not self.core.backfilling, Status.BUSY)
        flash = self.core.flash
        flash.raw.clear()
        flash.records.clear()
        flash.anchors[:] = [a for a in flash.anchors if a.boot_id == self.core.clock.boot_id]


def _demand(fulfilled: bool, otherwise: Status) -> None:
    if not fulfilled:
        raise _RefusedError(otherwise)
