"""`evenstride demo` as a process in real time: the whole path, a signal, a port in use, a full disk."""

import json
import re
import resource
import select
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen

import pytest
from support.cli import evenstride, finished, process

from evenstride_analysis.strides.learned.table import DEFAULT_TABLE
from evenstride_gateway.cli.common import Exit
from evenstride_gateway.results import stored_strides
from evenstride_gateway.store import Store

# The method errs on a style as it errs on that runner: 2 to 5 ms for the demo's, more or less with each table. What a
# leg may be off is what the method says of itself; that the path adds nothing is what the stored raw is compared for.
LEG_MS = 3 * 1e3 * DEFAULT_TABLE.stance_sd_s
_FULL_BYTES = 450_000  # what a file may grow to where the disk is "full"


Demo = Callable[..., "Popen[str]"]


@pytest.fixture
def demo() -> Iterator[Demo]:
    """Starts demos in a folder; none outlives its test."""
    runs: list[Popen[str]] = []

    def start(folder: Path, *words: object, port: int = 0, **options: object) -> "Popen[str]":
        runs.append(process("demo", "--no-browser", "--port", port, "--data", "data", *words, folder=folder, **options))
        return runs[-1]

    yield start
    for running in runs:
        with running:
            running.kill()


def page_of(running: "Popen[str]", *, within_s: float = 30) -> str:
    """The address that the demo prints first, with the coach's token."""
    assert running.stdout is not None
    assert select.select([running.stdout], [], [], within_s)[0], "no live page"
    line = running.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found is not None, line
    with urllib.request.urlopen(found[0], timeout=10) as answer:
        assert answer.status == 200
    return found[0]


def until_strides(folder: Path, *, within_s: float = 30) -> None:
    """Waits until the demo's store holds strides."""
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        select.select([], [], [], 0.1)
        if (folder / "evenstride.db").exists():
            with Store.open(folder, readonly=True) as store:
                if any(store.count_strides(session.session_id) > 0 for session in store.sessions()):
                    return
    pytest.fail("no stride was stored")


def test_twelve_seconds_from_pod_to_report(tmp_path: Path, demo: Demo) -> None:
    done = finished(demo(tmp_path, "--seconds", "12", "--json"))
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    for side in ("left", "right"):
        leg = told["truth"][side]
        assert leg["strides"] >= 5
        assert (leg["missed"], leg["false"]) == (0, 0)
        assert leg["stance_found_ms"] == pytest.approx(leg["stance_true_ms"], abs=LEG_MS)
    assert told["truth"]["index_found_percent"] == pytest.approx(told["truth"]["index_true_percent"], abs=1)
    assert "<!" in (tmp_path / told["report"]).read_text(encoding="utf-8")[:20]
    with Store.open(tmp_path / "data", readonly=True) as store:
        session = store.session(told["session"])
        assert session.stopped_at is not None
        assert (session.stopped_at - session.started_at).total_seconds() == pytest.approx(12, abs=1.5)
        assert store.gaps(session.session_id) == []
        live = [stored.stride for stored in store.strides(session.session_id)]
        again = stored_strides(store, session.session_id)
        assert sorted(live, key=repr) == sorted(again, key=repr)
    rows = json.loads(evenstride("analyze", "--session", told["session"], "--data", tmp_path / "data", "--json").out)
    assert len(rows) == len(live)


def test_ctrl_c_and_sigterm_stop_and_store(tmp_path: Path, demo: Demo) -> None:
    runs: dict[signal.Signals, Popen[str]] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        (tmp_path / number.name).mkdir()
        runs[number] = demo(tmp_path / number.name)
    for number, running in runs.items():
        page_of(running)
        until_strides(tmp_path / number.name / "data")
        running.send_signal(number)
    for number, running in runs.items():
        done = finished(running)
        assert (done.code, done.err) == (0, "")
        assert "session" in done.out.splitlines()[-1]
        with Store.open(tmp_path / number.name / "data", readonly=True) as store:
            (session,) = store.sessions()
            assert session.stopped_at is not None
            assert store.clocks(session.session_id)
        assert list((tmp_path / number.name / "data").glob("report-*.html"))


def test_a_port_in_use_is_one_line(tmp_path: Path, demo: Demo) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        done = finished(demo(tmp_path, port=port))
    line = done.error_line(Exit.CONFIG)
    assert f"port {port}" in line
    assert "--port" in line


def until_page_says(address: str, words: str, *, within_s: float = 60) -> None:
    """Waits until the live page's stream contains these words."""
    deadline_s = time.monotonic() + within_s
    with urllib.request.urlopen(address.replace("/?", "/api/live?"), timeout=10) as stream:
        while time.monotonic() < deadline_s:
            if words in stream.readline().decode():
                return
    pytest.fail(f"the page did not say {words!r} within {within_s:.0f} s")


def test_a_full_disk_is_said_waited_for_and_what_was_stored_is_readable(tmp_path: Path, demo: Demo) -> None:
    running = demo(tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (_FULL_BYTES, _FULL_BYTES)))
    until_page_says(page_of(running), "Nothing can be stored now")
    running.send_signal(signal.SIGINT)
    done = finished(running, within_s=120)  # it waits half a minute for space
    assert done.code == Exit.STORE
    assert done.err.count("\n") == 1, done.err
    assert "free some space; what was stored before is safe; it was waited for 30 s" in done.err
    data = tmp_path / "data"
    with Store.open(data, readonly=True) as store:
        (session,) = store.sessions()
        before = {s.stride_id for s in store.strides(session.session_id)}
        assert len(before) > 4
        assert stored_strides(store, session.session_id)
    with Store.open(data) as store:  # space was freed: it goes on
        store.put_placement(store.placements()[0])
        assert {s.stride_id for s in store.strides(session.session_id)} == before
