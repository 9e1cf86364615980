"""Bumble devices on the virtual radio: a host and its controller, for a pod or for the central."""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from bumble import hci
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.host import DataPacketQueue, Host
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate

from evenstride_gateway.virtual.controller import RadioController
from evenstride_gateway.virtual.radio import RadioLink

T = TypeVar("T")


def static_address(number: int, *, prefix: int = 0xDE) -> str:
    """A static random address (the two top bits set): the only kind whose owner the virtual radio can tell apart."""
    return f"C0:{prefix:02X}:00:{number >> 16 & 255:02X}:{number >> 8 & 255:02X}:{number & 255:02X}"


def just_works(*, accept: bool = True) -> PairingConfig:
    """LE Secure Connections without display or keys, with bonding; `accept=False` refuses to pair."""

    class Delegate(PairingDelegate):
        async def accept(self) -> bool:
            return accept

    return PairingConfig(sc=True, mitm=False, bonding=True, delegate=Delegate(PairingDelegate.NO_OUTPUT_NO_INPUT))


def make_controller(link: RadioLink, name: str, *, acl_packets: int = 10) -> RadioController:
    """A controller on the radio. `acl_packets`: its buffers, all links together (a pod's few are its back-pressure)."""
    return RadioController(name, link, acl_packets=acl_packets)


def device_on(host: Host, *, name: str, address: str, bonds: MemoryKeyStore | None = None) -> Device:
    """A device on any host (virtual controller or transport). `bonds` outlive the device when handed in."""
    device = Device(
        config=DeviceConfiguration(
            name=name,
            address=hci.Address(address),
            irk=bytes(16),  # a privacy key nobody uses; random ones would make runs differ
        ),
        host=host,
    )
    device.keystore = bonds if bonds is not None else MemoryKeyStore()

    def pairing(_connection: Connection) -> PairingConfig:
        return just_works()

    device.pairing_config_factory = pairing
    return device


def make_device(
    controller: RadioController, *, address: str, name: str | None = None, bonds: MemoryKeyStore | None = None
) -> Device:
    """A device with its own host on `controller`; `await device.power_on()` before use."""
    host = Host(controller, controller)
    return device_on(host, name=name or controller.name, address=address, bonds=bonds)


def cut_power(device: Device, controller: RadioController) -> None:
    """Power loss: the controller falls silent, the host's pending commands fail, nobody is told."""
    controller.power_off()
    if (
        device.host.pending_response is not None and device.host.pending_response.done()
    ):  # answered, and not yet read: Bumble would answer it a second time
        device.host.pending_response = None
    device.host.on_transport_lost()


class Confirmations(Generic[T]):
    """What a peripheral handed to its radio and the peer has not confirmed yet, oldest first.

    Call `handed` directly after `notify_subscriber` returned. `on_confirmed` runs once per token, in order, when the
    peer's link layer has it. After the disconnection `close()` returns those that were never confirmed: the peer may
    have them or not.
    """

    def __init__(self, queue: DataPacketQueue, on_confirmed: Callable[[T], None]) -> None:
        self._queue = queue
        self._on_confirmed = on_confirmed
        self._waiting: deque[tuple[int, T]] = deque()
        queue.on("flow", self._on_flow)

    def __len__(self) -> int:
        return len(self._waiting)

    def handed(self, token: T) -> None:
        """`token` stands for the packet that was queued last."""
        self._waiting.append((self._queue.queued, token))

    def close(self) -> list[T]:
        self._queue.remove_listener("flow", self._on_flow)
        left = [token for _, token in self._waiting]
        self._waiting.clear()
        return left

    def _on_flow(self) -> None:
        while self._waiting and self._queue.completed >= self._waiting[0][0]:
            self._on_confirmed(self._waiting.popleft()[1])
