"""The walk along the feed, without a server: what is made when sessions change or go while it walks."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from support.store_data import BOOT, LEFT_POD, START, begin, stride

from evenstride_gateway.sinks import follower as following
from evenstride_gateway.sinks.collect import collect, session_points
from evenstride_gateway.sinks.follower import Follower, Refused
from evenstride_gateway.sinks.schema import Point
from evenstride_gateway.store import Store


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
