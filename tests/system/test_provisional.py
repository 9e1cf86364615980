"""Provisional strides through the whole gateway: soon on the page, then final; the store never hears of them."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.whole_gateway import Run, play, started

from evenstride_analysis.model import Side

SOON_S = 0.25  # 60 ms of signal, 17 samples that share a frame, two turns of the radio


async def watched(run: Run, seconds: float) -> list[dict[str, Any]]:
    """What an open page is sent meanwhile, event by event."""
    seen: list[dict[str, Any]] = []

    async def watch() -> None:
        with run.gateway.hub.join() as viewer:
            while (piece := await viewer.next()) is not None:
                seen.extend(json.loads(event.split("data: ")[1]) for event in piece.decode().strip().split("\n\n"))

    watching = asyncio.create_task(watch(), name="page")
    await run.play(seconds)
    run.gateway.hub.disconnect_all()
    await watching
    return seen


def told(board: dict[str, Any], side: Side) -> Iterator[tuple[int, float, float | None, bool]]:
    strip = board["strips"][side.value]
    return zip(strip["n"], strip["t_s"], strip["stance_ms"], strip["provisional"], strict=True)


def test_a_stance_is_on_the_page_right_after_toe_off_and_its_stride_replaces_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(8)
            _, *boards = await watched(run, 8)  # the first one is the snapshot
            for side in Side:
                early: dict[int, tuple[float, float, float]] = {}  # number -> sent, contact, stance
                replaced: list[tuple[float, float]] = []  # how long after, and how far off
                for board in boards:
                    for n, t_s, stance_ms, provisional in told(board, side):
                        if provisional:
                            assert stance_ms is not None
                            assert 0.0 < board["t_s"] - (t_s + stance_ms / 1e3) < SOON_S
                            early[n] = board["t_s"], t_s, stance_ms
                        elif n in early:
                            sent_s, contact_s, first_ms = early.pop(n)
                            assert stance_ms is not None
                            assert abs(t_s - contact_s) < 0.02
                            replaced.append((board["t_s"] - sent_s, abs(stance_ms - first_ms)))
                assert len(replaced) >= 8
                assert len(early) <= 2  # their strides are not complete yet
                assert min(later_s for later_s, _ in replaced) > 0.4
                assert sum(off_ms for _, off_ms in replaced) / len(replaced) < 6.0
            books = await run.stop()
            assert books.final == books.again  # nothing provisional is in the store, and strides are what they were
            shown = run.gateway.view.snapshot(asyncio.get_running_loop().time())
            assert all(leg["n_strides"] <= len(books.final) for leg in shown["legs"].values())

    play(scenario())
