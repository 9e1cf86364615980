"""The disk is full, or another program holds the database: the gateway lives, says it, and nothing is lost of what the
pods sent. The full disk is a real one to the process: no file may grow."""

import asyncio
import resource
import signal
import sqlite3
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.whole_gateway import Run, balanced, complete, gateway_run, in_order, play, started

from evenstride_gateway import sessions
from evenstride_gateway.closing import recover
from evenstride_gateway.config import Config
from evenstride_gateway.errors import StoreError, StoreTroubleError
from evenstride_gateway.results import stored_strides, system_error
from evenstride_gateway.store import Store, schema


@contextmanager
def full_disk() -> Generator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


def whole(run: Run, session_id: str) -> None:
    """The session is ended, and its strides are those of its raw samples."""
    assert run.store.session(session_id).stopped_at is not None
    held = [stored.stride for stored in run.store.strides(session_id)]
    assert len(held) > 20
    assert in_order(held) == in_order(stored_strides(run.store, session_id))


def test_a_disk_that_is_full_for_a_while_costs_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(6)
            with full_disk():
                await run.play(8)
                assert "Nothing can be stored now" in run.page_now()
                assert "free" in run.page_now()
                run.away(run.left)  # its samples come late: what they change waits as well
                await run.play(4)
                run.away(run.left, False)
                await run.play(8)
                with pytest.raises(StoreTroubleError, match=r"free .*space"):
                    await run.gateway.sessions.delete("yesterday")
            await run.play(6)
            assert "Nothing can be stored" not in run.page_now()
            complete(balanced(await run.stop()))

    play(scenario())


def test_a_stop_on_a_full_disk_is_told_and_done_later(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(15)
            with full_disk():
                await run.play(1)
                begun_s = asyncio.get_running_loop().time()
                with pytest.raises(StoreTroubleError, match=rf"session {run.session_id} is stopped.*as soon as"):
                    await run.gateway.sessions.stop()
                assert asyncio.get_running_loop().time() - begun_s < 20
                assert run.gateway.recorder.recording is None
                assert "Nothing can be stored now" in run.page_now()
                with pytest.raises(StoreTroubleError, match=r"free .*space"):
                    await run.gateway.sessions.start("Bo")
                await run.play(60)
                assert run.store.session(run.session_id).stopped_at is None
            await run.play(6)
            whole(run, run.session_id)
            assert "Nothing can be stored" not in run.page_now()
            assert len(run.store.sessions()) == 1
            await run.gateway.sessions.start("Bo")

    play(scenario())


def test_a_start_on_a_full_disk_begins_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path) as run:
            await run.until(lambda: all(run.streams(pod) for pod in run.world.pods.values()))
            with monkeypatch.context() as patch:
                patch.setattr(Store, "raw_writer", without_room)  # the rows had room, the raw logs have none
                with pytest.raises(StoreError, match="No space left"):
                    await run.start()
                assert run.gateway.recorder.recording is None
                stop = asyncio.Event()
                waiting = asyncio.create_task(run.gateway.sessions.start_when_streaming("Ada", pods=2, stop=stop))
                await run.play(2)
                assert "Not recording yet" in run.page_now()
                assert run.store.sessions() == []
            run.session_id = await waiting or ""
            assert "Not recording yet" not in run.page_now()
            await run.play(8)
            complete(balanced(await run.stop()))

    play(scenario())


def without_room(*_: Any) -> None:
    raise StoreTroubleError("the data cannot be written (No space left on device)")


def test_a_pod_that_comes_while_the_disk_is_full_is_recorded_when_there_is_room(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path) as run:
            run.away(run.right)
            await run.until(lambda: run.streams(run.left))
            await run.start()
            await run.play(3)
            with full_disk():
                await run.play(2)
                run.away(run.right, False)
                await run.play(8)
                assert f"Pod {run.right.pod_id} is not recorded yet" in run.page_now()
            await run.play(12)
            assert "is not recorded yet" not in run.page_now()
            await run.gateway.sessions.stop()
            assert run.store.raw_pods(run.session_id) == sorted([run.left.pod_id, run.right.pod_id])
            whole(run, run.session_id)

    play(scenario())


def test_late_samples_that_cannot_be_run_again_now_are_run_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(6)
            run.away(run.left)
            await run.play(3)
            with monkeypatch.context() as patch:
                patch.setattr(sessions, "run_again", without_room)
                run.away(run.left, False)
                await run.until(lambda: f"pod {run.left.pod_id} delivered late" in run.page_now(), within_s=60)
            await run.play(sessions.RERUN_S + 2)
            assert "delivered late" not in run.page_now()
            complete(balanced(await run.stop()))

    play(scenario())


def test_a_database_that_another_program_holds_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BUSY_MS", 1)

    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(10)
            other = sqlite3.connect(tmp_path / "evenstride.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            await run.play(3)
            assert "another program holds the database" in run.page_now()
            with pytest.raises(StoreTroubleError, match="is stopped"):
                await run.gateway.sessions.stop()
            other.execute("ROLLBACK")
            other.close()
            await run.play(6)
            whole(run, run.session_id)

    play(scenario())


def test_a_gateway_that_ends_on_a_full_disk_says_so_and_the_next_start_ends_the_session(tmp_path: Path) -> None:
    held: list[int] = []

    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(12)
            held.append(len(run.store.strides(run.session_id)))
            full.enter_context(full_disk())  # and the gateway is asked to end

    told = pytest.RaisesExc(StoreTroubleError, match=r"free .*space.*the next start ends")
    with ExitStack() as full, pytest.RaisesGroup(told):
        play(scenario())
    with Store.open(tmp_path) as store:
        (sentence,) = recover(store, system_error(Config().symmetry))
        assert "was cut off" in sentence
        (session,) = store.sessions()
        assert session.stopped_at is not None
        assert len(store.strides(session.session_id)) >= held[0] > 5
