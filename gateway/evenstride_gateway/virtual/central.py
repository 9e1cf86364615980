"""One virtual adapter: what BlueZ and a dongle would be. bleak's virtual backend talks to it."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Self

from bumble import core, hci
from bumble.device import Advertisement, Connection, ConnectionParametersPreferences, Device
from bumble.keys import MemoryKeyStore

from evenstride_gateway.virtual.controller import RadioController
from evenstride_gateway.virtual.device import make_controller, make_device
from evenstride_gateway.virtual.radio import RadioLink

logger = logging.getLogger(__name__)

CENTRAL_ADDRESS = "C0:00:00:00:FF:01"
HOST_BUFFERS = 64

RxFault = Callable[[str, str, bytes], Iterable[bytes]]
"""(address, characteristic UUID, value) -> the values that the application gets instead: lost, doubled, reordered."""


class Central:
    """A powered adapter on the virtual radio. One connection attempt at a time, one scan shared by all scanners."""

    def __init__(
        self,
        device: Device,
        controller: RadioController,
        *,
        interval_s: float = 0.015,
        supervision_s: float = 2.0,
        mtu: int = 517,
    ) -> None:
        self.device = device
        self.controller = controller
        self.mtu = mtu
        self.rx_fault: RxFault | None = None  # host-side loss, as on a real D-Bus path
        self._preferences = {
            hci.Phy.LE_1M: ConnectionParametersPreferences(
                connection_interval_min=interval_s * 1000,
                connection_interval_max=interval_s * 1000,
                max_latency=0,
                supervision_timeout=round(supervision_s * 1000),
            )
        }
        self._connecting = asyncio.Lock()  # Bumble: one pending LE connection per device, BlueZ is no better
        self._abandoning: asyncio.Task[None] | None = None
        self._scanning = asyncio.Lock()
        self._scanners = 0

    @classmethod
    async def power_on(
        cls,
        link: RadioLink,
        *,
        name: str = "gateway",
        address: str = CENTRAL_ADDRESS,
        interval_s: float = 0.015,
        supervision_s: float = 2.0,
        mtu: int = 517,
        bonds: MemoryKeyStore | None = None,
    ) -> Self:
        """An adapter on `link`, ready to scan. `interval_s` and `supervision_s` hold until a pod asks for others."""
        controller = make_controller(link, name, acl_packets=HOST_BUFFERS)
        device = make_device(controller, address=address, bonds=bonds)
        await device.power_on()
        return cls(device, controller, interval_s=interval_s, supervision_s=supervision_s, mtu=mtu)

    async def start_scan(self, listener: Callable[[Advertisement], None]) -> None:
        """Report advertisements to `listener`; the first listener starts the scan."""
        async with self._scanning:
            if self._scanners == 0:
                await self.device.start_scanning(filter_duplicates=False)
            self._scanners += 1
            self.device.on(Device.EVENT_ADVERTISEMENT, listener)

    async def stop_scan(self, listener: Callable[[Advertisement], None]) -> None:
        """Stop reporting to `listener`; the last listener stops the scan."""
        self.device.remove_listener(Device.EVENT_ADVERTISEMENT, listener)
        async with self._scanning:
            self._scanners -= 1
            if self._scanners == 0:
                await self.device.stop_scanning()

    async def open(self, address: hci.Address) -> Connection:
        """Connect, waiting for the advertisement as long as the caller does. core.ConnectionError when it fails."""
        async with self._connecting:
            if self._abandoning is not None:
                await asyncio.shield(self._abandoning)
                self._abandoning = None
            attempt = asyncio.create_task(
                self.device.connect(address, connection_parameters_preferences=self._preferences, timeout=None),
                name=f"connect {address}",
            )
            try:
                return await asyncio.shield(attempt)
            except asyncio.CancelledError:
                self._abandoning = asyncio.create_task(self._abandon(attempt), name=f"abandon {address}")
                await asyncio.shield(self._abandoning)
                raise

    async def _abandon(self, attempt: asyncio.Task[Connection]) -> None:
        """Cancelling Device.connect() leaves the controller connecting, so tell the controller and await its word."""
        while not attempt.done() and not self.device.is_le_connecting:  # noqa: ASYNC110  # Bumble has no event for it
            await asyncio.sleep(0)  # the command is on its way to the controller
        try:
            if not attempt.done():
                await self.device.cancel_connection()
        except hci.HCI_Error as error:
            logger.debug("connected before it could be cancelled: %s", error)
        try:
            connection = await attempt
            await connection.disconnect()  # it had come up at the last moment
        except core.BaseBumbleError as error:
            logger.debug("connection attempt abandoned: %s", error)
