"""The air format (firmware/PROTOCOL.md), both directions: one dataclass per message. Pure."""

from evenstride_gateway.air.advertisement import AdvertFlag, Advertisement, advertising_data, scan_response_data
from evenstride_gateway.air.command_base import Command
from evenstride_gateway.air.commands import (
    AckLog,
    Anchor,
    AnchorList,
    Backfill,
    BackfillCancel,
    ClearBonds,
    EraseLog,
    GetStatus,
    Identify,
    LogStatus,
    SetRate,
    Start,
    Stop,
)
from evenstride_gateway.air.frames import RawFrame, samples_per_frame
from evenstride_gateway.air.info import Channel, Feature, Info, InfoHead
from evenstride_gateway.air.log import (
    BackfillDone,
    BackfillResult,
    LogKind,
    LogRange,
    LogRanges,
    UtcAnchor,
    UtcAnchors,
)
from evenstride_gateway.air.records import StrideRecord, StrideRecords
from evenstride_gateway.air.replies import CommandReply, Status, StreamPosition
from evenstride_gateway.air.status import Mode, PodFlag, PodStatus, ResetReason
from evenstride_gateway.air.timing import TimePing, TimePong
from evenstride_gateway.air.transfer import (
    TableBegin,
    TableChunk,
    TableCommit,
    TableKind,
    UpdateBegin,
    UpdateChunk,
    UpdateCommit,
    table_transfer,
)
from evenstride_gateway.air.wire import ProtocolVersionError

__all__ = [
    "AckLog",
    "AdvertFlag",
    "Advertisement",
    "Anchor",
    "AnchorList",
    "Backfill",
    "BackfillCancel",
    "BackfillDone",
    "BackfillResult",
    "Channel",
    "ClearBonds",
    "Command",
    "CommandReply",
    "EraseLog",
    "Feature",
    "GetStatus",
    "Identify",
    "Info",
    "InfoHead",
    "LogKind",
    "LogRange",
    "LogRanges",
    "LogStatus",
    "Mode",
    "PodFlag",
    "PodStatus",
    "ProtocolVersionError",
    "RawFrame",
    "ResetReason",
    "SetRate",
    "Start",
    "Status",
    "Stop",
    "StreamPosition",
    "StrideRecord",
    "StrideRecords",
    "TableBegin",
    "TableChunk",
    "TableCommit",
    "TableKind",
    "TimePing",
    "TimePong",
    "UpdateBegin",
    "UpdateChunk",
    "UpdateCommit",
    "UtcAnchor",
    "UtcAnchors",
    "advertising_data",
    "samples_per_frame",
    "scan_response_data",
    "table_transfer",
]
