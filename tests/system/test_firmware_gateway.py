"""Two host pods and the whole gateway: every sample in the store as recorded, the strides of Python pods. Real time."""

import asyncio
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from support.host_pods import host_pod
from support.whole_gateway import runner_signals

from evenstride_analysis.model import CountArray, SampleBlock, Side, Stride
from evenstride_gateway.air.uuids import TICK_HZ
from evenstride_gateway.app import running, wire
from evenstride_gateway.config import Config
from evenstride_gateway.errors import EvenstrideError
from evenstride_gateway.health import Health
from evenstride_gateway.link.ble import BleSource
from evenstride_gateway.store import Store
from evenstride_gateway.virtual.firmware_world import FirmwareWorld, firmware_world
from evenstride_gateway.virtual.pod_signal import NOMINAL_RATE_HZ, Sensor, SignalSource
from evenstride_gateway.virtual.world import POD_IDS, detector_factory, in_runner_time

RECORDED_S = 50.0
SESSION_S = 11.0


async def run(world: FirmwareWorld, store: Store) -> str:
    """One session."""
    async with BleSource(world.backend, rng=random.Random(1)) as source:
        gateway = wire(
            store=store,
            source=source,
            config=Config(),
            sides=world.sides,
            version="test",
            health=Health(),
            utc=lambda: datetime.now(UTC),
            rng=random.Random(2),
        )
        async with running(gateway):
            async with asyncio.timeout(30):
                session_id = await gateway.sessions.start_when_streaming("Ada", pods=2, stop=asyncio.Event())
            assert session_id is not None
            await asyncio.sleep(SESSION_S)
            await gateway.sessions.stop()
    return session_id


def planted(signal: SignalSource, counts: CountArray, side: Side) -> list[Stride]:
    """What a pod without radio, clock error or loss would lead to, in runner seconds."""
    detector = detector_factory(POD_IDS[side], signal, Sensor())
    values = counts.astype(np.float64) * np.array([channel.scale for channel in signal.channels])
    stamps = np.arange(0, len(counts), 18)
    block = SampleBlock(
        pod_id=POD_IDS[side],
        boot_id=1,
        first_index=0,
        stamp_index=stamps,
        stamp_s=stamps / NOMINAL_RATE_HZ,
        accel_mps2=values[:, :3],
        gyro_radps=values[:, 3:],
    )
    return [*detector.push(block), *detector.flush()]


def offset_in(counts: CountArray, first: CountArray) -> int:
    """Where in the recording these samples begin."""
    heads = np.flatnonzero((counts[: -len(first)] == first[0]).all(axis=1))
    (found,) = [int(at) for at in heads if np.array_equal(counts[at : at + len(first)], first)]
    return found


def check(world: FirmwareWorld, store: Store, session_id: str, signals: Mapping[Side, SignalSource]) -> None:
    assert store.gaps(session_id) == []
    stored = [entry.stride for entry in store.strides(session_id)]
    for pod_id, side in world.sides.items():
        recorded = signals[side].counts(0, round(RECORDED_S * NOMINAL_RATE_HZ))
        pieces = list(store.raw_frames(session_id, pod_id))
        first = pieces[0].first_index
        counts = np.concatenate([piece.counts for piece in pieces])
        assert [piece.first_index for piece in pieces[1:]] == [piece.end_index for piece in pieces[:-1]]
        assert len(counts) > (SESSION_S - 1) * NOMINAL_RATE_HZ
        offset = offset_in(recorded, pieces[0].counts)
        assert np.array_equal(counts, recorded[offset : offset + len(counts)])
        assert pieces[0].tick is not None
        assert world.runner_s(side, pieces[0].tick / TICK_HZ) == pytest.approx(offset / NOMINAL_RATE_HZ, abs=1e-4)

        found = in_runner_time(world, side, [stride for stride in stored if stride.pod_id == pod_id])
        inside = [s for s in planted(signals[side], recorded, side) if found[0].strike_s - 0.1 < s.strike_s]
        inside = inside[: len(found)]
        assert len(found) >= 6
        assert [s.strike_index + first - offset for s in inside] == pytest.approx(
            [s.strike_index for s in found], abs=1
        )
        for want, got in zip(inside, found, strict=True):
            times = [(want.strike_s, got.strike_s), (want.toe_off_s, got.toe_off_s), (want.end_s, got.end_s)]
            assert max(abs(a - b) for a, b in times) < 2e-4
            assert (want.gait, want.doubt, want.method) == (got.gait, got.doubt, got.method)


def test_every_sample_is_in_the_store_and_the_strides_are_those_of_python_pods(tmp_path: Path) -> None:
    async def scenario() -> None:
        signals, program = runner_signals(), host_pod()
        async with firmware_world(signals, program=program, duration_s=RECORDED_S) as world:
            with Store.open(tmp_path) as store:
                session_id = await run(world, store)
                check(world, store, session_id, signals)

    asyncio.run(scenario())


def test_a_program_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    async def scenario() -> None:
        with pytest.raises(EvenstrideError, match="make demo POD=firmware"):
            async with firmware_world(runner_signals(), program=tmp_path / "absent", duration_s=1.0):
                raise AssertionError

    asyncio.run(scenario())
