"""Where each stride was run, kept with it: judged at the end, told to the sinks, provisional while it is run."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.kept import CONFIG, PODS, keep, worn
from support.store_data import BOOT, START, assignment, pod
from support.turns import RATE_HZ, session

from evenstride_analysis.context import Ground, LiveContext, Placed
from evenstride_analysis.model import ClockFit, Session, Surface
from evenstride_analysis.simulate import laps
from evenstride_gateway.closing import put_ground, regrid
from evenstride_gateway.recorder import Recorder
from evenstride_gateway.results import system_error
from evenstride_gateway.sinks.collect import collect, session_points
from evenstride_gateway.sinks.points import surface_word
from evenstride_gateway.sinks.schema import STRIDE, Point, Value
from evenstride_gateway.store import ChangeKind, Store, StoredStride
from evenstride_gateway.web.view import LiveView
from evenstride_gateway.writing import StoreQueue

TRACK = laps(2.2, 3.4)
SYSTEM = system_error(CONFIG)
NAMES = [field.name for field in STRIDE.fields]


def value(point: Point, name: str) -> Value:
    return point.values[NAMES.index(name)]


def stride_points(points: list[Point]) -> list[Point]:
    return [point for point in points if point.measurement == STRIDE.name]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        keep(opened, session(TRACK)[0])
        yield opened


def test_surface_and_lap_are_the_planted_ones(store: Store) -> None:
    planted = sorted(session(TRACK)[1], key=lambda stride: stride.strike_s)
    strikes = np.array([stride.strike_s for stride in planted])
    held = store.strides("s1")
    truth = [planted[int(np.argmin(np.abs(strikes - one.published_t_s)))] for one in held]
    right = [one.place.surface is true.surface for one, true in zip(held, truth, strict=True)]
    assert np.mean(right) > 0.9
    on_track = [(one.place.lap, true.lap) for one, true in zip(held, truth, strict=True) if true.lap]
    assert np.mean([found == wanted for found, wanted in on_track]) > 0.95
    bends = [one.place.direction for one in held if one.place.surface is Surface.BEND]
    assert set(bends) == {1}  # counter-clockwise
    assert {one.place.direction for one in held if one.place.surface is not Surface.BEND} == {0}


def test_points_tell_it_in_the_words_of_the_parts(store: Store) -> None:
    points = stride_points(session_points(store, "s1"))
    assert {value(point, "surface") for point in points} >= {"straight", "bend to the left"}
    assert {value(point, "lap") for point in points} >= {1, 2, 3}
    assert surface_word(Placed(surface=Surface.BEND, direction=-1)) == "bend to the right"
    assert surface_word(Placed()) == "unknown"


def test_the_feed_tells_what_the_end_judged_anew(store: Store) -> None:
    held = store.strides("s1")
    last = store.last_change()
    regrid(store, "s1", SYSTEM)
    assert store.last_change() == last  # it says the same
    one = held[7]
    where = (one.stride.pod_id, one.stride.boot_id, one.stride.strike_index)
    changed = store.put_places("s1", {where: Placed(lap=9), (one.stride.pod_id, one.stride.boot_id, 3): Placed(lap=1)})
    assert [(change.kind, change.entity_id, change.previous) for change in changed] == [
        (ChangeKind.UPDATE, str(one.stride_id), one.key)
    ]
    (point,) = stride_points(list(collect(store, last, 100).points))
    assert (value(point, "lap"), value(point, "surface"), value(point, "retired")) == (9, "unknown", False)
    regrid(store, "s1", SYSTEM)
    (point,) = stride_points(list(collect(store, changed[-1].change, 100).points))
    assert value(point, "lap") == one.place.lap
    assert {s.stride_id: s.place for s in store.strides("s1")} == {s.stride_id: s.place for s in held}


def test_on_a_treadmill_all_is_straight(store: Store) -> None:
    last = store.last_change()
    put_ground(store, "s1", Ground(treadmill_mps=3.4), SYSTEM)
    points = stride_points(list(collect(store, last, 100_000).points))
    assert points
    assert {value(point, "surface") for point in points} == {"straight"}
    assert {value(point, "lap") for point in points} == {0}


def test_live_every_settled_step_is_placed_once() -> None:
    steps = session(TRACK)[0]
    live = LiveContext()
    settled = [(given, live.places()) for step in steps for given in [live.push(step)]]
    assert all([step for step, _ in places] == given for given, places in settled)
    rest = live.flush()
    settled.append((rest, live.places()))
    found = [place for _, places in settled for _, place in places]
    assert len(found) == len(steps)
    assert live.places() == []
    lapped = [place.lap for place in found if place.lap is not None]
    assert lapped == sorted(lapped)
    assert lapped[-1] >= 2
    assert {place.surface for place in found} >= {Surface.STRAIGHT, Surface.BEND}


def test_the_recorder_tells_the_store_while_it_is_run(tmp_path: Path) -> None:
    steps = session(TRACK)[0]
    fit = ClockFit(pod_id="", boot_id=BOOT, offset_s=0.0, skew_ppm=0.0, bound_s=0.001, version=1)

    async def run(store: Store) -> list[StoredStride]:
        queue = StoreQueue(store)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(queue.run(), name="writer")
            recorder = Recorder(
                queue=queue, view=LiveView(), system=SYSTEM, fit_of=lambda pod_id, boot_id: fit, now_s=0.0
            )
            for side, pod_id in PODS.items():
                recorder.sides[pod_id] = side
                await recorder.on_pod(pod(pod_id, rate_hz=RATE_HZ))
            assigned = [assignment(pod_id, side) for side, pod_id in PODS.items()]
            await recorder.start(Session(session_id="s1", runner_id="anna", started_at=START), assigned, start_s=0.0)
            for step in steps:
                await recorder.on_strides(PODS[step.side], [worn(step)])
            held = await queue.call(lambda store: store.strides("s1"))
            await recorder.settle()
            for raw in recorder.release():
                raw.close()
            queue.close()
            return held

    with Store.open(tmp_path) as store:
        held = asyncio.run(run(store))
        assert len(held) == len(steps)
        placed = [one.place for one in held if one.place != Placed()]
        assert len(placed) > len(held) - 40  # the last seconds are not settled yet
        assert {place.surface for place in placed} >= {Surface.STRAIGHT, Surface.BEND}
        assert {1, 2} <= {place.lap for place in placed}
        points = collect(store, 0, 100_000).points
        assert {value(point, "lap") for point in stride_points(list(points))} >= {1, 2}
