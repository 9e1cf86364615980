"""What the recorder does with a pod that changes its mind."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evenstride_analysis.model import SIX_AXES, PodInfo, Session
from evenstride_analysis.symmetry import system_of
from evenstride_gateway.errors import InputError
from evenstride_gateway.recorder import Recorder
from evenstride_gateway.store import Store
from evenstride_gateway.web.view import LiveView
from evenstride_gateway.writing import StoreQueue

POD = PodInfo(
    pod_id="a1",
    firmware="1",
    hardware="none",
    channels=SIX_AXES,
    scales=(0.005,) * 3 + (0.001,) * 3,
    rate_hz=416.0,
    tick_hz=32768.0,
    accel_range_mps2=160.0,
    gyro_range_radps=35.0,
)
SESSION = Session(session_id="s1", runner_id="ada", started_at=datetime(2026, 11, 21, tzinfo=UTC))


def recorded(tmp_path: Path, scenario: Callable[[Recorder], Awaitable[None]]) -> None:
    async def run(store: Store) -> None:
        queue = StoreQueue(store)
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            tasks.create_task(queue.run(), name="writer")
            recorder = Recorder(
                queue=queue, view=LiveView(), system=system_of(), fit_of=lambda pod_id, boot_id: None, now_s=0.0
            )
            await scenario(recorder)
            queue.close()

    with Store.open(tmp_path) as store:
        asyncio.run(run(store))


def test_another_rate_waits_for_the_next_session(tmp_path: Path) -> None:
    async def scenario(recorder: Recorder) -> None:
        await recorder.on_pod(POD)
        await recorder.start(SESSION, (), start_s=0.0)
        with pytest.raises(InputError, match=r"changed from 416 to 208 Hz.*next session"):
            await recorder.on_pod(replace(POD, rate_hz=208.0))
        assert recorder.pipelines["a1"].closed
        await recorder.settle()
        await recorder.close_raw()
        recorder.renew(1.0)
        assert recorder.pipelines["a1"].info.rate_hz == 208.0
        assert not recorder.pipelines["a1"].closed

    recorded(tmp_path, scenario)


def test_the_same_words_again_change_nothing(tmp_path: Path) -> None:
    async def scenario(recorder: Recorder) -> None:
        await recorder.on_pod(POD)
        before = recorder.pipelines["a1"]
        await recorder.on_pod(replace(POD))
        assert recorder.pipelines["a1"] is before

    recorded(tmp_path, scenario)
