"""A session ends although something of it cannot be read: what is missing is told, not the session left open."""

from pathlib import Path

import pytest
from support.whole_gateway import Run, play, started

from evenstride_gateway import closing
from evenstride_gateway.errors import StoreError
from evenstride_gateway.store import RawWriter


def unreadable(*_: object) -> int:
    raise StoreError("the raw log cannot be read")


async def with_late_samples(run: Run) -> None:
    await run.play(6)
    run.away(run.left)
    await run.play(3)
    run.away(run.left, False)
    await run.play(5)


def test_late_samples_that_cannot_be_read_do_not_leave_the_session_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with started(tmp_path) as run:
            await with_late_samples(run)
            monkeypatch.setattr(closing, "run_again", unreadable)
            await run.gateway.sessions.stop()
            assert run.store.session(run.session_id).stopped_at is not None
            assert f"pod {run.left.pod_id} delivered late" in run.page_now()
            assert "the raw log cannot be read" in run.page_now()
            await run.start("Bo")
            assert "delivered late" not in run.page_now()

    play(scenario())


def test_a_raw_log_that_cannot_be_closed_is_told_after_the_session_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(6)
            with monkeypatch.context() as patch:
                patch.setattr(RawWriter, "close", unreadable)
                with pytest.raises(StoreError, match="cannot be read"):
                    await run.gateway.sessions.stop()
            assert run.store.session(run.session_id).stopped_at is not None
            assert run.gateway.recorder.recording is None

    play(scenario())
