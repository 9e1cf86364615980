"""A virtual pod on the air: protocol v1 as a GATT server on a Bumble device, around a PodCore."""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from bumble import att, hci
from bumble import core as bumble_core
from bumble.device import Connection, Device
from bumble.gatt import Characteristic
from bumble.keys import MemoryKeyStore

from evenstride_gateway.air import Mode, TimePing, TimePong, advertising_data, scan_response_data
from evenstride_gateway.air.uuids import ATT_HEADER, MTU, pod_name
from evenstride_gateway.errors import ProtocolError
from evenstride_gateway.virtual.device import Confirmations, cut_power, make_controller, make_device
from evenstride_gateway.virtual.pod_control import LinkFacts, PodControl
from evenstride_gateway.virtual.pod_core import PodCore
from evenstride_gateway.virtual.pod_gatt import PodTable
from evenstride_gateway.virtual.radio import RadioLink

MAX_PENDING = 8  # packets in the controller's hands: as many as a small controller's buffers
BACKFILL_PENDING = 4  # backfill leaves room for live frames
INTERVAL_MS, LATENCY, SUPERVISION_MS = 15, 0, 2000
PARAMETER_TIMEOUT_S = 5.0
_BLOCKED_S = 0.05  # when the radio's buffers are full: sampling goes on at this pace until the radio flows again
_MAX_REPLIES = 8


class PodRadio(Protocol):
    """What a pod's power switch does to its radio."""

    def switch_on(self) -> Device:
        """A fresh device, not yet powered on by its host."""
        ...

    def cut(self, device: Device) -> None:
        """Power loss: gone from the air without a word."""
        ...


class AirRadio:
    """A pod's radio on the virtual air: one address, bonds that survive a power cut, a new controller at each boot."""

    def __init__(self, link: RadioLink, *, name: str, address: str) -> None:
        self.link, self.name, self.address = link, name, address
        self.bonds = MemoryKeyStore()
        self.controller = make_controller(link, name, acl_packets=MAX_PENDING)
        self._fresh = True

    def switch_on(self) -> Device:
        if not self._fresh:
            self.controller = make_controller(self.link, self.name, acl_packets=MAX_PENDING)
        self._fresh = False
        return make_device(self.controller, address=self.address, bonds=self.bonds)

    def cut(self, device: Device) -> None:
        cut_power(device, self.controller)


@dataclass(slots=True, kw_only=True)
class Bends:
    """Ways to break the protocol, for tests. 0 and None = obey."""

    major: int | None = None  # Info claims this major version
    minor: int | None = None  # Info claims this minor version, and has a field that 1.0 does not know
    cut_to: int | None = None  # every notification on Data is cut to so many bytes
    duplicate_every: int = 0  # every n-th notification on Data is sent twice
    swap_every: int = 0  # every n-th notification on Data goes out behind the next one


class VirtualPod:
    """`async with VirtualPod(core, radio)`: on the air, streaming after START, until the block ends.

    `mtu` is the largest ATT MTU that the pod grants. `power_cut()` and `reboot()` are faults; so are `bends`.
    """

    def __init__(
        self,
        core: PodCore,
        radio: PodRadio,
        *,
        mtu: int = MTU,
        advertising_interval_s: float = 0.1,
        bends: Bends | None = None,
    ) -> None:
        self.core = core
        self.radio = radio
        self.mtu = mtu
        self.bends = bends or Bends()
        self.control = PodControl(core)
        self.device: Device | None = None
        self.connection: Connection | None = None
        self.disconnections = 0
        self._advertising_ms = advertising_interval_s * 1000
        self._wake = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._of_link = list[asyncio.Task[None]]()
        self._table: PodTable | None = None
        self._confirmations: Confirmations[int] | None = None
        self._held: tuple[bytes, int] | None = None
        self._sent = 0

    @property
    def pod_id(self) -> str:
        return self.core.plan.pod_id

    # life -------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        await self.reboot()
        self._runner = self._tasks.create_task(self._run(), name=f"pod {self.pod_id}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.cancel()
        self._end_link_tasks()
        if self.device is not None:
            self.radio.cut(self.device)
            self.device = None
        # the caller's own error passes unwrapped; a cancellation must reach the group, which may have asked for it
        passed = (kind, error, trace) if isinstance(error, asyncio.CancelledError) else (None, None, None)
        await self._tasks.__aexit__(*passed)

    def power_cut(self) -> None:
        """The battery falls out: RAM is lost, the radio silent, nobody told. `reboot()` puts it back."""
        self.core.power_cut(self._now())
        self._forget_link()
        if self.device is not None:
            self.radio.cut(self.device)
            self.device = None

    async def reboot(self) -> None:
        """Power on: a fresh radio at the same address, a new boot id, advertising."""
        if self.device is not None:
            raise RuntimeError("the pod is on: power_cut() comes first")
        device = self.radio.switch_on()
        self._table = PodTable(
            info=self._read_info,
            control=self._on_control,
            time=self._on_time,
            battery=lambda: round(self.core.status(self._now()).battery_fraction * 100),
            plan=self.core.plan,
        )
        device.add_services(self._table.services)
        device.gatt_server.max_mtu = self.mtu
        device.on(Device.EVENT_CONNECTION, self._on_connection)
        self.device = device
        await device.power_on()
        self.core.boot(self._now())
        await device.start_advertising(
            auto_restart=True,
            advertising_data=advertising_data(self.core.advertisement(self._now())),
            scan_response_data=scan_response_data(pod_name(self.pod_id)),
            advertising_interval_min=self._advertising_ms,
            advertising_interval_max=self._advertising_ms,
        )
        self._wake.set()

    async def disconnect(self) -> None:
        """A polite end of the link, as when the button is pressed."""
        if self.connection is not None:
            await self.connection.disconnect()

    async def advertise(self) -> None:
        """Renew what the advertising says (squad mode does it every second)."""
        if self.device is not None and self.connection is None:
            self.device.advertising_data = advertising_data(self.core.advertisement(self._now()))
            await self.device.send_sync_command(
                hci.HCI_LE_Set_Advertising_Data_Command(  # pyright: ignore[reportUnknownArgumentType] - Bumble's generic
                    advertising_data=self.device.advertising_data
                )
            )

    # the link ---------------------------------------------------------------------------------------------------

    def _on_connection(self, connection: Connection) -> None:
        queue = connection.data_packet_queue
        if queue is None:
            raise RuntimeError("a connection without a packet queue")
        self.connection = connection
        self._confirmations = Confirmations[int](queue, self._on_confirmed)
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
        self._replies = asyncio.Queue[bytes](_MAX_REPLIES)
        self._of_link = [
            self._tasks.create_task(self._ask_parameters(connection), name=f"pod {self.pod_id} parameters"),
            self._tasks.create_task(self._reply(connection), name=f"pod {self.pod_id} replies"),
        ]

    def _on_disconnection(self, _reason: int) -> None:
        self.disconnections += 1
        self._forget_link()
        self.core.link_lost(self._now())
        self._wake.set()

    def _forget_link(self) -> None:
        self.connection = None
        self._held = None
        self.control.forget_transfer()
        if self._confirmations is not None:
            self._confirmations.close()
            self._confirmations = None
        self._end_link_tasks()

    def _end_link_tasks(self) -> None:
        for task in self._of_link:
            task.cancel()
        self._of_link = []

    def _on_confirmed(self, notifications: int) -> None:
        self.core.confirm(notifications)
        self._wake.set()

    async def _ask_parameters(self, connection: Connection) -> None:
        """Ask for 15 ms, latency 0, 2 s. A central that refuses keeps its own; the stream works all the same."""
        now = connection.parameters
        if (now.connection_interval, now.peripheral_latency, now.supervision_timeout) == (
            INTERVAL_MS,
            LATENCY,
            SUPERVISION_MS,
        ):
            return
        try:
            async with asyncio.timeout(PARAMETER_TIMEOUT_S):
                await connection.update_parameters(INTERVAL_MS, INTERVAL_MS, LATENCY, SUPERVISION_MS)
        except (hci.HCI_Error, bumble_core.BaseBumbleError, TimeoutError):
            return

    async def _reply(self, connection: Connection) -> None:
        """One indication at a time, as ATT demands."""
        while self.device is not None and self._table is not None:
            data = await self._replies.get()
            try:
                await self.device.gatt_server.indicate_subscriber(connection, self._table.control, data)
            except TimeoutError:  # ATT: no confirmation within 30 s ends the bearer
                if connection is self.connection:
                    await connection.disconnect()
                return

    # what the host writes and reads -----------------------------------------------------------------------------

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _read_info(self) -> bytes:
        data = bytearray(bytes(self.core.info()))
        if self.bends.major is not None:
            data[1] = self.bends.major
        if self.bends.minor is not None:
            fixed = data[3]
            data[2:4] = self.bends.minor, fixed + 4
            data[fixed:fixed] = b"new!"
        return bytes(data)

    def _subscribed(self, connection: Connection, characteristic: Characteristic[bytes], bit: int) -> bool:
        if self.device is None:
            return False
        value = self.device.gatt_server.subscribers.get(connection, {}).get(characteristic.handle, b"\0")
        return bool(value[0] & bit)

    def _on_control(self, connection: Connection, data: bytes) -> None:
        if self._table is None or not self._subscribed(connection, self._table.control, 2):
            raise att.ATT_Error(att.ErrorCode.CCCD_IMPROPERLY_CONFIGURED)
        if self._replies.full():
            raise att.ATT_Error(att.ErrorCode.INSUFFICIENT_RESOURCES)
        link = LinkFacts(
            mtu=connection.att_mtu,
            bonded=connection.is_encrypted,
            subscribed=self._subscribed(connection, self._table.data, 1),
        )
        self._replies.put_nowait(bytes(self.control.answer(data, self._now(), link)))
        self._wake.set()

    async def _on_time(self, connection: Connection, data: bytes) -> None:
        tick = self.core.tick(self._now())
        try:
            ping = TimePing.from_bytes(data)
        except ProtocolError:
            return  # a write without response has nobody to tell
        pong = TimePong(
            ping_id=ping.ping_id,
            boot_id=self.core.clock.boot_id,
            tick=tick,
            interval_s=connection.parameters.connection_interval / 1000,
            marker=ping.marker,
        )
        if self.device is not None and self._table is not None:
            await self.device.gatt_server.notify_subscriber(connection, self._table.time, bytes(pong))

    # the stream -------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            now = loop.time()
            self.core.advance(now)
            blocked = await self._send(now)
            if not self.core.powered:
                await self._wake.wait()
                continue
            due = self.core.next_due_s(self._mtu)
            timer = loop.call_at(max(due, now + _BLOCKED_S) if blocked else due, self._wake.set)
            try:
                await self._wake.wait()
            finally:
                timer.cancel()

    @property
    def _mtu(self) -> int:
        return self.mtu if self.connection is None else self.connection.att_mtu

    async def _send(self, now: float) -> bool:
        """Hand over what is ready; True when the radio's buffers were full."""
        while (connection := self.connection) is not None:
            queue = connection.data_packet_queue
            if queue is None:
                return False
            if queue.pending >= MAX_PENDING:
                return self.core.mode is not Mode.IDLE
            data = self.core.take_live(now, connection.att_mtu)
            if data is None:
                if queue.pending >= BACKFILL_PENDING:
                    return False
                data = self.core.take_backfill(connection.att_mtu)
            if data is None:
                return False
            await self._bend(connection, data)
        return False

    async def _bend(self, connection: Connection, data: bytes) -> None:
        bends, self._sent = self.bends, self._sent + 1
        if bends.swap_every and self._sent % bends.swap_every == 0 and self._held is None:
            self._held = data, 1
            return
        await self._notify(connection, data, 0 if self._held else 1)
        if self._held is not None:
            held, self._held = self._held[0], None
            await self._notify(connection, held, 2)
        if bends.duplicate_every and self._sent % bends.duplicate_every == 0:
            await self._notify(connection, data, 0)

    async def _notify(self, connection: Connection, data: bytes, confirms: int) -> None:
        if self.device is None or self._table is None or self._confirmations is None:
            return
        data = data[: self.bends.cut_to] if self.bends.cut_to else data
        if len(data) > connection.att_mtu - ATT_HEADER:
            raise RuntimeError(f"{len(data)} bytes do not fit MTU {connection.att_mtu}")
        await self.device.gatt_server.notify_subscriber(connection, self._table.data, data)
        self._confirmations.handed(confirms)
