"""The page's reports come from a process of their own, which reads what the gateway has stored so far."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from support.store_data import LEFT_POD, RIGHT_POD, begin, frame, pod, stride

from evenstride_gateway import report
from evenstride_gateway.config import SymmetryConfig
from evenstride_gateway.errors import EvenstrideError
from evenstride_gateway.rendering import ReportProcess
from evenstride_gateway.report import ReportData
from evenstride_gateway.store import Person, Store

KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from evenstride_gateway.config import SymmetryConfig
from evenstride_gateway.rendering import ReportProcess

async def main():
    async with ReportProcess(Path(sys.argv[1]), SymmetryConfig(), version="test", tell=print) as reports:
        print(await reports.html("nobody"), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def refuse(_: ReportData) -> str:
    raise AssertionError("a report is drawn in the gateway's own process")


def children(before: list[BaseProcess]) -> list[BaseProcess]:
    return [child for child in multiprocessing.active_children() if child not in before]


@asynccontextmanager
async def recording(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[tuple[Store, ReportProcess, list[str]], None]:
    """A store that is being written, whose own process cannot draw."""
    told: list[str] = []
    monkeypatch.setattr(report, "render_html", refuse)
    with Store.open(folder) as store:
        begin(store)
        store.put_pod(pod())
        with store.raw_writer("s1", pod()) as raw:
            raw.append(frame(0))
            for pod_id, start in ((LEFT_POD, 0), (RIGHT_POD, 150)):
                strides = [stride(first, first + 300, pod_id=pod_id) for first in range(start, 30_000, 300)]
                store.apply_strides("s1", strides)
            async with (
                asyncio.timeout(60),
                ReportProcess(folder, SymmetryConfig(), version="test", tell=told.append) as reports,
            ):
                yield store, reports, told


def test_another_process_draws_what_is_stored_by_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        before = multiprocessing.active_children()
        async with recording(tmp_path, monkeypatch) as (store, reports, told):
            assert children(before) == []  # nobody has asked yet
            assert await reports.html("nobody") is None
            (drawing,) = children(before)
            store.put_person(Person(runner_id="anna", name="Anna Lindqvist"))
            first = await reports.html("s1")
            store.put_person(Person(runner_id="anna", name="Anna Berg"))
            second = await reports.html("s1")
            assert first is not None
            assert second is not None
            assert ("Anna Lindqvist" in first, "Anna Berg" in first, "Anna Berg" in second) == (True, False, True)
            assert "<svg" in second
            assert children(before) == [drawing]
            assert told == []
        assert not drawing.is_alive()

    asyncio.run(scenario())


def test_a_process_that_died_is_replaced_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        before = multiprocessing.active_children()
        async with recording(tmp_path, monkeypatch) as (_, reports, told):
            assert await reports.html("nobody") is None
            (drawing,) = children(before)
            drawing.kill()
            await asyncio.to_thread(drawing.join)
            assert await reports.html("nobody") is None
            assert told == ["the process that draws reports died: a new one draws the report"]
            assert len(children(before)) == 1

    asyncio.run(scenario())


def test_a_process_that_dies_again_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr("evenstride_gateway.rendering._begin", partial(os._exit, 1))
        async with recording(tmp_path, monkeypatch) as (_, reports, told):
            with pytest.raises(EvenstrideError, match="died twice"):
                await reports.html("s1")
            assert len(told) == 1

    asyncio.run(scenario())


def test_a_refusal_of_the_store_comes_back_as_it_is(tmp_path: Path) -> None:
    async def scenario() -> None:
        nowhere = ReportProcess(tmp_path / "none", SymmetryConfig(), version="test", tell=print)
        async with asyncio.timeout(60), nowhere as reports:
            with pytest.raises(EvenstrideError, match="no evenstride data"):
                await reports.html("s1")

    asyncio.run(scenario())


def test_a_gateway_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    # the output ends when the last process that holds it does
    ended = subprocess.run([sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE, timeout=60, check=False)
    assert (ended.stdout, ended.returncode) == (b"None\n", -9)
