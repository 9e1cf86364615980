"""The way into the store: in order, one thread, refusals to whoever waits, everything else loud."""

import asyncio
from pathlib import Path

import pytest

from evenstride_gateway.channel import ChannelClosedError
from evenstride_gateway.errors import StoreError
from evenstride_gateway.store import Person, Store
from evenstride_gateway.writing import StoreQueue


def refuse(_: Store) -> None:
    raise StoreError("the disk is full")


def test_jobs_are_done_in_order_and_answers_come_back(tmp_path: Path) -> None:
    async def scenario(store: Store) -> list[Person]:
        queue = StoreQueue(store, capacity=2)
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            tasks.create_task(queue.run(), name="writer")
            for name in "abcd":
                await queue.put(lambda s, n=name: s.put_person(Person(runner_id=n, name=n.upper())))
            people = await queue.call(lambda s: s.people())
            queue.close()
        assert queue.last_commit_s is not None
        return people

    with Store.open(tmp_path) as store:
        assert [person.name for person in asyncio.run(scenario(store))] == ["A", "B", "C", "D"]


def test_a_refusal_goes_to_whoever_waits_and_the_queue_goes_on(tmp_path: Path) -> None:
    async def scenario(store: Store) -> int:
        queue = StoreQueue(store)
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            tasks.create_task(queue.run(), name="writer")
            with pytest.raises(StoreError, match="disk is full"):
                await queue.call(refuse)
            count = await queue.call(lambda s: len(s.people()))
            queue.close()
        return count

    with Store.open(tmp_path) as store:
        assert asyncio.run(scenario(store)) == 0


def test_what_nobody_waits_for_ends_the_run_loudly(tmp_path: Path) -> None:
    async def scenario(store: Store) -> None:
        queue = StoreQueue(store)
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            tasks.create_task(queue.run(), name="writer")
            await queue.put(refuse)

    with Store.open(tmp_path) as store, pytest.RaisesGroup(StoreError):
        asyncio.run(scenario(store))


def test_after_closing_nothing_is_taken(tmp_path: Path) -> None:
    async def scenario(store: Store) -> None:
        queue = StoreQueue(store)
        queue.close()
        await queue.run()
        with pytest.raises(ChannelClosedError):
            await queue.put(lambda _: None)

    with Store.open(tmp_path) as store:
        asyncio.run(scenario(store))
