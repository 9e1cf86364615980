"""What the recorder does with a pod that changes its mind."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.steps import made_stride

from evenstride_analysis.model import SIX_AXES, ClockFit, PodInfo, Session, Side
from evenstride_analysis.symmetry import system_of
from evenstride_gateway.air import StrideRecord, StrideRecords
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


def recorded(tmp_path: Path, scenario: Callable[[Recorder], Awaitable[None]], *, fit: ClockFit | None = None) -> None:
    async def run(store: Store) -> None:
        queue = StoreQueue(store)
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            tasks.create_task(queue.run(), name="writer")
            recorder = Recorder(
                queue=queue, view=LiveView(), system=system_of(), fit_of=lambda pod_id, boot_id: fit, now_s=0.0
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
        for raw in recorder.release():
            raw.close()
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


def test_a_pod_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    async def scenario(recorder: Recorder) -> None:
        await recorder.on_pod(POD)
        await recorder.start(SESSION, (), start_s=0.0)
        with pytest.raises(InputError, match="10 Hz"):
            await recorder.on_pod(replace(POD, rate_hz=10.0))
        assert not recorder.pipelines["a1"].closed
        await recorder.settle()
        for raw in recorder.release():
            raw.close()
        recorder.renew(1.0)
        assert recorder.pipelines["a1"].info == POD

    recorded(tmp_path, scenario)


def test_a_stride_record_of_the_future_is_refused(tmp_path: Path) -> None:
    fit = ClockFit(pod_id="a1", boot_id=1, offset_s=0.0, skew_ppm=0.0, bound_s=0.001, version=1)
    record = StrideRecord.from_stride(made_stride(5.0))

    def told(strike_tick: int) -> StrideRecords:
        return StrideRecords(
            boot_id=1,
            first_record=0,
            rules=1,
            coefficients_version=1,
            rotation_version=0,
            records=(replace(record, strike_tick=strike_tick),),
        )

    async def scenario(recorder: Recorder) -> None:
        recorder.sides["a1"] = Side.LEFT
        await recorder.on_pod(POD)
        await recorder.on_records("a1", told(5 * 32768), arrival_s=8.0)
        assert recorder.shown == 1
        with pytest.raises(InputError, match="of the future"):
            await recorder.on_records("a1", told(1 << 45), arrival_s=9.0)
        assert recorder.shown == 1

    recorded(tmp_path, scenario, fit=fit)
