"""Host pods whose power is looked at: what they feel while they lie or are nudged, what their LED says."""

import asyncio

import numpy as np

from evenstride_analysis.model import CountArray
from support.host_pods import POD_ID, AirWorld, HostPod

RATE_HZ = 416
COUNTS_PER_G = 32_767 / 16


def lying(n: int) -> CountArray:
    """A pod on a table: gravity, and a sensor's noise of 0.03 m/s² on each axis."""
    counts = np.zeros((n, 6))
    counts[:, 2] = COUNTS_PER_G
    counts[:, :3] += np.random.default_rng(8).normal(0, 0.003 * COUNTS_PER_G, (n, 3))
    return np.rint(counts).astype(np.int16)


def nudged(n: int) -> CountArray:
    """A pod that is moved a little more than wakes it, and does not run: steps of 0.1 g along x, four a second."""
    counts = lying(n)
    counts[:, 0] += np.where(np.arange(n) % 104 < 52, 0, 205).astype(np.int16)
    return counts


async def powered(world: AirWorld, counts: CountArray, *options: str) -> HostPod:
    """A pod that plays these samples, then lies still; what its LED says is to be read from its output."""
    recording = world.folder / "samples.bin"
    recording.write_bytes(counts.astype("<i2").tobytes())
    pod = HostPod(world.server.port, POD_ID, recording, world.folder / "pod.flash")
    world.pods.append(pod)
    return await pod.start(*options, stdout=asyncio.subprocess.PIPE)


async def until_led(pod: HostPod, state: str) -> None:
    """The LED says so, now or before."""
    assert pod.process is not None
    assert pod.process.stdout is not None
    async with asyncio.timeout(20):
        while (line := await pod.process.stdout.readline()) != f"led {state}\n".encode():
            assert line, f"the pod ended before its LED said {state}"
