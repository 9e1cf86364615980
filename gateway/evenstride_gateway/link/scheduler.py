"""One adapter's radio: one connect at a time, no scan during a connect, no scan without a reason, counted slots."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from enum import Enum, auto

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakError

from evenstride_gateway.errors import LinkError
from evenstride_gateway.link.backend import LinkBackend

log = logging.getLogger(__name__)

CURIOUS_WINDOW_S = 1.0  # nobody is missing, but there is room for more: short looks
CURIOUS_PAUSE_S = 10.0
RETRY_S = 5.0  # after the adapter failed
STOP_TIMEOUT_S = 2.0

Seen = Callable[["AdapterScheduler", BLEDevice, AdvertisementData], None]


def _title(adapter: str) -> str:
    return f"Bluetooth adapter {adapter}" if adapter else "the Bluetooth adapter"


def plain_error(adapter: str, error: BaseException) -> str:
    """What an adapter's error means to the person at the keyboard."""
    if isinstance(error, BleakBluetoothNotAvailableError):
        why = str(error.args[0]).rstrip(".")
        return f"{_title(adapter)} is not available ({why}): plug one in or switch it on, or try `evenstride demo`"
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):  # no D-Bus to ask
        return (
            f"{_title(adapter)} cannot be reached: the system's Bluetooth service does not run; try `evenstride demo`"
        )
    return f"{_title(adapter)} cannot scan: {error}"


def _ignore(device: BLEDevice, heard: AdvertisementData) -> None:
    del device, heard


class ScanNeed(Enum):
    NONE = auto()
    CURIOUS = auto()  # there is room for a pod that nobody asked for by name
    MISSING = auto()  # a pod that was here or is wanted is away


class AdapterScheduler:
    """Shares one adapter between scan and connects. `problem` says in plain words why it does not work ("" = it does).

    `need` is asked whenever something changed; call `wake()` then.
    """

    def __init__(
        self, name: str, backend: LinkBackend, *, slots: int, seen: Seen, need: Callable[[], ScanNeed]
    ) -> None:
        self.name = name
        self.slots = slots
        self.used = 0
        self.problem = ""
        self.scans = 0
        self.scanning = False
        self._backend = backend
        self._seen = seen
        self._need = need
        self._radio = asyncio.Lock()
        self._connects = 0  # running or waiting
        self._changed = asyncio.Event()

    @property
    def free(self) -> int:
        return self.slots - self.used

    def wake(self) -> None:
        """Something changed: look again whether to scan."""
        self._changed.set()

    async def probe(self) -> None:
        """Scan for an instant. Raises LinkError in plain words when this adapter cannot."""
        try:
            async with self._backend.make_scanner(self.name, _ignore):
                pass
        except (BleakError, OSError) as error:
            raise LinkError(plain_error(self.name, error)) from error

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None]:
        """Hold one of the adapter's links. Raises LinkError when all are taken."""
        if self.free <= 0:
            raise LinkError(f"{_title(self.name)} holds {self.used} pods already; a second adapter is needed")
        self.used += 1
        try:
            yield
        finally:
            self.used -= 1
            self.wake()

    @asynccontextmanager
    async def connecting(self) -> AsyncGenerator[None]:
        """Have the radio for one connect: the scan has stopped, other connects wait their turn."""
        self._connects += 1
        self.wake()
        try:
            async with self._radio:
                yield
        finally:
            self._connects -= 1
            self.wake()

    async def run(self) -> None:
        """Scan whenever it is needed, until cancelled. A failing adapter is tried again every few seconds."""
        me = asyncio.current_task()
        while True:
            if me is not None and me.cancelling():  # seen: a scan that is just being stopped swallows its cancellation
                raise asyncio.CancelledError
            need = await self._wait_for_need()
            try:
                async with self._radio:
                    await self._scan(need)
                self.problem = ""
            except (BleakError, OSError, EOFError, TimeoutError) as error:
                self.problem = plain_error(self.name, error)
                log.warning("%s", self.problem)
                await asyncio.sleep(RETRY_S)
            if need is ScanNeed.CURIOUS:
                await self._pause(CURIOUS_PAUSE_S, while_=need)

    async def _wait_for_need(self) -> ScanNeed:
        while True:
            self._changed.clear()
            need = self._need()
            if need is not ScanNeed.NONE and not self._connects:
                return need
            await self._changed.wait()

    async def _scan(self, need: ScanNeed) -> None:
        scanner = self._backend.make_scanner(self.name, lambda device, heard: self._seen(self, device, heard))
        await scanner.start()
        self.scans += 1
        self.scanning = True
        try:
            if need is ScanNeed.CURIOUS:
                await self._pause(CURIOUS_WINDOW_S, while_=need)
            else:
                await self._pause(None, while_=need)
        finally:
            self.scanning = False
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await scanner.stop()

    async def _pause(self, seconds: float | None, *, while_: ScanNeed) -> None:
        """Wait so long (None = for ever), but no longer than the need stays and nobody wants to connect."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(None if seconds is None else loop.time() + seconds):
                while not self._connects and self._need() is while_:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return
