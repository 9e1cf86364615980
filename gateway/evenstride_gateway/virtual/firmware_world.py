"""The firmware itself as the demo's pods: one host pod process per leg, on a virtual air (air_server.py). Real time."""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evenstride_analysis.model import Side
from evenstride_gateway.air.uuids import TICK_HZ
from evenstride_gateway.errors import EvenstrideError
from evenstride_gateway.link.backend import LinkBackend
from evenstride_gateway.virtual.air_server import LOOPBACK, AirServer
from evenstride_gateway.virtual.backend import make_backends
from evenstride_gateway.virtual.central import Central
from evenstride_gateway.virtual.pod_signal import SignalSource
from evenstride_gateway.virtual.radio import RadioLink
from evenstride_gateway.virtual.world import FIRST_TICK, POD_IDS, SKEW_PPM


@dataclass(slots=True, kw_only=True)
class FirmwareWorld:
    """What a gateway connects to: `backend` for its source, `sides` by pod id."""

    link: RadioLink
    backend: LinkBackend
    sides: dict[str, Side]

    def runner_s(self, side: Side, pod_s: float) -> float:
        """Runner seconds (from the signal's sample 0) at a pod time: the counters began there."""
        return (pod_s * TICK_HZ - FIRST_TICK[side]) / (TICK_HZ * (1 + SKEW_PPM[side] * 1e-6))


@asynccontextmanager
async def firmware_world(
    signals: Mapping[Side, SignalSource], *, program: Path, duration_s: float
) -> AsyncGenerator[FirmwareWorld, None]:
    """Host pods that play the first `duration_s` of the signals and then stand still, until the context ends.

    `program` is the built host pod (firmware/README.md). EvenstrideError when it does not start.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="evenstride-pods-")))
        for side, signal in signals.items():
            counts = await asyncio.to_thread(signal.counts, 0, max(1, round(duration_s * signal.rate_hz)))
            (folder / side.value).write_bytes(counts[:, :6].astype(np.dtype("<i2")).tobytes())
        link = RadioLink()
        air = await stack.enter_async_context(AirServer(link))
        central = await Central.power_on(link)
        backend = LinkBackend(*make_backends(central))
        start_unix_s = time.time()
        for side, signal in signals.items():
            words = {
                "--hci": f"{LOOPBACK}:{air.port}",
                "--recording": folder / side.value,
                "--pod-id": POD_IDS[side],
                "--rate": signal.rate_hz,
                "--start": start_unix_s,
                "--first-tick": FIRST_TICK[side],
                "--skew-ppm": SKEW_PPM[side],
            }
            await stack.enter_async_context(_running(program, words))
        yield FirmwareWorld(link=link, backend=backend, sides={POD_IDS[side]: side for side in signals})


@asynccontextmanager
async def _running(program: Path, words: Mapping[str, object]) -> AsyncGenerator[None, None]:
    """One pod process; its battery falls out at the end."""
    try:
        process = await asyncio.create_subprocess_exec(
            program, *(str(word) for pair in words.items() for word in pair), stdin=asyncio.subprocess.DEVNULL
        )
    except OSError as error:
        raise EvenstrideError(f"no pod program at {program}: `make demo POD=firmware` builds it ({error})") from error
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
