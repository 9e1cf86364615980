"""One pod's supervisor: seen, connecting, checking, streaming, lost, and from the beginning again."""

import asyncio
import random
from dataclasses import dataclass
from typing import Protocol

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError

from evenstride_gateway.air.commands import Anchor, Start, Stop
from evenstride_gateway.air.info import Info, InfoHead
from evenstride_gateway.air.replies import CommandReply, Status
from evenstride_gateway.air.uuids import ATT_HEADER, CONTROL_UUID, DATA_UUID, INFO_UUID, PROTOCOL_MAJOR, TIME_UUID
from evenstride_gateway.air.wire import ProtocolVersionError
from evenstride_gateway.decode import decode_info
from evenstride_gateway.errors import LinkError, ProtocolError
from evenstride_gateway.link.backend import DROPPED, LinkBackend, LinkConfig
from evenstride_gateway.link.control import ControlPoint
from evenstride_gateway.link.scheduler import AdapterScheduler
from evenstride_gateway.link.source import Chunk, LinkChange, LinkState, PodLink

FRESH_S = 10.0  # an older sighting is no reason to try a connect
PING_S = 1.0  # one stalled write must not stop the pings of all pods
GOODBYE_S = 2.0


class RefusedError(LinkError):
    """This pod is not used, for a reason that trying again soon does not change."""

    def __init__(self, reason: str, *, delay_s: float) -> None:
        super().__init__(reason)
        self.delay_s = delay_s


class SessionOwner(Protocol):
    """What a session needs from its source."""

    def emit(self, item: Chunk | LinkChange) -> None: ...

    def identify(self, session: "PodSession", pod_id: str) -> PodLink:
        """The PodLink of this chip. Raises RefusedError when the pod is not ours or is here already."""
        ...

    def changed(self) -> None:
        """A state changed: adapters look again whether to scan."""
        ...


@dataclass(frozen=True, slots=True)
class _Sight:
    device: BLEDevice
    at_s: float
    rssi_dbm: int


class PodSession:
    """Keeps one address connected for as long as its task runs; a fresh client for every connection."""

    def __init__(
        self, link: PodLink, owner: SessionOwner, backend: LinkBackend, config: LinkConfig, rng: random.Random
    ) -> None:
        self.link = link
        self.address = link.address
        self.waiting = True  # for an advertisement: a reason to scan
        self._owner = owner
        self._backend = backend
        self._config = config
        self._rng = rng
        self._sights: dict[AdapterScheduler, _Sight] = {}
        self._sighted = asyncio.Event()
        self._client: BleakClient | None = None
        self._control: ControlPoint | None = None
        self._gone = asyncio.Event()
        self._info = b""
        self._retired = False
        self._streaming_since_s = 0.0
        self._last_data_s = 0.0

    @property
    def connected(self) -> bool:
        return self._client is not None

    def heard(self, adapter: AdapterScheduler, device: BLEDevice, rssi_dbm: int) -> None:
        """An advertisement of this pod arrived."""
        self.link.rssi_dbm = rssi_dbm
        self._sights[adapter] = _Sight(device, asyncio.get_running_loop().time(), rssi_dbm)
        self._sighted.set()

    async def run(self) -> None:
        """Supervise until cancelled."""
        delay_s = self._config.first_delay_s
        while True:
            adapter, device = await self._wait_for_sight()
            started_s = self._streaming_since_s
            try:
                async with adapter.slot():
                    await self._connection(adapter, device)
            except RefusedError as refusal:
                self.link.refused = str(refusal)
                self._lose("refused", str(refusal))
                await asyncio.sleep(refusal.delay_s)
                continue
            except (LinkError, ProtocolError, BleakError, TimeoutError, OSError, EOFError) as error:
                self._lose(*self._why(error))
            except asyncio.CancelledError:
                if self.link.state is not LinkState.LOST:
                    self._lose("stopped", "stopped")
                raise
            now_s = asyncio.get_running_loop().time()
            if self._streaming_since_s > started_s and now_s - self._streaming_since_s >= self._config.calm_after_s:
                delay_s = self._config.first_delay_s
            await asyncio.sleep(delay_s * self._rng.uniform(0.5, 1.0))
            delay_s = min(2 * delay_s, self._config.longest_delay_s)

    def retire(self) -> None:
        """This pod is at another address now: say nothing more in its name. The caller cancels the task."""
        self._retired = True

    async def farewell(self) -> None:
        """Ask the pod to stop sending; it logs on."""
        await self.command(bytes(Stop()), timeout_s=GOODBYE_S / 2)

    async def command(self, message: bytes, *, timeout_s: float) -> bytes:
        """Raises LinkError."""
        if self._control is None or self.link.state is not LinkState.STREAMING:
            raise LinkError(f"pod {self.link.pod_id} is not connected")
        return await self._control.ask(message, timeout_s=timeout_s)

    async def ping(self, message: bytes) -> None:
        """Raises LinkError."""
        if self._client is None or self.link.state is not LinkState.STREAMING:
            raise LinkError(f"pod {self.link.pod_id} is not connected")
        try:
            async with asyncio.timeout(PING_S):
                await self._client.write_gatt_char(TIME_UUID, message, response=False)
        except DROPPED as error:
            raise LinkError(f"pod {self.link.pod_id}: a ping could not be sent: {error}") from error

    async def _wait_for_sight(self) -> tuple[AdapterScheduler, BLEDevice]:
        """The adapter with room that hears this pod best, and the pod as it saw it just now."""
        self.waiting = True
        self._owner.changed()
        while True:
            self._sighted.clear()
            oldest_s = asyncio.get_running_loop().time() - FRESH_S
            fresh = [(a, s) for a, s in self._sights.items() if s.at_s >= oldest_s]
            if usable := [(a, s) for a, s in fresh if a.free > 0]:
                self.waiting = False
                adapter, sight = max(usable, key=lambda each: (each[0].free, each[1].rssi_dbm))
                if self.link.state is not LinkState.SEEN:
                    self._change(LinkState.SEEN)
                return adapter, sight.device
            if fresh:
                self.link.refused = f"no free link: every adapter that hears it holds {fresh[0][0].slots} pods already"
            await self._sighted.wait()

    async def _connection(self, adapter: AdapterScheduler, device: BLEDevice) -> None:
        """From connect to the end of the link; never returns without an exception that says why it ended."""
        self._sights.clear()  # whatever comes of this connect, the next one needs a newer sighting
        self._gone = gone = asyncio.Event()
        config = self._config
        client = self._backend.make_client(
            device, adapter.name, timeout_s=config.connect_timeout_s, pair=config.pair, gone=self._on_gone(gone)
        )
        try:
            async with adapter.connecting():
                self._change(LinkState.CONNECTING)
                async with asyncio.timeout(2 * config.connect_timeout_s):  # a platform whose own timeout fails
                    await client.connect()
            self._client, self._control = client, ControlPoint(client)
            self.link.connections += 1
            self._change(LinkState.CHECKING)
            async with asyncio.timeout(config.setup_timeout_s):
                await self._check(client)
                await self._start(client, self._control)
            await self._watch(gone)
        finally:
            self._client = self._control = None
            try:
                await _goodbye(client)
            except asyncio.CancelledError:
                await _goodbye(client)  # a link left open would block the pod for the next run
                raise

    async def _check(self, client: BleakClient) -> None:
        data = bytes(await client.read_gatt_char(INFO_UUID))
        head = InfoHead.from_bytes(data)
        self.link = self._owner.identify(self, head.pod_id)
        try:
            _, info = decode_info(data)
        except ProtocolVersionError as error:
            cure = "update evenstride" if error.major > PROTOCOL_MAJOR else "update the pod"
            spoken = f"{error.major}.{error.minor}, this gateway {PROTOCOL_MAJOR}.x"
            raise RefusedError(
                f"pod {head.pod_id} speaks protocol {spoken}: {cure}",
                delay_s=self._config.refused_delay_s,
            ) from error
        self._check_mtu(client, info)
        self._info = data

    def _check_mtu(self, client: BleakClient, info: Info) -> None:
        characteristic = client.services.get_characteristic(CONTROL_UUID)
        if characteristic is None:
            raise LinkError(f"pod {info.pod_id} has no Control characteristic")
        self.link.mtu = characteristic.max_write_without_response_size + ATT_HEADER  # mtu_size says 23 on BlueZ
        if self.link.mtu < info.min_mtu:
            raise RefusedError(
                f"pod {info.pod_id}: the radio carries packets of {self.link.mtu} bytes, {info.min_mtu} are needed; "
                "another Bluetooth adapter may help",
                delay_s=self._config.unfit_delay_s,
            )

    async def _start(self, client: BleakClient, control: ControlPoint) -> None:
        options = {"use_start_notify": not self._config.use_acquire_notify}
        for uuid, callback in (
            (CONTROL_UUID, self._on_control),
            (DATA_UUID, self._on_data),
            (TIME_UUID, self._on_time),
        ):
            await client.start_notify(uuid, callback, bluez=options)  # pyright: ignore[reportArgumentType]  # a TypedDict of this one key
        timeout_s = self._config.setup_timeout_s
        await control.ask(bytes(Anchor(utc_ns=self._config.utc_ns())), timeout_s=timeout_s)
        data = await control.ask(bytes(Start(mode=self._config.mode)), timeout_s=timeout_s, at_once=self._on_started)
        reply = CommandReply.from_bytes(data)
        if reply.status is not Status.OK:
            why = _START_REFUSALS.get(reply.status, reply.status.name.lower().replace("_", " "))
            raise RefusedError(
                f"pod {self.link.pod_id} refuses to start: {why}",
                delay_s=self._config.unfit_delay_s,
            )

    async def _watch(self, gone: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout_at(self._last_data_s + self._config.watchdog_s):
                    await gone.wait()
                raise LinkError("link lost")
            except TimeoutError:
                if loop.time() >= self._last_data_s + self._config.watchdog_s:
                    raise LinkError(f"no data for {self._config.watchdog_s:g} s") from None

    def _on_gone(self, gone: asyncio.Event):  # noqa: ANN202  # pyright infers it
        def gone_now() -> None:
            gone.set()
            if gone is self._gone and self._control is not None:
                self._control.lost()

        return gone_now

    def _on_started(self, reply: CommandReply) -> None:
        """In the callback of the reply: the state must change before the first frame arrives."""
        if reply.status is Status.OK:
            self.link.refused = ""
            self._streaming_since_s = self._last_data_s = asyncio.get_running_loop().time()
            self._change(LinkState.STREAMING, info=self._info)
            self._hand_on(bytes(reply))

    def _on_control(self, _: BleakGATTCharacteristic, data: bytearray) -> None:
        if self._control is None or not self._control.indicated(bytes(data)):
            self._hand_on(bytes(data))

    def _on_data(self, _: BleakGATTCharacteristic, data: bytearray) -> None:
        self._last_data_s = self._hand_on(bytes(data))

    def _on_time(self, _: BleakGATTCharacteristic, data: bytearray) -> None:
        self._hand_on(bytes(data))

    def _hand_on(self, data: bytes) -> float:
        arrival_s = asyncio.get_running_loop().time()
        link = self.link
        link.chunks += 1
        link.last_arrival_s = arrival_s
        self._owner.emit(Chunk(pod_id=link.pod_id, data=data, arrival_s=arrival_s))
        return arrival_s

    def _change(self, state: LinkState, *, reason: str = "", info: bytes = b"") -> None:
        if self._retired:
            return
        self.link.state = state
        now_s = asyncio.get_running_loop().time()
        self._owner.emit(LinkChange(pod_id=self.link.pod_id, state=state, arrival_s=now_s, reason=reason, info=info))
        self._owner.changed()

    def _lose(self, kind: str, reason: str) -> None:
        if self._retired:
            return
        self.link.losses[kind] = self.link.losses.get(kind, 0) + 1
        self._change(LinkState.LOST, reason=reason)

    def _why(self, error: BaseException) -> tuple[str, str]:
        """A short kind to count under, and a sentence."""
        if self.link.state is LinkState.STREAMING:
            return str(error), str(error)
        if self.link.state is LinkState.CONNECTING:
            kind = "connect timed out" if isinstance(error, TimeoutError) else "connect failed"
        elif self._gone.is_set():
            kind = "link lost while checking"
        else:
            kind = "no answer while checking" if isinstance(error, TimeoutError) else "check failed"
        return kind, f"{kind}: {error}" if str(error) else kind


_START_REFUSALS = {
    Status.NEEDS_BOND: "it wants to be paired first (setting `radio.pair`)",
    Status.MTU_TOO_SMALL: "the packets of this radio are too short; another Bluetooth adapter may help",
}


async def _goodbye(client: BleakClient) -> None:
    """Disconnect, whatever state the link is in; it must not hang and cannot be helped when it fails."""
    try:
        async with asyncio.timeout(GOODBYE_S):
            await client.disconnect()
    except (BleakError, TimeoutError, OSError, EOFError):
        return
