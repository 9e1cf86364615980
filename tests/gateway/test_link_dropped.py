"""A Bluetooth service that ends under a call is a lost link, in words; it never ends the run."""

import asyncio
from typing import Any

import pytest
from bleak import BleakClient
from fakes.link_world import pod_id, run, world

from evenstride_gateway.air import GetStatus, TimePing
from evenstride_gateway.errors import LinkError


@pytest.mark.parametrize("error", [EOFError, AssertionError, OSError])
def test_a_call_that_dies_with_the_bus_is_a_link_error(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    async def dies(*_: Any, **__: Any) -> None:
        raise error

    async def scenario() -> None:
        async with world(1) as here:
            await here.streaming(0)
            with monkeypatch.context() as patch:
                patch.setattr(BleakClient, "write_gatt_char", dies)
                with pytest.raises(LinkError, match="ping could not be sent"):
                    await here.source.ping(pod_id(0), bytes(TimePing(ping_id=1)))
                with pytest.raises(LinkError, match="failed"):
                    await here.source.command(pod_id(0), bytes(GetStatus()))

    run(scenario())


def test_a_ping_that_stalls_gives_up_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stalls(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        async with world(1) as here:
            await here.streaming(0)
            with monkeypatch.context() as patch:
                patch.setattr(BleakClient, "write_gatt_char", stalls)
                start_s = here.now()
                with pytest.raises(LinkError, match="ping could not be sent"):
                    await here.source.ping(pod_id(0), bytes(TimePing(ping_id=1)))
            assert here.now() - start_s < 1.5

    run(scenario())
