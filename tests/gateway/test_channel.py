"""Channels: what is sent arrives, is waited for, or is counted as lost; closing drains; cancelling loses nothing."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenstride_gateway.channel import Channel, ChannelClosedError, Overflow

R = TypeVar("R")


def run(scenario: Coroutine[Any, Any, R]) -> R:
    async def bounded() -> R:
        async with asyncio.timeout(5):
            return await scenario

    return asyncio.run(bounded())


def test_the_newest_win_and_the_rest_is_counted() -> None:
    async def scenario() -> tuple[list[int], int, int]:
        channel = Channel[int](2, Overflow.DROP_OLDEST)
        for n in range(5):
            await channel.send(n)
        channel.close()
        return [n async for n in channel], channel.dropped, channel.received

    assert run(scenario()) == ([3, 4], 3, 5)


def test_waiting_senders_are_served_in_turn_and_close_drains() -> None:
    async def scenario() -> list[int]:
        channel = Channel[int](1, Overflow.WAIT)

        async def produce(values: range) -> None:
            for n in values:
                await channel.send(n)

        async def produce_all() -> None:
            async with asyncio.TaskGroup() as writers:
                writers.create_task(produce(range(4)), name="first writer")
                writers.create_task(produce(range(10, 14)), name="second writer")
            channel.close()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(produce_all(), name="writers")
            return [n async for n in channel]

    got = run(scenario())
    assert [n for n in got if n < 10] == [0, 1, 2, 3]
    assert [n for n in got if n >= 10] == [10, 11, 12, 13]


def test_put_nowait_says_when_something_was_lost() -> None:
    async def scenario() -> None:
        lost: list[int] = []
        inbox = Channel[int](2, Overflow.DROP_OLDEST, on_drop=lost.append)
        assert [inbox.put_nowait(n) for n in range(3)] == [True, True, False]
        assert lost == [0]
        store = Channel[int](2, Overflow.WAIT, on_drop=lost.append)
        assert [store.put_nowait(n) for n in range(3)] == [True, True, False]
        assert lost == [0, 2]
        store.close()
        assert not store.put_nowait(9)
        assert (store.received, store.dropped, [n async for n in store]) == (2, 2, [0, 1])

    run(scenario())


def test_what_must_be_kept_is_never_dropped() -> None:
    async def scenario() -> tuple[list[str], int]:
        channel = Channel[str](2, Overflow.DROP_OLDEST, keep=str.isupper)
        for item in "aBcDEf":
            channel.put_nowait(item)
        channel.close()
        return [item async for item in channel], channel.dropped

    assert run(scenario()) == (["B", "D", "E"], 3)


def test_sending_after_close_is_an_error_also_for_one_who_waits() -> None:
    async def scenario() -> None:
        channel = Channel[int](1, Overflow.WAIT, name="store")
        await channel.send(1)
        waiting = asyncio.create_task(channel.send(2), name="waits")
        await asyncio.sleep(0)
        channel.close()
        with pytest.raises(ChannelClosedError, match="store"):
            await waiting
        with pytest.raises(ChannelClosedError):
            await channel.send(3)
        assert [n async for n in channel] == [1]

    run(scenario())


def test_a_cancelled_reader_loses_nothing() -> None:
    async def scenario() -> list[int]:
        channel = Channel[int](4, Overflow.WAIT)
        reader = asyncio.ensure_future(anext(channel))
        await asyncio.sleep(0)
        reader.cancel()
        channel.put_nowait(1)
        with pytest.raises(asyncio.CancelledError):
            await reader
        channel.close()
        return [n async for n in channel]

    assert run(scenario()) == [1]


def test_a_cancelled_writer_passes_its_turn_on() -> None:
    async def scenario() -> list[int]:
        channel = Channel[int](1, Overflow.WAIT)
        await channel.send(0)
        first = asyncio.create_task(channel.send(1), name="gives up")
        second = asyncio.create_task(channel.send(2), name="stays")
        await asyncio.sleep(0)
        got = [await anext(channel)]  # the turn goes to the first writer ...
        first.cancel()  # ... which is cancelled before it can use it
        await second
        channel.close()
        return got + [n async for n in channel]

    assert run(scenario()) == [0, 2]


def test_a_second_reader_is_refused() -> None:
    async def scenario() -> None:
        channel = Channel[int](1, Overflow.WAIT, name="frames")
        reader = asyncio.ensure_future(anext(channel))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="second reader"):
            await anext(channel)
        channel.close()
        with pytest.raises(StopAsyncIteration):
            await reader

    run(scenario())


@given(st.lists(st.sampled_from(["put", "take"]), max_size=60), st.integers(1, 5))
def test_what_went_in_comes_out_or_is_counted(steps: list[str], capacity: int) -> None:
    async def scenario() -> None:
        channel = Channel[int](capacity, Overflow.DROP_OLDEST)
        out: list[int] = []
        for n, step in enumerate(steps):
            if step == "put":
                channel.put_nowait(n)
            elif len(channel):
                out.append(await anext(channel))
        channel.close()
        out += [n async for n in channel]
        assert channel.received == len(out) + channel.dropped == steps.count("put")
        assert out == sorted(out)

    run(scenario())
