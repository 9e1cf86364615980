"""What the link layer is given: a bleak backend (None = the platform's own) and its settings."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeAlias

from bleak import BleakClient, BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakError

from evenstride_gateway.air.status import Mode
from evenstride_gateway.air.uuids import SERVICE_UUID

# What bleak lets through when the link, or the whole Bluetooth service, ends under a call: its own errors, those of the
# socket, the reader's EOFError, and the assertion on a bus that is gone.
DROPPED = (BleakError, OSError, EOFError, AssertionError)

Wanted: TypeAlias = Callable[[str], bool] | Collection[str] | None


@dataclass(frozen=True, slots=True)
class LinkBackend:
    """Classes for `BleakScanner(backend=...)` and `BleakClient(backend=...)`; None is the platform's Bluetooth."""

    scanner: type[BaseBleakScanner] | None = None
    client: type[BaseBleakClient] | None = None

    def make_scanner(self, adapter: str, seen: Callable[[BLEDevice, AdvertisementData], None]) -> BleakScanner:
        """A scanner for pods on `adapter` ("" = the default one); `seen` hears of every advertisement."""
        options: dict[str, Any] = {"bluez": {"adapter": adapter}} if adapter else {}
        return BleakScanner(seen, [SERVICE_UUID], backend=self.scanner, **options)

    def make_client(
        self, device: BLEDevice, adapter: str, *, timeout_s: float, pair: bool, gone: Callable[[], None]
    ) -> BleakClient:
        """A fresh client; `gone` is called when the link ends, for whatever reason."""
        options: dict[str, Any] = {"bluez": {"adapter": adapter}} if adapter else {}
        return BleakClient(
            device,
            disconnected_callback=lambda _: gone(),
            services=[SERVICE_UUID],
            timeout=timeout_s,
            pair=pair,
            backend=self.client,
            **options,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConfig:
    """Settings of the radio link; the times follow the pod's 2 s supervision timeout."""

    connect_timeout_s: float = 5.0
    setup_timeout_s: float = 5.0  # everything between connect and START
    watchdog_s: float = 3.0
    first_delay_s: float = 0.1
    longest_delay_s: float = 2.0
    calm_after_s: float = 10.0  # so much data in one connection and the delays begin anew
    refused_delay_s: float = 60.0  # a newer protocol does not go away soon
    unfit_delay_s: float = 10.0  # packets too short, START refused, a second device with the same chip id
    expected: int = 2  # with no list of wanted pods: fewer than these are worth a steady scan
    slots_per_adapter: int = 6
    max_pods: int = 20
    inbox_capacity: int = 4096
    mode: Mode = Mode.RAW
    utc_ns: Callable[[], int] = time.time_ns  # the host's word for the anchor that every connection writes
    use_acquire_notify: bool = False
    pair: bool = False


def is_wanted(wanted: Wanted, pod_id: str) -> bool:
    """Whether this pod is one of ours."""
    if wanted is None:
        return True
    return wanted(pod_id) if callable(wanted) else pod_id in wanted
