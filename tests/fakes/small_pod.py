"""A plain Bumble peripheral: what the virtual radio is tested with. It knows nothing of protocol v1."""

import asyncio
import struct
from typing import Self

from bumble import gatt
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.keys import MemoryKeyStore

from evenstride_gateway.virtual.controller import RadioController
from evenstride_gateway.virtual.device import Confirmations, cut_power, make_controller, make_device, static_address
from evenstride_gateway.virtual.radio import RadioLink

SERVICE = "7c1e0001-8a5b-4d3c-9e2f-1a2b3c4d5e6f"
DATA = "7c1e0002-8a5b-4d3c-9e2f-1a2b3c4d5e6f"  # notify
CONTROL = "7c1e0003-8a5b-4d3c-9e2f-1a2b3c4d5e6f"  # read, write, indicate
SECRET = "7c1e0004-8a5b-4d3c-9e2f-1a2b3c4d5e6f"  # read when encrypted
GUARDED = "7c1e0005-8a5b-4d3c-9e2f-1a2b3c4d5e6f"  # notify, subscription needs encryption
QUEUE = 8  # packets handed to the radio and not confirmed, as in firmware
FRAME = struct.Struct("<Id")

_P = Characteristic.Properties
_A = Characteristic.Permissions


class SmallPod:
    """Advertises, streams numbered frames with the time they were sent, counts what its queue refused."""

    def __init__(self, device: Device, name: str, *, mtu: int = 247) -> None:
        self.device, self.name = device, name
        self.connection: Connection | None = None
        self.writes: list[bytes] = []
        self.disconnect_reasons: list[int] = []
        self.offered = self.sent = self.refused = self.confirmed = 0
        self.unconfirmed: list[int] = []
        self._confirmations: Confirmations[int] | None = None
        self._controller: RadioController | None = None
        self.data = Characteristic(DATA, _P.NOTIFY, _A(0), b"")
        self.control = Characteristic(
            CONTROL,
            _P.READ | _P.WRITE | _P.WRITE_WITHOUT_RESPONSE | _P.INDICATE,
            _A.READABLE | _A.WRITEABLE,
            CharacteristicValue(read=lambda _c: b"ok", write=lambda _c, v: self.writes.append(bytes(v))),
        )
        secret = Characteristic(SECRET, _P.READ, _A.READABLE | _A.READ_REQUIRES_ENCRYPTION, b"s3cret")
        self.guarded = Characteristic(GUARDED, _P.NOTIFY, _A(0), b"")
        self.guarded.descriptors = [
            gatt.Descriptor(
                gatt.GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
                _A.READABLE | _A.WRITEABLE | _A.WRITE_REQUIRES_ENCRYPTION,
                device.gatt_server.make_descriptor_value(self.guarded),
            )
        ]
        device.add_service(Service(UUID(SERVICE), [self.data, self.control, secret, self.guarded]))
        device.gatt_server.max_mtu = mtu
        device.on("connection", self._on_connection)

    @classmethod
    async def on(
        cls, link: RadioLink, number: int, *, mtu: int = 247, acl_packets: int = 10, bonds: MemoryKeyStore | None = None
    ) -> Self:
        """A powered pod that advertises on `link`, named pod-N."""
        name = f"pod-{number}"
        controller = make_controller(link, name, acl_packets=acl_packets)
        pod = cls(make_device(controller, address=static_address(number), bonds=bonds), name, mtu=mtu)
        pod._controller = controller
        await pod.start()
        return pod

    async def start(self) -> None:
        await self.device.power_on()
        kinds = AdvertisingData.Type
        await self.device.start_advertising(
            auto_restart=True,
            advertising_data=bytes(
                AdvertisingData(
                    [
                        (kinds.FLAGS, b"\x06"),
                        (kinds.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, UUID(SERVICE).to_bytes()),
                    ]
                )
            ),
            scan_response_data=bytes(AdvertisingData([(kinds.COMPLETE_LOCAL_NAME, self.name.encode())])),
            advertising_interval_min=100,
            advertising_interval_max=100,
        )

    @property
    def address(self) -> str:
        return self.device.random_address.to_string(with_type_qualifier=False)

    @property
    def controller(self) -> RadioController:
        """Its controller, when that lives in this process."""
        assert self._controller is not None
        return self._controller

    def cut_power(self) -> None:
        cut_power(self.device, self.controller)

    def _on_connection(self, connection: Connection) -> None:
        self.connection = connection
        assert connection.data_packet_queue is not None
        self._confirmations = Confirmations(connection.data_packet_queue, self._on_confirmed)
        connection.on("disconnection", self._on_disconnection)

    def _on_disconnection(self, reason: int) -> None:
        self.disconnect_reasons.append(reason)
        self.connection = None
        if self._confirmations is not None:
            self.unconfirmed += self._confirmations.close()

    def _on_confirmed(self, token: int) -> None:
        self.confirmed += 1

    async def notify(self, value: bytes, *, guarded: bool = False) -> None:
        if self.connection is not None:
            characteristic = self.guarded if guarded else self.data
            await self.device.gatt_server.notify_subscriber(self.connection, characteristic, value)

    async def offer(self, size: int) -> None:
        """One frame: sent when the bounded queue has room, else refused and counted."""
        number = self.offered
        self.offered += 1
        if self.connection is None or self._confirmations is None or len(self._confirmations) >= QUEUE:
            self.refused += 1
            return
        now_s = asyncio.get_running_loop().time()
        await self.notify(FRAME.pack(number, now_s).ljust(size, b"."))
        self._confirmations.handed(number)
        self.sent += 1

    async def stream(self, rate_hz: float, frames: int, *, size: int = 240) -> None:
        """Offer frames at absolute deadlines."""
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        for n in range(frames):
            await self.offer(size)
            await asyncio.sleep(max(0.0, start_s + (n + 1) / rate_hz - loop.time()))
