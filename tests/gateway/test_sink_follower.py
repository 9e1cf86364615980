"""The walk along the feed, without a server: what is made when sessions change or go while it walks."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from support.store_data import BOOT, LEFT_POD, RIGHT_POD, START, assignment, begin, stride

from evenstride_analysis.model import Measure, Side, Symmetry, Verdict
from evenstride_gateway.errors import StoreTroubleError
from evenstride_gateway.sinks import follower as following
from evenstride_gateway.sinks.collect import collect, session_points
from evenstride_gateway.sinks.follower import Follower, Refused
from evenstride_gateway.sinks.schema import Point
from evenstride_gateway.store import Store
from evenstride_gateway.virtual.loop import run_virtual


def test_an_ended_session_is_told_again_when_its_strides_change(tmp_path: Path) -> None:
    """Its point counts them: a run again or a correction long after the end must reach the sinks."""
    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", [stride(0, 300), stride(300, 600)])
        assert "session" not in [p.measurement for p in collect(store, 1, 1000).points if p.values[1] is False]
        store.end_session("s1", START + timedelta(seconds=10.0))
        upto = collect(store, 0, 1000).upto
        store.replace_strides("s1", LEFT_POD, BOOT, [stride(0, 300)])
        told = [p for p in collect(store, upto, 1000).points if p.measurement == "session"]
        assert told == [p for p in session_points(store, "s1") if p.measurement == "session"]
        assert len(told) == 1


def test_points_that_were_withdrawn_move_with_their_session(tmp_path: Path) -> None:
    """The comparison of store and database knows them under the runner that the session has now."""

    def at(t_s: float) -> Symmetry:
        return Symmetry(
            measure=Measure.STANCE,
            t_s=t_s,
            index=0.05,
            low=0.02,
            high=0.08,
            n_pairs=30,
            verdict=Verdict.POSSIBLE,
            reason="",
            method="rules-1",
        )

    with Store.open(tmp_path) as store:
        begin(store)
        store.put_symmetry("s1", [at(10.0), at(20.0)])
        store.put_symmetry("s1", [at(10.0)], replace=True)
        upto = collect(store, 0, 1000).upto
        store.put_assignment(
            assignment(LEFT_POD, Side.LEFT, runner_id="ben"), assignment(RIGHT_POD, Side.RIGHT, runner_id="ben")
        )
        told = [p for p in collect(store, upto, 1000).points if (p.measurement, p.tags[1]) == ("symmetry", "ben")]
        assert told == [p for p in session_points(store, "s1") if p.measurement == "symmetry"]
        assert [p.values[0] for p in told] == [False, True]


def test_a_session_that_is_deleted_while_its_points_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOOK_S", 0.001)
    delivered: list[Point] = []

    async def deliver(points: Sequence[Point]) -> Sequence[Refused]:
        delivered.extend(points)
        return ()

    async def write(work: Callable[[Store], object]) -> object:
        return work(store)

    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", [stride(0, 300)])
        asked = store.dated_sessions

        def deleted_behind_it() -> object:
            dated = asked()
            if store.sessions():
                store.delete_session("s1")
            return dated

        monkeypatch.setattr(store, "dated_sessions", deleted_behind_it)
        walk = Follower(name="influx", store=store, write=write, collect=collect, deliver=deliver, rng=random.Random(1))
        asyncio.run(walk.drain())
        assert delivered
        assert all(point.values[0] is True for point in delivered if point.measurement in ("stride", "session"))
        assert walk.health.behind == 0


def test_trouble_of_the_store_is_told_and_waited_for(tmp_path: Path) -> None:
    full, delivered = True, list[Point]()

    async def deliver(points: Sequence[Point]) -> Sequence[Refused]:
        delivered.extend(points)
        return ()

    async def write(work: Callable[[Store], object]) -> object:
        if full:
            raise StoreTroubleError("the disk is full")
        return work(store)

    async def scenario() -> None:
        nonlocal full
        walk = Follower(name="influx", store=store, write=write, collect=collect, deliver=deliver, rng=random.Random(1))
        running = asyncio.create_task(walk.run())
        await asyncio.sleep(30.0)
        assert walk.health.trouble == "the disk is full"
        assert store.sink_cursor("influx") is None
        full = False
        await asyncio.sleep(5.0)
        assert walk.health.trouble == ""
        assert store.sink_cursor("influx") == store.last_change()
        running.cancel()

    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", [stride(0, 300)])
        run_virtual(scenario())
    assert len([point for point in delivered if point.measurement == "stride"]) == 1  # once: only the cursor waited
