"""The one shape of every source of pod data: radio, recording and virtual pods look the same from here on."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class LinkState(StrEnum):
    SEEN = "seen"
    CONNECTING = "connecting"
    CHECKING = "checking"
    STREAMING = "streaming"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One notification or indication as it arrived: `arrival_s` is host monotonic time at the callback."""

    pod_id: str
    data: bytes
    arrival_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChange:
    """A pod's link moved to another state. In order with the chunks; never dropped by the inbox.

    `info` is the raw Info message when the state is STREAMING; `interval_s` the connection interval where it is known.
    """

    pod_id: str
    state: LinkState
    arrival_s: float
    reason: str = ""
    info: bytes = b""


@dataclass(slots=True, kw_only=True)
class PodLink:
    """What a person may see of one pod's link; owned and updated by the source."""

    pod_id: str
    address: str
    state: LinkState = LinkState.SEEN
    rssi_dbm: int | None = None
    mtu: int | None = None
    connections: int = 0
    chunks: int = 0
    inbox_dropped: int = 0
    last_arrival_s: float | None = None
    losses: dict[str, int] = field(default_factory=dict[str, int])  # reason -> how often
    refused: str = ""  # why this pod is not used, in plain words ("" = it is)


class Source(AbstractAsyncContextManager["Source"], Protocol):
    """`async with source as s: async for item in s`; iteration ends after `close()` when everything was handed over."""

    @property
    def pods(self) -> Mapping[str, PodLink]: ...

    @property
    def problems(self) -> Mapping[str, str]:
        """Adapter (or file) -> what is wrong with it now, in plain words; empty = nothing."""
        ...

    def __aiter__(self) -> AsyncIterator[Chunk | LinkChange]: ...

    async def command(self, pod_id: str, message: bytes, *, timeout_s: float = 2.0) -> bytes:
        """Write a Control message and return the pod's reply. Raises LinkError when the pod is away or silent."""
        ...

    async def ping(self, pod_id: str, message: bytes) -> None:
        """Write to Time without response; the answer comes back as a Chunk. Raises LinkError when the pod is away."""
        ...

    async def close(self) -> None:
        """Stop streaming politely, disconnect, and end the iteration."""
        ...
