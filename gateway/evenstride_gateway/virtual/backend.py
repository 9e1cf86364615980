# ruff: noqa: ARG002  # the signatures are bleak's; a backend takes whatever it is given
"""A bleak 3.1 backend on a virtual adapter: the same bleak calls, another radio.

bleak takes backends as classes, so `make_backends(central)` makes two that know their Central. bleak does not promise
this interface to be stable: tests/gateway/test_virtual_bleak.py pins what is relied on here.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeVar, cast
from uuid import UUID

from bleak.args import SizedBuffer
from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakError,
    BleakGATTProtocolError,
)
from bumble import att, core, hci
from bumble.core import AdvertisingData
from bumble.device import Advertisement, Connection, Peer
from bumble.gatt_client import CharacteristicProxy, DescriptorProxy

from evenstride_gateway.virtual.central import Central

logger = logging.getLogger(__name__)

T = TypeVar("T")
DEFAULT_MTU = 23
_AD = AdvertisingData.Type
_UUID_LISTS = (
    _AD.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    _AD.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    _AD.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    _AD.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
)
_PROPERTIES: dict[int, CharacteristicPropertyName] = {
    0x01: "broadcast",
    0x02: "read",
    0x04: "write-without-response",
    0x08: "write",
    0x10: "notify",
    0x20: "indicate",
    0x40: "authenticated-signed-writes",
    0x80: "extended-properties",
}


class Backends(NamedTuple):
    """What bleak's `backend=` takes, for BleakScanner and BleakClient."""

    scanner: type[BaseBleakScanner]
    client: type[BaseBleakClient]


def make_backends(central: Central) -> Backends:
    """bleak backends bound to one virtual adapter."""
    return Backends(
        type("VirtualScanner", (VirtualScanner,), {"central": central}),
        type("VirtualClient", (VirtualClient,), {"central": central}),
    )


def uuid_string(uuid: core.UUID) -> str:
    """bleak's form: 128 bits, lower case."""
    return str(UUID(bytes=bytes(reversed(uuid.to_bytes(force_128=True)))))


class VirtualScanner(BaseBleakScanner):
    """One of any number of scanners that share the adapter's one scan."""

    central: Central

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._running = False

    async def start(self) -> None:
        if self._running:
            raise BleakError("the scanner is already running")
        self.seen_devices = {}
        self._running = True
        try:
            await self.central.start_scan(self._on_advertisement)
        except core.BaseBumbleError as error:
            self._running = False
            raise BleakBluetoothNotAvailableError(
                f"the virtual adapter refused to scan: {error}", BleakBluetoothNotAvailableReason.POWERED_OFF
            ) from error

    async def stop(self) -> None:
        if self._running:
            self._running = False
            await self.central.stop_scan(self._on_advertisement)

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        if not self._running:
            return
        found = advertisement.data
        uuids = list(dict.fromkeys(uuid_string(u) for kind in _UUID_LISTS for few in found.get_all(kind) for u in few))
        if not self.is_allowed_uuid(uuids):
            return
        name = found.get(_AD.COMPLETE_LOCAL_NAME) or found.get(_AD.SHORTENED_LOCAL_NAME)
        data = AdvertisementData(
            local_name=name,
            manufacturer_data=dict(found.get_all(_AD.MANUFACTURER_SPECIFIC_DATA)),
            service_data={
                uuid_string(u): value
                for kind in (_AD.SERVICE_DATA_16_BIT_UUID, _AD.SERVICE_DATA_128_BIT_UUID)
                for u, value in found.get_all(kind)
            },
            service_uuids=uuids,
            tx_power=found.get(_AD.TX_POWER_LEVEL),
            rssi=advertisement.rssi,
            platform_data=(advertisement,),
        )
        address = advertisement.address.to_string(with_type_qualifier=False)
        device = self.create_or_update_device(address, address, name, advertisement.address, data)
        self.call_detection_callbacks(device, data)


class VirtualClient(BaseBleakClient):
    """One connection to one pod. bleak's error contract: BleakGATTProtocolError, BleakError, TimeoutError."""

    central: Central

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        services: set[str] | None = None,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        known = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._name = (known.name if known else None) or self.address.replace(":", "-")
        self._peer_address: hci.Address = known.details if known else hci.Address(self.address)
        self._wanted_services = services
        self._connection: Connection | None = None
        self._subscriptions: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        return self._name

    @property
    def mtu_size(self) -> int:
        return self._connection.att_mtu if self._connection else DEFAULT_MTU

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    # ---- link ----------------------------------------------------------------------------------------------------

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        if self._connection is not None:
            raise BleakError("client is already connected")
        async with asyncio.timeout(kwargs.get("timeout", self._timeout)):
            try:
                connection = await self.central.open(self._peer_address)
            except core.BaseBumbleError as error:
                raise BleakError(f"connecting to {self.address} failed: {error}") from error
            self._connection = connection
            connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnected)
            try:
                if pair:
                    await self.pair()
                peer = Peer(connection)
                await self._io(peer.request_mtu(self.central.mtu))
                self.services = await self._io(self._discover(peer))
            except BaseException:
                await asyncio.shield(self.disconnect())
                raise

    async def disconnect(self) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            await connection.disconnect()
        except core.BaseBumbleError as error:
            logger.debug("%s: was gone before the disconnect: %s", self.address, error)
        self._on_disconnected(hci.HCI_ErrorCode.CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR)

    def _on_disconnected(self, reason: int) -> None:
        if self._connection is None:
            return
        logger.debug("%s disconnected, reason 0x%02x", self.address, reason)
        self._connection, self.services = None, None
        self._subscriptions.clear()
        if self._disconnected_callback:  # as BlueZ: for every link that was up, also when we ended it
            self._disconnected_callback()

    async def _discover(self, peer: Peer) -> BleakGATTServiceCollection:
        await peer.discover_all()
        collection = BleakGATTServiceCollection()
        for service in peer.services:
            if self._wanted_services and uuid_string(service.uuid) not in self._wanted_services:
                continue
            found = BleakGATTService(service, service.handle, uuid_string(service.uuid))
            collection.add_service(found)
            for proxy in service.characteristics:
                characteristic = BleakGATTCharacteristic(
                    proxy,
                    proxy.handle - 1,  # BlueZ counts the declaration, Bumble's proxy the value after it
                    uuid_string(proxy.uuid),
                    [name for bit, name in _PROPERTIES.items() if proxy.properties & bit],
                    lambda: self.mtu_size - 3,
                    found,
                )
                collection.add_characteristic(characteristic)
                for descriptor in proxy.descriptors:
                    collection.add_descriptor(
                        BleakGATTDescriptor(descriptor, descriptor.handle, uuid_string(descriptor.type), characteristic)
                    )
        return collection

    async def _io(self, operation: Coroutine[Any, Any, T]) -> T:
        """Await a Bumble operation under bleak's error contract."""
        connection = self._connection
        if connection is None:
            operation.close()
            raise BleakError("not connected")
        try:
            return await operation
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(int(error.error_code)) from error
        except core.BaseBumbleError as error:
            raise BleakError(f"{self.address}: {error}") from error
        except asyncio.CancelledError as error:
            # On link loss Bumble cancels what it was waiting for, which looks like a cancellation of our own task.
            task = asyncio.current_task()
            if self._connection is not connection and (task is None or not task.cancelling()):
                raise BleakError(f"{self.address}: the link was lost during the operation") from error
            raise

    # ---- bonds -----------------------------------------------------------------------------------------------------

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        await self._io(self._pair())

    async def _pair(self) -> None:
        connection = self._connection
        keystore = self.central.device.keystore
        if connection is None or connection.is_encrypted:
            return
        keys = await keystore.get(str(connection.peer_address)) if keystore else None
        await (connection.pair() if keys is None else connection.encrypt())

    async def unpair(self) -> None:
        """Forget the bond, if there is one, and disconnect."""
        keystore = self.central.device.keystore
        peer = str(self._peer_address)
        if keystore is not None and await keystore.get(peer) is not None:
            await keystore.delete(peer)
        await self.disconnect()

    # ---- attributes --------------------------------------------------------------------------------------------------

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        return bytearray(await self._io(_proxy(characteristic).read_value()))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        await self._io(_proxy(characteristic).write_value(bytes(data), with_response=response))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        return bytearray(await self._io(cast("DescriptorProxy", descriptor.obj).read_value()))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        await self._io(cast("DescriptorProxy", descriptor.obj).write_value(bytes(data), with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: Callable[[bytearray], None], **kwargs: Any
    ) -> None:
        if not {"notify", "indicate"} & set(characteristic.properties):
            raise BleakError(f"characteristic {characteristic.uuid} neither notifies nor indicates")
        if characteristic.handle in self._subscriptions:
            raise BleakError(f"notifications of {characteristic.uuid} are already started")

        def on_value(value: bytes) -> None:
            fault = self.central.rx_fault
            for each in fault(self.address, characteristic.uuid, value) if fault else (value,):
                callback(bytearray(each))

        self._subscriptions[characteristic.handle] = on_value
        try:
            await self._io(_proxy(characteristic).subscribe(on_value))
        except BaseException:
            self._subscriptions.pop(characteristic.handle, None)
            _remove_subscriber(_proxy(characteristic), on_value)
            raise

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        subscriber = self._subscriptions.pop(characteristic.handle, None)
        if subscriber is not None:
            await self._io(_proxy(characteristic).unsubscribe(subscriber))


def _proxy(characteristic: BleakGATTCharacteristic) -> CharacteristicProxy[bytes]:
    return cast("CharacteristicProxy[bytes]", characteristic.obj)


def _remove_subscriber(proxy: CharacteristicProxy[bytes], subscriber: Callable[[bytes], None]) -> None:
    """Bumble registers a subscriber before it writes the CCCD, and leaves it there when that is refused."""
    inner = proxy.subscribers.pop(subscriber, None)
    client = cast("Any", proxy.client)  # its sets are typed with Bumble's own unknowns
    for of_handle in (client.notification_subscribers, client.indication_subscribers):
        subscribers: set[object] = of_handle.get(proxy.handle, set())
        subscribers.discard(inner)
        if subscribers <= {proxy}:
            of_handle.pop(proxy.handle, None)
