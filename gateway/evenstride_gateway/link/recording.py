"""A recording as a Source: what a radio said once, said again, at the same pace or as fast as it is read."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from types import MappingProxyType, TracebackType
from typing import Self

from evenstride_gateway.errors import LinkError
from evenstride_gateway.link.source import Chunk, LinkChange, LinkState, PodLink, Source

Stored = tuple[str, bytes, float]
"""(pod_id, data, arrival_s): one notification of a recording, in order of arrival."""


class RecordingSource(Source):
    """Plays `chunks` once. `infos`: the Info message of each pod, handed over when its part begins.

    `paced`: arrivals keep their distances on the loop's clock; else items come as fast as they are taken and keep
    their recorded `arrival_s`. There is nobody to command or to ping: both raise LinkError.
    """

    def __init__(
        self, chunks: Iterable[Stored], *, infos: Mapping[str, bytes] | None = None, paced: bool = False
    ) -> None:
        self._chunks = chunks
        self._infos = dict(infos or {})
        self._paced = paced
        self._links: dict[str, PodLink] = {}
        self._closed = asyncio.Event()

    @property
    def pods(self) -> Mapping[str, PodLink]:
        """By pod id, from its first chunk on."""
        return MappingProxyType(self._links)

    @property
    def problems(self) -> Mapping[str, str]:
        """A recording has none of its own."""
        return {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[Chunk | LinkChange]:
        loop = asyncio.get_running_loop()
        shift_s: float | None = None if self._paced else 0.0
        for pod_id, data, recorded_s in self._chunks:
            if shift_s is None:
                shift_s = loop.time() - recorded_s
            arrival_s = recorded_s + shift_s
            if self._closed.is_set() or (self._paced and await self._closed_before(arrival_s)):
                break
            if (link := self._links.get(pod_id)) is None:
                link = self._links[pod_id] = PodLink(pod_id=pod_id, address="recording", connections=1)
                yield self._change(link, LinkState.STREAMING, arrival_s, info=self._infos.get(pod_id, b""))
            link.chunks += 1
            link.last_arrival_s = arrival_s
            yield Chunk(pod_id=pod_id, data=data, arrival_s=arrival_s)
        for link in self._links.values():
            yield self._change(link, LinkState.LOST, link.last_arrival_s or 0.0, reason="end of the recording")

    async def command(self, pod_id: str, message: bytes, *, timeout_s: float = 2.0) -> bytes:  # noqa: ARG002
        """A recording obeys nobody: raises LinkError."""
        raise LinkError(f"pod {pod_id} is a recording: it takes no commands")

    async def ping(self, pod_id: str, message: bytes) -> None:  # noqa: ARG002
        """Raises LinkError."""
        raise LinkError(f"pod {pod_id} is a recording: it answers no pings")

    async def close(self) -> None:
        """End the iteration after what was handed over already."""
        self._closed.set()

    async def _closed_before(self, deadline_s: float) -> bool:
        try:
            async with asyncio.timeout_at(deadline_s):
                await self._closed.wait()
        except TimeoutError:
            return False
        return True

    @staticmethod
    def _change(
        link: PodLink, state: LinkState, arrival_s: float, *, reason: str = "", info: bytes = b""
    ) -> LinkChange:
        link.state = state
        return LinkChange(pod_id=link.pod_id, state=state, arrival_s=arrival_s, reason=reason, info=info)
