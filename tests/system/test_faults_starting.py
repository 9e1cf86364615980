"""Starting and stopping at awkward moments: nobody's session is lost by somebody else's button."""

import asyncio
from pathlib import Path

import pytest
from support.whole_gateway import gateway_run, play

from evenstride_gateway.web.port import SessionConflictError


def test_a_session_that_somebody_else_started_is_as_good(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path) as run:
            await run.until(lambda: all(run.streams(pod) for pod in run.world.pods.values()))
            sessions = run.gateway.sessions
            by_hand = await sessions.start("Ada")
            waited = await sessions.start_when_streaming("Bea", pods=2, stop=asyncio.Event())
            assert waited == by_hand
            await sessions.stop_if_running()
            await sessions.stop_if_running()  # nothing runs: nothing is wrong with that
            with pytest.raises(SessionConflictError):
                await sessions.stop()

    play(scenario())


def test_what_stands_in_the_way_of_a_start_is_said_and_does_not_end_the_run(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path) as run:
            await run.until(lambda: all(run.streams(pod) for pod in run.world.pods.values()))
            recorder, sides = run.gateway.recorder, dict(run.gateway.recorder.sides)
            pods = list(sides)
            recorder.sides[pods[1]] = sides[pods[0]]
            async with asyncio.TaskGroup() as tasks:
                start = tasks.create_task(
                    run.gateway.sessions.start_when_streaming("Ada", pods=2, stop=asyncio.Event()), name="start"
                )
                await run.until(lambda: any("both claim" in w for w in run.gateway.view.snapshot(0.0)["warnings"]))
                recorder.sides.update(sides)
                session_id = await start
            assert session_id is not None
            assert not any("Not recording yet" in w for w in run.gateway.view.snapshot(0.0)["warnings"])
            await run.gateway.sessions.stop_if_running()

    play(scenario())
