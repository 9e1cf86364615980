"""Commands that write while a gateway holds the data: the gateway does it for them."""

import asyncio
import json
import os
import socket
import threading
import urllib.request
from collections.abc import AsyncIterator, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.cli import evenstride
from support.store_data import LEFT_POD, RIGHT_POD, begin, frame, pod, stride

from evenstride_analysis.model import Side
from evenstride_analysis.strides.rules import DEFAULT_RULES
from evenstride_gateway import report
from evenstride_gateway.calling import ADDRESS_FILE, announced
from evenstride_gateway.cli.common import Exit
from evenstride_gateway.config import load_config
from evenstride_gateway.errors import LinkError
from evenstride_gateway.hosting import hosted, open_store
from evenstride_gateway.link.source import Chunk, LinkChange, PodLink, Source
from evenstride_gateway.store import Store


class NoPods(Source):
    """A FAKE radio in which nothing is heard."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()

    @property
    def pods(self) -> dict[str, PodLink]:
        return {}

    @property
    def problems(self) -> dict[str, str]:
        return {}

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[Chunk | LinkChange]:
        await self._closed.wait()
        for item in list[Chunk]():
            yield item

    async def command(self, pod_id: str, message: bytes, *, timeout_s: float = 2.0) -> bytes:
        raise LinkError(f"pod {pod_id} is away: {message!r}, {timeout_s} s")

    async def ping(self, pod_id: str, message: bytes) -> None:
        raise LinkError(f"pod {pod_id} is away: {message!r}")

    async def close(self) -> None:
        self._closed.set()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with one ended session of two pods."""
    folder = tmp_path / "data"
    with Store.open(folder) as store:
        begin(store)
        for pod_id in (LEFT_POD, RIGHT_POD):
            store.put_pod(pod(pod_id))
            with store.raw_writer("s1", pod(pod_id)) as raw:
                raw.append(frame(0, pod_id=pod_id))
        store.apply_strides("s1", [stride(n * 300, n * 300 + 300) for n in range(4)])
        store.end_session("s1", store.session("s1").started_at)
    return folder


@contextmanager
def gateway_on(folder: Path) -> Generator[None, None, None]:
    """A gateway with its page in a thread, until the context ends."""
    ready: Future[None] = Future()
    stop = threading.Event()

    async def main() -> None:
        try:
            config = load_config(folder, page={"port": 0})
            async with (
                open_store(folder, config, print) as store,
                NoPods() as source,
                hosted(store=store, source=source, config=config, sides={}, version="test"),
            ):
                ready.set_result(None)
                await asyncio.to_thread(stop.wait)
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    thread = threading.Thread(target=lambda: asyncio.run(main()), name="gateway")
    thread.start()
    try:
        ready.result(timeout=20)
        yield
    finally:
        stop.set()
        thread.join(timeout=20)
    assert not thread.is_alive()


def sides(folder: Path) -> set[tuple[str, Side | None]]:
    with Store.open(folder, readonly=True) as store:
        return {(s.stride.pod_id, s.side) for s in store.strides("s1")}


def test_commands_write_through_the_gateway_that_holds_the_data(data: Path) -> None:
    with gateway_on(data):
        assert (data / ADDRESS_FILE).exists()
        done = evenstride("pods", "assign", RIGHT_POD, "right", "--data", data, "--json")
        assert json.loads(done.out) == {"pod": RIGHT_POD, "side": "right", "also_on_this_side": []}, done
        assert evenstride("pods", "assign", LEFT_POD, "left", "--data", data).out.endswith("sits on the left leg\n")
        line = evenstride("pods", "assign", "nobody", "left", "--data", data).error_line(Exit.STORE)
        assert "pod nobody was never met" in line
        line = evenstride("pods", "assign", LEFT_POD, "right", "--session", "s1", "--data", data).error_line(Exit.STORE)
        assert "exchange the two with `evenstride pods swap --session s1`" in line
        swapped = evenstride("pods", "swap", "--session", "s1", "--data", data, "--json")
        assert json.loads(swapped.out) == {"sides": {LEFT_POD: "right", RIGHT_POD: "left"}, "session": "s1"}
        assert sides(data) == {(LEFT_POD, Side.RIGHT)}
        assert evenstride("pods", "swap", "--data", data).error_line(Exit.STORE)  # none of them is heard
        assert evenstride("sessions", "delete", "s1", "--data", data, typed="n\n").code == Exit.INTERRUPTED
        assert json.loads(evenstride("sessions", "delete", "s1", "--yes", "--data", data, "--json").out) == {
            "deleted": "s1"
        }
        assert not (data / "raw" / "s1").exists()
    assert not (data / ADDRESS_FILE).exists()


def test_what_is_said_afterwards_goes_through_the_gateway_too(data: Path) -> None:
    with gateway_on(data):
        assert evenstride("sessions", "shoes", "s1", "Blue", "--data", data).out == "session s1: shoes Blue\n"
        assert evenstride("sessions", "pace", "s1", "easy", "--data", data).code == 0
        assert evenstride("sessions", "pace", "s1", "", "--data", data).out == "session s1: no pace entered\n"
        assert evenstride("runners", "mass", "anna", "61.5", "--data", data).code == 0
        assert "a track of 400 m" in evenstride("sessions", "ground", "s1", "--track", "400", "--data", data).out
        assert "is using this data" in evenstride("sessions", "rerun", "s1", "--data", data).error_line(Exit.STORE)
        with Store.open(data, readonly=True) as store:
            said = store.session("s1").settings
            assert (said["shoes"], said["track_m"]) == ("Blue", "400")
            assert "pace" not in said
            assert said["estimator_error_percent"] == f"{100 * DEFAULT_RULES.si_error_sd:g}"
            mass = store.mass("anna")
            assert mass is not None
            assert mass.mass_kg == 61.5


def test_the_page_has_its_reports_drawn_in_another_process(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> str:
        raise AssertionError("a report is drawn in the gateway's own process")

    monkeypatch.setattr(report, "render_html", refuse)
    with gateway_on(data):
        page = json.loads((data / ADDRESS_FILE).read_text())["url"]
        with urllib.request.urlopen(f"{page}sessions/s1/report", timeout=60) as answer:
            assert "Session s1" in answer.read().decode()


def test_the_same_commands_without_a_gateway(data: Path) -> None:
    line = evenstride("pods", "assign", LEFT_POD, "right", "--session", "s1", "--data", data).error_line(Exit.STORE)
    assert "exchange the two" in line
    assert "s1" in evenstride("pods", "assign", LEFT_POD, "left", "--session", "nope", "--data", data).error_line(5)
    assert evenstride("pods", "swap", "--session", "s1", "--data", data).code == 0
    assert sides(data) == {(LEFT_POD, Side.RIGHT)}
    assert "needs a pod on each leg" in evenstride("pods", "swap", "--data", data).error_line(Exit.STORE)
    for words in ((LEFT_POD, "left"), (RIGHT_POD, "right")):
        assert evenstride("pods", "assign", *words, "--data", data).code == 0
    swapped = json.loads(evenstride("pods", "swap", "--data", data, "--json").out)
    assert swapped == {"sides": {LEFT_POD: "right", RIGHT_POD: "left"}, "session": None}
    assert evenstride("pods", "assign", "c3", "left", "--data", data).code == 0
    assert "3 pods have a leg here" in evenstride("pods", "swap", "--data", data).error_line(Exit.STORE)


def test_the_token_goes_to_nobody_but_the_process_that_holds_the_data(data: Path) -> None:
    """A crash leaves the address behind; the port may be another program's by now."""
    (data / "coach-token").write_text("a-token-that-is-long", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as stranger, Store.open(data):
        port = stranger.getsockname()[1]
        (data / ADDRESS_FILE).write_text(json.dumps({"url": f"http://127.0.0.1:{port}/", "pid": os.getpid() + 1}))
        line = evenstride("pods", "assign", LEFT_POD, "left", "--data", data).error_line(Exit.STORE)
        assert "is using this data" in line
        stranger.setblocking(False)
        with pytest.raises(BlockingIOError):
            stranger.accept()


@pytest.mark.parametrize("content", ["", "[]", '{"url": "http://127.0.0.1:1/", "pid": "x"}', "none", "closed"])
def test_an_address_that_leads_nowhere_is_the_usual_refusal(data: Path, content: str) -> None:
    (data / "coach-token").write_text("a-token-that-is-long", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Store.open(data), announced(data, f"http://127.0.0.1:{port}/"):
        if content != "closed":
            (data / ADDRESS_FILE).write_text(content)
        line = evenstride("sessions", "delete", "s1", "--yes", "--data", data).error_line(Exit.STORE)
        assert "is using this data" in line
