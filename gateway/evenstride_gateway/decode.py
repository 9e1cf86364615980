"""Bytes of the air to messages, by their kind byte (pure). Bytes of a message: `bytes(message)`."""

from dataclasses import dataclass
from typing import TypeAlias

from evenstride_analysis.model import PodInfo
from evenstride_gateway.air import (
    AckLog,
    Anchor,
    AnchorList,
    Backfill,
    BackfillCancel,
    BackfillDone,
    ClearBonds,
    Command,
    CommandReply,
    EraseLog,
    GetStatus,
    Identify,
    Info,
    LogRanges,
    LogStatus,
    PodStatus,
    RawFrame,
    SetRate,
    Start,
    Stop,
    StrideRecords,
    TableBegin,
    TableChunk,
    TableCommit,
    TimePing,
    TimePong,
    UpdateBegin,
    UpdateChunk,
    UpdateCommit,
    UtcAnchors,
    frames,
    info,
    log,
    records,
    replies,
    status,
    timing,
)
from evenstride_gateway.errors import ProtocolError

MAX_INPUT = 512  # the longest attribute value that ATT allows


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A message of a newer minor version: to be counted and skipped."""

    kind: int
    data: bytes


Message: TypeAlias = (
    RawFrame
    | StrideRecords
    | PodStatus
    | BackfillDone
    | LogRanges
    | UtcAnchors
    | Info
    | TimePing
    | TimePong
    | CommandReply
    | Unknown
)

_READERS = {
    frames.KIND: RawFrame.from_bytes,
    records.KIND: StrideRecords.from_bytes,
    status.KIND: PodStatus.from_bytes,
    log.BACKFILL_DONE_KIND: BackfillDone.from_bytes,
    log.LOG_RANGES_KIND: LogRanges.from_bytes,
    log.UTC_ANCHORS_KIND: UtcAnchors.from_bytes,
    info.KIND: Info.from_bytes,
    timing.PING_KIND: TimePing.from_bytes,
    timing.PONG_KIND: TimePong.from_bytes,
    replies.KIND: CommandReply.from_bytes,
}

_COMMANDS: dict[int, type[Command]] = {
    command.opcode: command
    for command in (
        Start,
        Stop,
        Identify,
        SetRate,
        GetStatus,
        Anchor,
        AnchorList,
        LogStatus,
        Backfill,
        BackfillCancel,
        AckLog,
        EraseLog,
        ClearBonds,
        TableBegin,
        TableChunk,
        TableCommit,
        UpdateBegin,
        UpdateChunk,
        UpdateCommit,
    )
}


def decode(data: bytes) -> Message:
    """One notification, indication or read value. Raises ProtocolError only; an unknown kind is an `Unknown`."""
    _check_size(data)
    reader = _READERS.get(data[0])
    return Unknown(kind=data[0], data=data) if reader is None else reader(data)


def decode_command(data: bytes) -> Command | Unknown:
    """One write to Control, as the pod reads it. Raises ProtocolError only."""
    _check_size(data)
    command = _COMMANDS.get(data[0])
    return Unknown(kind=data[0], data=data) if command is None else command.from_bytes(data)


def decode_info(data: bytes) -> tuple[PodInfo, Info]:
    """The Info characteristic. Raises ProtocolError; ProtocolVersionError when the pod speaks another major version."""
    _check_size(data)
    message = Info.from_bytes(data)
    return message.pod_info(), message


def _check_size(data: bytes) -> None:
    if not data:
        raise ProtocolError("an empty message", offset=0, data=data)
    if len(data) > MAX_INPUT:
        raise ProtocolError(f"a message of {len(data)} bytes, more than {MAX_INPUT}", offset=MAX_INPUT, data=data)
