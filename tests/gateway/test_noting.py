"""What is said of a session while it is recorded: shoes are kept, the ground waits until it is stored."""

import asyncio
from pathlib import Path

import pytest
from support.store_data import START, begin

from evenstride_analysis.symmetry import system_of
from evenstride_gateway.errors import UnknownError
from evenstride_gateway.noting import Notes
from evenstride_gateway.store import Store
from evenstride_gateway.web.port import SessionConflictError
from evenstride_gateway.writing import StoreQueue


def test_the_ground_of_a_running_session_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    async def scenario(store: Store) -> None:
        queue = StoreQueue(store)
        notes = Notes(queue, system_of())
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            tasks.create_task(queue.run(), name="writer")
            last = store.last_change()
            with pytest.raises(SessionConflictError, match="s1 is not ended"):
                await notes.put_ground("s1", track_m=400.0, treadmill_mps=None)
            assert (store.session("s1").settings, store.last_change()) == ({}, last)
            assert await notes.put_settings("s1", {"shoes": "Blue"}) == {"shoes": "Blue"}
            with pytest.raises(UnknownError):
                await notes.put_ground("nobody", track_m=400.0, treadmill_mps=None)
            await queue.call(lambda s: s.end_session("s1", START))
            said = await notes.put_ground("s1", track_m=400.0, treadmill_mps=None)
            assert said == {"shoes": "Blue", "track_m": "400"}
            queue.close()

    with Store.open(tmp_path) as store:
        begin(store)
        asyncio.run(scenario(store))
