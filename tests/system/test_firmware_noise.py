"""What a stranger's radio may send to the firmware's host stack: nothing of it starts the pod anew. Real time."""

import asyncio
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from bumble.att import ATT_CID
from bumble.l2cap import L2CAP_LE_SIGNALING_CID
from bumble.smp import SMP_CID
from support.host_pods import AirWorld, air_world

from evenstride_gateway import air

LENGTHS = (0, 1, 2, 3, 4, 5, 6, 20, 60)
SEED = 6
TOGETHER = 4


def noise(every: range) -> Iterator[bytes]:
    """Nothing, then every opcode with too little, too much, and anything behind it."""
    draw = random.Random(SEED)
    yield b""
    for opcode in every:
        for length in LENGTHS:
            yield bytes([opcode]) + draw.choice((bytes(length), b"\xff" * length, draw.randbytes(length)))


def ended(gone: asyncio.Event, _reason: int) -> None:
    gone.set()


async def send(world: AirWorld, channel: int, messages: list[bytes]) -> None:
    """Over links of their own, as long as the pod keeps each."""
    while messages:
        async with world.connected():
            (connection,) = world.central.device.connections.values()
            gone = asyncio.Event()
            connection.on(connection.EVENT_DISCONNECTION, partial(ended, gone))
            while messages and not gone.is_set():
                for message in messages[:TOGETHER]:
                    connection.send_l2cap_pdu(channel, message)
                del messages[:TOGETHER]
                await asyncio.sleep(0.03)  # two connection intervals: what a pod has no room for it does not read


@pytest.mark.parametrize(
    ("channel", "opcodes"), [(ATT_CID, range(0x80)), (L2CAP_LE_SIGNALING_CID, range(0x20)), (SMP_CID, range(0x10))]
)
def test_no_message_of_a_stranger_starts_the_pod_anew(tmp_path: Path, channel: int, opcodes: range) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await world.pod()
            async with world.connected() as host:
                before = await host.info()
            await send(world, channel, list(noise(opcodes)))
            assert pod.process is not None
            assert pod.process.returncode is None
            async with world.connected() as host:
                assert (await host.info()).boot_id == before.boot_id
                await host.ok(air.Start(mode=air.Mode.RAW))
                await host.frames_of(3)

    asyncio.run(scenario())
