"""Pods over Bluetooth LE as a Source: adapters that scan, one session per pod, one bounded inbox."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Self

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from evenstride_gateway.air.uuids import pod_id_from_name
from evenstride_gateway.channel import Channel, Overflow
from evenstride_gateway.errors import LinkError
from evenstride_gateway.link.backend import LinkBackend, LinkConfig, Wanted, is_wanted
from evenstride_gateway.link.scheduler import AdapterScheduler, ScanNeed
from evenstride_gateway.link.session import PodSession, RefusedError
from evenstride_gateway.link.source import Chunk, LinkChange, LinkState, PodLink, Source

NAME_PATIENCE_S = 1.0  # the name comes in the scan response, a little after the first advertisement
MAX_STRANGERS = 64


class BleSource(Source):
    """`async with BleSource(backend) as source: async for item in source`. See `source.Source`.

    `adapters` by name (none = the default one); `wanted` pods by id, by rule, or None for every pod. Entering raises
    LinkError when an adapter is not there. Chunks that nobody takes in time are dropped oldest first and counted.
    """

    def __init__(
        self,
        backend: LinkBackend | None = None,
        *,
        adapters: Sequence[str] = (),
        wanted: Wanted = None,
        config: LinkConfig | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.config = config or LinkConfig()
        self._backend = backend or LinkBackend()
        self._wanted = wanted
        self._rng = rng or random.Random()
        self.adapters = [
            AdapterScheduler(
                name,
                self._backend,
                slots=self.config.slots_per_adapter,
                seen=self._seen,
                need=self._need,
            )
            for name in (adapters or ("",))
        ]
        self._links: dict[str, PodLink] = {}
        self._sessions: dict[str, tuple[PodSession, asyncio.Task[None]]] = {}  # by address
        self._strangers: dict[str, float] = {}  # address -> first heard, while its name is unknown
        self._tasks = asyncio.TaskGroup()
        self._scans: list[asyncio.Task[None]] = []
        self._closing = False
        self._inbox = Channel[Chunk | LinkChange](
            self.config.inbox_capacity,
            Overflow.DROP_OLDEST,
            name="radio inbox",
            keep=lambda item: isinstance(item, LinkChange),
            on_drop=self._count_drop,
        )

    @property
    def pods(self) -> Mapping[str, PodLink]:
        """By pod id; by address while the pod has not said its id."""
        return MappingProxyType(self._links)

    @property
    def inbox(self) -> Channel[Chunk | LinkChange]:
        """For health: `received`, `dropped` and `len()`."""
        return self._inbox

    @property
    def problems(self) -> dict[str, str]:
        """Adapter name -> what is wrong with it, in plain words."""
        return {adapter.name: adapter.problem for adapter in self.adapters if adapter.problem}

    async def __aenter__(self) -> Self:
        for adapter in self.adapters:
            await adapter.probe()
        await self._tasks.__aenter__()
        self._scans = [
            self._tasks.create_task(adapter.run(), name=f"scan {adapter.name}".strip()) for adapter in self.adapters
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.close()
            else:
                self._cancel_all()
        finally:
            self._inbox.close()
            if error is None or isinstance(error, asyncio.CancelledError):
                await self._tasks.__aexit__(kind, error, trace)
            else:  # the owner's error stays what it is; a session's own failure would come as a group
                await self._tasks.__aexit__(None, None, None)

    def __aiter__(self) -> AsyncIterator[Chunk | LinkChange]:
        return aiter(self._inbox)

    async def command(self, pod_id: str, message: bytes, *, timeout_s: float = 2.0) -> bytes:
        """Write a Control message and return the pod's reply. Raises LinkError when the pod is away or silent."""
        return await self._session(pod_id).command(message, timeout_s=timeout_s)

    async def ping(self, pod_id: str, message: bytes) -> None:
        """Write to Time without response; the answer comes back as a Chunk. Raises LinkError when the pod is away."""
        await self._session(pod_id).ping(message)

    async def close(self) -> None:
        """Stop streaming politely, disconnect, and end the iteration."""
        if self._closing:
            return
        self._closing = True
        for scan in self._scans:
            scan.cancel()
        streaming = [s for s, _ in self._sessions.values() if s.link.state is LinkState.STREAMING]
        try:
            async with asyncio.TaskGroup() as farewells:
                for session in streaming:
                    farewells.create_task(_farewell(session), name=f"farewell {session.link.pod_id}")
        finally:
            self._cancel_all()
        if sessions := [task for _, task in self._sessions.values()]:
            await asyncio.wait(sessions)
        self._inbox.close()

    def emit(self, item: Chunk | LinkChange) -> None:
        """For the sessions: hand over without waiting."""
        self._inbox.put_nowait(item)

    def changed(self) -> None:
        """For the sessions: look again whether to scan."""
        for adapter in self.adapters:
            adapter.wake()

    def identify(self, session: PodSession, pod_id: str) -> PodLink:
        """For a session that read Info: the PodLink of this chip. Raises RefusedError."""
        if session.link.pod_id == pod_id:
            return session.link
        twin = next((s for s, _ in self._sessions.values() if s is not session and s.link.pod_id == pod_id), None)
        if twin is not None and twin.connected:
            raise RefusedError(
                f"{session.address} says it is pod {pod_id}, which is connected already at {twin.address}",
                delay_s=self.config.unfit_delay_s,  # a moved pod's old link ends with its supervision timeout
            )
        self._links.pop(session.link.pod_id, None)
        link = self._links.setdefault(pod_id, session.link)
        if link is not session.link:  # it came back under another address: one pod, one history
            link.connections += session.link.connections
            link.state, link.rssi_dbm = session.link.state, session.link.rssi_dbm
        link.pod_id, link.address = pod_id, session.address
        if twin is not None:
            twin.retire()
            self._sessions.pop(twin.address)[1].cancel()
        if not is_wanted(self._wanted, pod_id):
            session.link = link
            raise RefusedError(f"pod {pod_id} is not one of the wanted pods", delay_s=self.config.refused_delay_s)
        return link

    def _session(self, pod_id: str) -> PodSession:
        for session, _ in self._sessions.values():
            if session.link.pod_id == pod_id:
                return session
        raise LinkError(f"pod {pod_id} is not connected")

    def _seen(self, adapter: AdapterScheduler, device: BLEDevice, heard: AdvertisementData) -> None:
        """One advertisement, in the radio's callback."""
        if self._closing:
            return
        known = self._sessions.get(device.address)
        if known is None:
            if not self._welcome(device, heard):
                return
            link = PodLink(pod_id=device.address, address=device.address)
            self._links[device.address] = link
            session = PodSession(link, self, self._backend, self.config, self._rng)
            self.emit(LinkChange(pod_id=link.pod_id, state=LinkState.SEEN, arrival_s=asyncio.get_running_loop().time()))
            task = self._tasks.create_task(session.run(), name=f"pod {device.address}")
            self._sessions[device.address] = (session, task)
        else:
            session = known[0]
        session.heard(adapter, device, heard.rssi)

    def _welcome(self, device: BLEDevice, heard: AdvertisementData) -> bool:
        """Whether a device that was never met deserves a session."""
        if len(self._sessions) >= self.config.max_pods:
            return False
        if self._wanted is None:
            return True
        pod_id = pod_id_from_name(heard.local_name or device.name)
        if pod_id is not None:
            return is_wanted(self._wanted, pod_id)
        now_s = asyncio.get_running_loop().time()
        if device.address not in self._strangers and len(self._strangers) >= MAX_STRANGERS:
            del self._strangers[next(iter(self._strangers))]
        return now_s - self._strangers.setdefault(device.address, now_s) >= NAME_PATIENCE_S

    def _need(self) -> ScanNeed:
        sessions = [session for session, _ in self._sessions.values()]
        if self._closing:
            return ScanNeed.NONE
        room = len(sessions) < self.config.max_pods
        if self._wanted is None or callable(self._wanted):
            missing = room and sum(not session.link.refused for session in sessions) < self.config.expected
        else:
            missing = not set(self._wanted) <= {session.link.pod_id for session in sessions}
            room = False
        missing = missing or any(session.waiting for session in sessions)
        full = all(adapter.free <= 0 for adapter in self.adapters)
        if missing and not full:
            return ScanNeed.MISSING
        # A full adapter looks now and then for who is missing, so that a person can be told.
        return ScanNeed.CURIOUS if missing or (room and not full) else ScanNeed.NONE

    def _cancel_all(self) -> None:
        self._closing = True
        for task in [*self._scans, *(task for _, task in self._sessions.values())]:
            task.cancel()

    def _count_drop(self, item: Chunk | LinkChange) -> None:
        link = self._links.get(item.pod_id)
        if link is not None and isinstance(item, Chunk):
            link.inbox_dropped += 1


async def _farewell(session: PodSession) -> None:
    try:
        await session.farewell()
    except LinkError:
        return  # it is away, or going: its own supervision timeout frees it
