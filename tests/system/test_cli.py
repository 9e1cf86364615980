"""Every command has words, every error is one line with its exit code, and nothing stored is harmed."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from support.cli import evenstride
from support.store_data import begin, frame, pod, stride

from evenstride_analysis.model import Side
from evenstride_gateway.cli.commands import EXIT_CODES, app
from evenstride_gateway.cli.common import Exit
from evenstride_gateway.errors import LinkError
from evenstride_gateway.link.scheduler import plain_error
from evenstride_gateway.store import Placement, Store, schema

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with one ended session."""
    folder = tmp_path / "data"
    with Store.open(folder) as store:
        begin(store)
        store.put_pod(pod())
        with store.raw_writer("s1", pod()) as raw:
            raw.append(frame(0))
        store.apply_strides("s1", [stride(n * 300, n * 300 + 300) for n in range(4)])
        session = store.session("s1")
        store.end_session("s1", session.started_at)
    return folder


def commands() -> Iterator[tuple[str, Any]]:
    def walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
        yield path, command
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, f"{path} {name}")

    yield from walk(typer.main.get_command(app), "evenstride")


def test_every_command_and_every_option_has_help() -> None:
    found = dict(commands())
    assert len(found) >= 14
    for path, command in found.items():
        assert command.help, path
        for param in command.params:
            assert getattr(param, "help", ""), f"{path}: {param.name}"


def test_the_command_reference_is_not_stale() -> None:
    made = subprocess.run(
        [sys.executable, str(_ROOT / "tools" / "make_cli_docs.py"), "--print"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (_ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == made.stdout, "run tools/make_cli_docs.py"


def test_help_names_every_exit_code_and_loads_nothing_heavy() -> None:
    program = (
        "import sys; from evenstride_gateway import cli; code = cli.invoke(['--help']);"
        "heavy = {'numpy', 'bleak', 'bumble', 'fastapi', 'pydantic', 'asyncio'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or code)"
    )
    help_page = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (help_page.returncode, help_page.stderr) == (0, "")
    for code in Exit:
        assert f"{code.value} " in EXIT_CODES
    assert "130 interrupted" in " ".join(help_page.stdout.split())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["foo"], "No such command 'foo'; see `evenstride --help`"),
        (["analyze", "--bogus"], "--bogus"),
        (["demo", "--seconds", "3"], "'--seconds'"),
        (["pods", "assign", "a1", "up"], "'left', 'right'; see `evenstride pods assign --help`"),
        (["report"], "Missing"),
    ],
)
def test_wrong_usage_is_one_line_and_names_the_help(words: list[str], expected: str) -> None:
    assert expected in evenstride(*words).error_line(Exit.USAGE)


def test_an_unexpected_error_is_one_line_and_verbose_shows_it(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    def broken(_: object) -> list[object]:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(Store, "sessions", broken)
    line = evenstride("sessions", "list", "--data", data).error_line(Exit.UNEXPECTED)
    assert "ZeroDivisionError: by zero" in line
    assert "--verbose" in line
    shown = evenstride("sessions", "list", "--data", data, "--verbose")
    assert (shown.code, "Traceback" in shown.err) == (Exit.UNEXPECTED, True)


def test_verbose_keeps_the_exit_code(tmp_path: Path) -> None:
    shown = evenstride("--verbose", "sessions", "list", "--data", tmp_path / "none")
    assert shown.code == Exit.STORE
    assert "Traceback" in shown.err
    assert shown.err.splitlines()[-1].startswith("evenstride: no evenstride data")


def test_sessions_are_listed_shown_and_deleted(data: Path) -> None:
    listed = json.loads(evenstride("sessions", "list", "--data", data, "--json").out)
    assert [(row["session"], row["strides"]) for row in listed] == [("s1", 4)]
    assert "s1" in evenstride("sessions", "list", "--data", data).out
    shown = evenstride("sessions", "show", "s1", "--data", data)
    assert shown.code == 0
    assert "not measurable" in shown.out
    assert set(json.loads(evenstride("sessions", "show", "s1", "--data", data, "--json").out)) >= {"legs", "symmetry"}
    for typed in ("", "n\n"):  # nobody is there to say yes, or says no
        asked = evenstride("sessions", "delete", "s1", "--data", data, typed=typed)
        assert (asked.code, asked.err) == (Exit.INTERRUPTED, "evenstride: stopped: nothing was changed\n")
    assert (data / "raw" / "s1").is_dir()
    deleted = evenstride("sessions", "delete", "s1", "--yes", "--data", data, "--json")
    assert json.loads(deleted.out) == {"deleted": "s1"}
    assert json.loads(evenstride("sessions", "list", "--data", data, "--json").out) == []
    assert not (data / "raw" / "s1").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["sessions", "show", "nope"],
        ["sessions", "delete", "nope", "--yes"],
        ["analyze", "--session", "nope"],
        ["report", "nope", "--out", "r.html"],
    ],
)
def test_an_unknown_session_is_named_and_the_known_ones_too(data: Path, words: list[str]) -> None:
    line = evenstride(*words, "--data", data).error_line(Exit.STORE)
    assert "'nope'" in line
    assert "s1" in line


def test_looking_makes_no_store(tmp_path: Path) -> None:
    for words in (["sessions", "list"], ["pods", "list"], ["sessions", "delete", "s1", "--yes"]):
        evenstride(*words, "--data", tmp_path / "typo").error_line(Exit.STORE)
    assert not (tmp_path / "typo").exists()


def test_pods_are_listed_and_assigned(data: Path) -> None:
    done = evenstride("pods", "assign", "b2", "right", "--data", data, "--json")
    assert json.loads(done.out) == {"pod": "b2", "side": "right", "also_on_this_side": []}
    listed = {row["pod"]: row["side"] for row in json.loads(evenstride("pods", "list", "--data", data, "--json").out)}
    assert listed["b2"] == "right"
    assert "b2" in evenstride("pods", "list", "--data", data).out
    both = evenstride("pods", "assign", "c3", "right", "--data", data)
    assert "b2" in both.out
    assert evenstride("pods", "assign", "../c3", "left", "--data", data).error_line(Exit.STORE)
    with Store.open(data, readonly=True) as store:
        assert {p.pod_id for p in store.placements()} == {"b2", "c3"}


@pytest.mark.parametrize("name", ["report.docx", "report"])
def test_a_report_of_another_kind_is_refused(data: Path, name: str) -> None:
    out = data.parent / name
    assert ".html or .pdf" in evenstride("report", "s1", "--out", out, "--data", data).error_line(Exit.INPUT)
    assert not out.exists()


@pytest.mark.parametrize("ending", ["html", "pdf"])
def test_a_report_is_written(data: Path, ending: str) -> None:
    out = data.parent / f"report.{ending}"
    done = evenstride("report", "s1", "--out", out, "--data", data, "--json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == {"session": "s1", "out": str(out)}
    assert out.read_bytes().startswith(b"%PDF" if ending == "pdf" else b"<!")


def test_a_wrong_setting_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "evenstride.toml").write_text("[page]\nprot = 1\n")
    line = evenstride("run", "--no-browser", "--data", tmp_path).error_line(Exit.CONFIG)
    assert "page.prot" in line
    assert "allowed here: host, port" in line
    assert sorted(p.name for p in tmp_path.iterdir()) == ["evenstride.toml"]


def test_a_store_of_a_newer_evenstride_is_left_alone(data: Path) -> None:
    database = sqlite3.connect(data / "evenstride.db", isolation_level=None)
    database.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    before = (data / "evenstride.db").read_bytes()
    for words in (["sessions", "list"], ["pods", "assign", "b2", "left"], ["demo", "--no-browser", "--port", "0"]):
        assert "install a newer evenstride" in evenstride(*words, "--data", data).error_line(Exit.STORE)
    assert (data / "evenstride.db").read_bytes() == before


def test_a_second_gateway_on_the_same_data_is_refused(data: Path) -> None:
    with Store.open(data) as store:
        line = evenstride("demo", "--no-browser", "--port", "0", "--data", data).error_line(Exit.STORE)
        assert "is using this data" in line
        assert "is using this data" in evenstride("pods", "assign", "b2", "left", "--data", data).error_line(Exit.STORE)
        assert json.loads(evenstride("sessions", "list", "--data", data, "--json").out)  # reading is free
        store.put_placement(Placement(pod_id="a1", side=Side.LEFT))
    with Store.open(data, readonly=True) as store:
        assert [p.pod_id for p in store.placements()] == ["a1"]


def test_a_reader_who_has_enough_is_no_error(data: Path) -> None:
    words = [sys.executable, "-m", "evenstride_gateway.cli", "sessions", "list", "--data", str(data)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == ""


def test_a_computer_without_bluetooth_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unheard(**_: object) -> list[object]:
        raise LinkError(plain_error("", FileNotFoundError(2, "No such file or directory")))

    monkeypatch.setattr("evenstride_gateway.link.scan.scan_pods", unheard)
    line = evenstride("pods", "scan", "--seconds", "1").error_line(Exit.RADIO)
    assert "Bluetooth service does not run" in line
    assert "`evenstride demo`" in line
