"""A host pod dies and goes out of range under the whole gateway: what is stored is what its sensor saw. Real time."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from support.host_pods import POD_ID, AirWorld, air_world, number, numbered

from evenstride_analysis.model import LossCause, Side
from evenstride_gateway.app import Gateway, running, wire
from evenstride_gateway.config import Config
from evenstride_gateway.health import Health
from evenstride_gateway.link.backend import LinkBackend
from evenstride_gateway.link.ble import BleSource
from evenstride_gateway.store import Store

RECORDING = numbered(30_000)


@asynccontextmanager
async def recording_gateway(world: AirWorld, store: Store) -> AsyncGenerator[tuple[Gateway, str], None]:
    """A gateway with a session on, and the session."""
    async with BleSource(LinkBackend(*world.backends), rng=random.Random(1)) as source:
        gateway = wire(
            store=store,
            source=source,
            config=Config(),
            sides={POD_ID: Side.LEFT},
            version="test",
            health=Health(),
            utc=lambda: datetime.now(UTC),
            rng=random.Random(2),
        )
        async with running(gateway):
            async with asyncio.timeout(30):
                session_id = await gateway.sessions.start_when_streaming("Ada", pods=1, stop=asyncio.Event())
            assert session_id is not None
            yield gateway, session_id


async def until_streaming(gateway: Gateway, streaming: bool) -> None:
    async with asyncio.timeout(30):
        while gateway.intake.is_streaming(POD_ID) is not streaming:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.05)


def stored(store: Store, session_id: str) -> dict[int, tuple[int, int, int]]:
    """Of each boot: first and last stored index, and the recording's number of index 0. All between is there."""
    found: dict[int, tuple[int, int, int]] = {}
    for piece in store.raw_frames(session_id, POD_ID):
        offset = number(piece.counts[0]) - piece.first_index
        first, end, known = found.get(piece.boot_id, (piece.first_index, piece.first_index, offset))
        assert (piece.first_index, offset) == (end, known)
        start = known + piece.first_index
        assert np.array_equal(piece.counts, RECORDING[start : start + len(piece.counts)])
        found[piece.boot_id] = first, piece.end_index, known
    return found


def test_kill_9_in_the_middle_of_a_session(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await world.pod()
            with Store.open(tmp_path / "store") as store:
                async with recording_gateway(world, store) as (gateway, session_id):
                    await asyncio.sleep(3)
                    await pod.kill()
                    await until_streaming(gateway, False)
                    await pod.start()
                    await until_streaming(gateway, True)
                    await asyncio.sleep(4)
                    await gateway.sessions.stop()
                old, new = sorted(stored(store, session_id).items())
                assert new[0] > old[0]
                assert old[1][1] - old[1][0] > 2 * 416
                assert new[1][0] == 0  # that boot began during the session: all of it was asked for
                assert new[1][1] > 3 * 416

    asyncio.run(scenario())


def test_out_of_range_in_the_middle_of_a_session(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            await world.pod()
            with Store.open(tmp_path / "store") as store:
                async with recording_gateway(world, store) as (gateway, session_id):
                    await asyncio.sleep(2)
                    (radio,) = world.radios
                    world.link.set_away(radio)
                    await until_streaming(gateway, False)
                    await asyncio.sleep(1)
                    world.link.set_away(radio, False)
                    await until_streaming(gateway, True)
                    await asyncio.sleep(4)
                    await gateway.sessions.stop()
                (whole,) = stored(store, session_id).values()
                assert whole[1] - whole[0] > 8 * 416
                assert [gap for gap in store.gaps(session_id) if gap.cause is LossCause.POD] == []

    asyncio.run(scenario())
