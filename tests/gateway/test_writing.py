"""The way into the store: in order, one thread, refusals to whoever waits, trouble waited out in sight."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from evenstride_gateway.channel import ChannelClosedError
from evenstride_gateway.errors import StoreError, StoreTroubleError
from evenstride_gateway.store import Person, Store
from evenstride_gateway.virtual.loop import run_virtual
from evenstride_gateway.writing import StoreQueue


def refuse(_: Store) -> None:
    raise StoreError("no such thing")


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
            with pytest.raises(StoreError, match="no such thing"):
                await queue.call(refuse)
            count = await queue.call(lambda s: len(s.people()))
            queue.close()
        return count

    with Store.open(tmp_path) as store:
        assert asyncio.run(scenario(store)) == 0


def test_what_nobody_waits_for_and_nobody_can_store_is_counted_and_the_queue_goes_on(tmp_path: Path) -> None:
    async def scenario(store: Store) -> StoreQueue:
        queue = StoreQueue(store)
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            tasks.create_task(queue.run(), name="writer")
            await queue.put(refuse)
            await queue.call(lambda s: s.people())
            queue.close()
        return queue

    with Store.open(tmp_path) as store:
        queue = asyncio.run(scenario(store))
    assert (queue.refusals, queue.last_refusal) == (1, "no such thing")


class Disk:
    """Full until there is room; jobs count how often they were tried."""

    def __init__(self) -> None:
        self.full = True
        self.tries = 0
        self.done: list[str] = []

    def job(self, name: str) -> Callable[[Store], str]:
        def work(_: Store) -> str:
            self.tries += 1
            if self.full:
                raise StoreTroubleError("the disk is full")
            self.done.append(name)
            return name

        return work


def test_a_full_disk_is_waited_for_in_order_and_in_sight(tmp_path: Path) -> None:
    disk = Disk()

    async def scenario(store: Store) -> None:
        queue = StoreQueue(store)
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(queue.run(), name="writer")
            await queue.put(disk.job("a"))
            await queue.put(disk.job("b"))
            answer = await queue.submit(disk.job("c"))
            with pytest.raises(StoreTroubleError, match="disk is full"):
                await queue.call(disk.job("refused: its caller was told"))
            begun_s = loop.time()
            await asyncio.sleep(600)
            assert disk.done == []
            assert 100 < disk.tries < 140  # every five seconds
            assert queue.trouble is not None
            assert queue.trouble.text == "the disk is full"
            assert queue.trouble.since_s <= begun_s
            with pytest.raises(StoreTroubleError, match="disk is full"):
                await queue.call(disk.job("refused at once"))
            assert loop.time() == begun_s + 600
            disk.full = False
            assert await answer == "c"
            assert await queue.call(disk.job("d")) == "d"
            assert queue.trouble is None
            queue.close()

    with Store.open(tmp_path) as store:
        run_virtual(scenario(store))
    assert disk.done == ["a", "b", "c", "d"]


def test_a_gateway_that_ends_gives_a_full_disk_half_a_minute(tmp_path: Path) -> None:
    disk = Disk()

    async def scenario(store: Store) -> float:
        queue = StoreQueue(store)
        loop = asyncio.get_running_loop()
        writer = asyncio.create_task(queue.run(), name="writer")
        await queue.put(disk.job("a"))
        await asyncio.sleep(600)
        queue.hurry()
        queue.close()
        begun_s = loop.time()
        with pytest.raises(StoreTroubleError, match=r"disk is full.*what had not reached the disk is lost"):
            await writer
        return loop.time() - begun_s

    with Store.open(tmp_path) as store:
        assert 30.0 <= run_virtual(scenario(store)) <= 36.0


def test_after_closing_nothing_is_taken(tmp_path: Path) -> None:
    async def scenario(store: Store) -> None:
        queue = StoreQueue(store)
        queue.close()
        await queue.run()
        with pytest.raises(ChannelClosedError):
            await queue.put(lambda _: None)

    with Store.open(tmp_path) as store:
        asyncio.run(scenario(store))
