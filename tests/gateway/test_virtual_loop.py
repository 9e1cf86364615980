"""Virtual time: it jumps, it is deterministic, it tells a deadlock from a wait."""

import asyncio
import itertools
import threading
import time

import pytest

from evenstride_gateway.virtual.loop import VirtualTimeError, run_virtual


def test_an_hour_passes_at_once_and_exactly() -> None:
    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        await asyncio.sleep(3000)
        return loop.time() - start_s

    wall_s = time.monotonic()
    assert run_virtual(scenario()) == pytest.approx(3000, abs=1e-6)
    assert time.monotonic() - wall_s < 10


def test_timers_fire_in_the_order_of_their_times() -> None:
    async def scenario() -> list[int]:
        order: list[int] = []

        async def after(n: int) -> None:
            await asyncio.sleep(n / 1000)
            order.append(n)

        async with asyncio.TaskGroup() as tasks:
            for n in (5, 1, 4, 2, 3):
                tasks.create_task(after(n), name=f"after {n}")
        return order

    assert run_virtual(scenario()) == [1, 2, 3, 4, 5]


def test_a_timeout_is_virtual_too() -> None:
    async def scenario() -> float:
        start_s = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time() - start_s

    assert run_virtual(scenario()) == pytest.approx(30)


def test_threads_are_inline_and_take_no_time() -> None:
    async def scenario() -> tuple[int, float]:
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        return await asyncio.to_thread(threading.get_ident), loop.time() - start_s

    assert run_virtual(scenario()) == (threading.get_ident(), 0.0)


def test_a_thread_yields_to_others_as_a_real_one_does() -> None:
    async def scenario() -> list[str]:
        order: list[str] = []
        asyncio.get_running_loop().call_soon(order.append, "other")
        await asyncio.to_thread(order.append, "thread")
        order.append("after")
        return order

    assert run_virtual(scenario()) == ["thread", "other", "after"]


def test_an_error_in_a_thread_reaches_its_caller() -> None:
    async def scenario() -> None:
        await asyncio.to_thread(int, "x")

    with pytest.raises(ValueError, match="invalid literal"):
        run_virtual(scenario())


def test_a_deadlock_is_one_clear_error() -> None:
    async def scenario() -> None:
        await asyncio.Event().wait()

    with pytest.raises(VirtualTimeError, match=r"deadlock at virtual 0\.000 s"):
        run_virtual(scenario())


def test_a_scenario_that_never_ends_is_stopped() -> None:
    async def scenario() -> None:
        for _ in itertools.count():
            await asyncio.sleep(1)

    with pytest.raises(VirtualTimeError, match="limit of 60 s"):
        run_virtual(scenario(), limit_s=60)
