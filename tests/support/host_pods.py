"""The firmware as a Linux program on the virtual radio: built once, started, killed, and talked to by real bleak."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from bleak import BleakClient, BleakScanner
from bumble.keys import MemoryKeyStore

from evenstride_analysis.model import CountArray
from evenstride_gateway import air
from evenstride_gateway.air.uuids import CONTROL_UUID, DATA_UUID, INFO_UUID, pod_name
from evenstride_gateway.decode import Message, decode, decode_info
from evenstride_gateway.virtual.air_server import LOOPBACK, AirServer
from evenstride_gateway.virtual.backend import Backends, make_backends
from evenstride_gateway.virtual.central import Central
from evenstride_gateway.virtual.controller import RadioController
from evenstride_gateway.virtual.radio import RadioLink
from support.firmware import built

POD_ID = "e5e50000000000a1"


def host_pod() -> Path:
    """The program, built where it is out of date."""
    return built("evenstride-host-pod", release=False)


def numbered(n: int) -> CountArray:
    """A recording whose sample j holds j in its first two columns, and something else in the others."""
    index = np.arange(n)
    counts = np.empty((n, 6), np.int16)
    counts[:, 0], counts[:, 1] = index % 30_000, index // 30_000
    counts[:, 2:] = np.random.default_rng(4).integers(-20_000, 20_000, (n, 4))
    return counts


def number(counts: CountArray) -> int:
    """Which sample of `numbered` this is."""
    return int(counts[0]) + 30_000 * int(counts[1])


@dataclass
class HostPod:
    """One pod's battery: `start` puts it in, `kill` pulls it."""

    port: int
    pod_id: str
    recording: Path
    flash: Path
    options: Sequence[str] = ()
    process: asyncio.subprocess.Process | None = None

    async def start(self, *more: str, stdout: int | None = None) -> Self:
        self.process = await asyncio.create_subprocess_exec(
            str(host_pod()),
            *("--hci", f"{LOOPBACK}:{self.port}", "--pod-id", self.pod_id),
            *("--recording", str(self.recording), "--flash", str(self.flash)),
            *self.options,
            *more,
            stdout=stdout,
        )
        return self

    async def kill(self) -> None:
        """kill -9: everything in RAM is gone, nobody is told."""
        if self.process is not None:
            if self.process.returncode is None:
                self.process.kill()
            await self.process.wait()
            self.process = None


@dataclass
class AirWorld:
    """A virtual radio with a central, and a port through which host pods join."""

    folder: Path
    link: RadioLink
    server: AirServer
    central: Central
    backends: Backends
    pods: list[HostPod] = field(default_factory=list[HostPod])

    async def pod(self, pod_id: str = POD_ID, *options: str, samples: int = 30_000) -> HostPod:
        """A pod that plays `numbered` samples."""
        recording = self.folder / "numbered.bin"
        if not recording.exists():
            recording.write_bytes(numbered(samples).astype("<i2").tobytes())
        pod = HostPod(self.server.port, pod_id, recording, self.folder / f"{pod_id}.flash", options)
        self.pods.append(pod)
        return await pod.start()

    @property
    def radios(self) -> list[RadioController]:
        """The controllers of the pods, in the order in which they joined."""
        controllers = [member for member in self.link.members if isinstance(member, RadioController)]
        return [controller for controller in controllers if controller is not self.central.controller]

    @asynccontextmanager
    async def connected(self, pod_id: str = POD_ID) -> AsyncGenerator["Host", None]:
        """A host that has found the pod and listens to Control and Data."""
        found = await BleakScanner.find_device_by_name(pod_name(pod_id), timeout=60, backend=self.backends.scanner)
        assert found is not None, f"{pod_id} was not found"
        async with BleakClient(found, timeout=30, backend=self.backends.client) as client:
            host = Host(client)
            await client.start_notify(CONTROL_UUID, host.on_reply)
            await client.start_notify(DATA_UUID, host.on_data)
            yield host


class Host:
    """A host that only asks and listens."""

    def __init__(self, client: BleakClient) -> None:
        self.client = client
        self.heard = list[Message]()
        self._replies = asyncio.Queue[air.CommandReply]()
        self._new = asyncio.Event()

    def on_reply(self, _characteristic: object, data: bytearray) -> None:
        self._replies.put_nowait(air.CommandReply.from_bytes(bytes(data)))

    def on_data(self, _characteristic: object, data: bytearray) -> None:
        self.heard.append(decode(bytes(data)))
        self._new.set()

    async def ask(self, command: air.Command) -> air.CommandReply:
        await self.client.write_gatt_char(CONTROL_UUID, bytes(command), response=True)
        return await asyncio.wait_for(self._replies.get(), 30)

    async def ok(self, command: air.Command) -> bytes:
        reply = await self.ask(command)
        assert reply.status is air.Status.OK, reply
        return reply.payload

    async def info(self) -> air.Info:
        return decode_info(bytes(await self.client.read_gatt_char(INFO_UUID)))[1]

    @property
    def frames(self) -> list[air.RawFrame]:
        return [message for message in self.heard if isinstance(message, air.RawFrame)]

    async def frames_of(self, n: int) -> list[air.RawFrame]:
        """The frames, as soon as there are `n`."""
        async with asyncio.timeout(60):
            while len(self.frames) < n:
                self._new.clear()
                await self._new.wait()
        return self.frames

    async def until_records(self, enough: Callable[[list[air.StrideRecords]], bool]) -> list[air.StrideRecords]:
        """The messages of live records, as soon as they are enough."""
        async with asyncio.timeout(60):
            while True:
                found = [message for message in self.heard if isinstance(message, air.StrideRecords)]
                if enough(found):
                    return found
                self._new.clear()
                await self._new.wait()

    async def backfill(self, entry: air.LogRange) -> list[air.RawFrame]:
        """The samples that the log holds of a range."""
        await self._fetch(entry)
        return [frame for frame in self.frames if frame.backfill]

    async def records(self, entry: air.LogRange) -> list[air.StrideRecords]:
        """The records that the log holds of a range."""
        await self._fetch(entry)
        return [m for m in self.heard if isinstance(m, air.StrideRecords) and m.backfill]

    async def _fetch(self, entry: air.LogRange) -> None:
        self.heard.clear()
        count = entry.end_index - entry.first_index
        await self.ok(air.Backfill(boot_id=entry.boot_id, first_index=entry.first_index, count=count, what=entry.what))
        async with asyncio.timeout(60):
            while not any(isinstance(message, air.BackfillDone) for message in self.heard):
                self._new.clear()
                await self._new.wait()

    async def ranges(self, *kinds: air.LogKind) -> list[air.LogRange]:
        """What the logs of these kinds hold; without any, the raw log: whether a stride is logged yet is a matter of
        how long the pod has been on.
        """
        held = air.LogRanges.from_bytes(await self.ok(air.LogStatus(first=0))).ranges
        return [entry for entry in held if entry.what in (kinds or (air.LogKind.RAW,))]


@asynccontextmanager
async def air_world(
    folder: Path, *, mtu: int = 517, interval_s: float = 0.015, bonds: MemoryKeyStore | None = None
) -> AsyncGenerator[AirWorld, None]:
    """Real time; the pods end with it."""
    link = RadioLink()
    async with AirServer(link) as server:
        central = await Central.power_on(link, mtu=mtu, interval_s=interval_s, bonds=bonds)
        world = AirWorld(folder, link, server, central, make_backends(central))
        try:
            yield world
        finally:
            for pod in world.pods:
                await pod.kill()


def samples_of(frames: Sequence[air.RawFrame]) -> dict[int, Any]:
    """Counts by index; a sample that comes twice must be the same."""
    found = dict[int, Any]()
    for frame in frames:
        for k, counts in enumerate(frame.counts):
            index = frame.first_index + k
            assert index not in found or np.array_equal(found[index], counts)
            found[index] = counts
    return found
