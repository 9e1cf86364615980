"""`pods import` and `sessions date` as a user meets them; the radio is a FAKE that has fetched already."""

import json
import sys
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from support.cli import Result, evenstride
from support.pod_records import RAN_AT, anchored, put, strikes
from support.store_data import LEFT_POD, RIGHT_POD, pod

from evenstride_analysis.model import Side
from evenstride_gateway.cli import podlogs
from evenstride_gateway.cli.common import Exit
from evenstride_gateway.importing.fetching import PodLog
from evenstride_gateway.store import Placement, Store


class Terminal(StringIO):
    """Where somebody types."""

    def isatty(self) -> bool:
        return True


def fake_read(*met: str) -> object:
    """The pods that were met; what they hold is in the store already."""

    async def read(*_: object, **__: object) -> list[PodLog]:
        return [PodLog(info=pod(pod_id), boot_id=9, holdings=()) for pod_id in met]

    return read


def pods_import(folder: Path, *words: str, met: tuple[str, ...] = (LEFT_POD, RIGHT_POD), typed: str = "") -> Result:
    with patch.object(podlogs, "_read", fake_read(*met)):
        if not typed:
            return evenstride("pods", "import", "--data", folder, *words)
        real = sys.stdin
        try:
            with patch("support.cli.io.StringIO", Terminal):
                return evenstride("pods", "import", "--data", folder, *words, typed=typed)
        finally:
            sys.stdin = real


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store that knows where the left pod sits, and holds the records of a run of both."""
    with Store.open(tmp_path) as store:
        store.put_placement(Placement(pod_id=LEFT_POD, side=Side.LEFT))
        for side in Side:
            put(store, side, strikes(side))
    return tmp_path


def test_a_pod_without_a_leg_is_asked_for_and_never_guessed(folder: Path) -> None:
    line = pods_import(folder).error_line(Exit.INPUT)
    assert f"pod {RIGHT_POD} has no leg: say --left {RIGHT_POD} or --right {RIGHT_POD}" in line
    with Store.open(folder, readonly=True) as store:
        assert store.sessions() == []
        assert len(store.waiting_records()) == 2 * 427
    (made,) = json.loads(pods_import(folder, "--right", RIGHT_POD, "--json").out)["sessions"]
    assert made["strides"] == {"left": 427, "right": 427}
    assert json.loads(pods_import(folder, "--right", RIGHT_POD, "--json").out)["sessions"] == []


def test_on_a_terminal_leg_and_date_are_asked(folder: Path) -> None:
    done = pods_import(folder, typed="right\n2026-05-01 18:30+02:00\n")
    assert f"Which leg did pod {RIGHT_POD} sit on" in done.err
    assert "has no date: it was before" in done.err
    assert "1 session made" in done.out
    with Store.open(folder, readonly=True) as store:
        (session,) = store.sessions()
        assert session.started_at == RAN_AT
        assert session.settings["date"].startswith("as its runner said")


def test_nothing_said_leaves_it_undated_and_a_date_comes_later(folder: Path) -> None:
    done = pods_import(folder, typed="right\n\n")
    assert ": undated, 5 min" in done.out
    assert "evenstride sessions date undated-00aa-7" in done.out
    assert "undated" in evenstride("sessions", "list", "--data", folder).out
    rows = json.loads(evenstride("sessions", "list", "--data", folder, "--json").out)
    assert [(row["started_at"], row["dated"]) for row in rows] == [(None, False)]
    date = ("sessions", "date", "undated-00aa-7")
    assert evenstride(*date, "2026-05-01 18:30+02:00", "--data", folder).code == 0
    assert evenstride(*date, "2026-05-01 19:30+02:00", "--data", folder).code == 0  # it was a mistake
    rows = json.loads(evenstride("sessions", "list", "--data", folder, "--json").out)
    assert rows[0]["started_at"] == "2026-05-01T17:30:00+00:00"


def test_a_date_that_pods_gave_is_not_overruled(folder: Path) -> None:
    with Store.open(folder) as store:
        anchored(store, Side.LEFT, 600.0)  # one dated leg dates the run
    (made,) = json.loads(pods_import(folder, "--right", RIGHT_POD, "--json").out)["sessions"]
    assert made["started_at"].startswith("2026-05-01T16:29:59")  # a second before its first strike
    line = evenstride("sessions", "date", made["session"], "2026-05-02 10:00", "--data", folder).error_line(Exit.INPUT)
    assert "has its date from its pods: by one anchor" in line


def test_one_leg_waits_for_the_other_pod_unless_told_otherwise(folder: Path) -> None:
    with Store.open(folder) as store:
        store.put_placement(Placement(pod_id="c3", side=Side.RIGHT))
        store.settle_records("elsewhere", [r.key for r in store.waiting_records() if r.pod_id == RIGHT_POD])
    done = pods_import(folder, met=(LEFT_POD,))
    assert "waits for the other pod" in done.out
    assert "0 sessions made" in done.out
    (made,) = json.loads(pods_import(folder, "--one-leg", "--json", met=(LEFT_POD,)).out)["sessions"]
    assert made["strides"] == {"left": 427}


def test_a_date_for_several_runs_is_refused(folder: Path) -> None:
    with Store.open(folder) as store:
        put(store, Side.LEFT, strikes(Side.LEFT, from_s=5000.0), boot=8)
    line = pods_import(folder, "--right", RIGHT_POD, "--date", "2026-05-01 18:30").error_line(Exit.INPUT)
    assert "--date is for one run without a date, and 2 wait" in line
    line = pods_import(folder, "--date", "yesterday").error_line(Exit.INPUT)
    assert "'yesterday' is no date" in line


def test_a_gateway_that_runs_has_the_pods(folder: Path) -> None:
    with Store.open(folder):
        line = evenstride("pods", "import", "--data", folder).error_line(Exit.STORE)
    assert "it holds the pods: stop the gateway, import, and start it again" in line


def test_nobody_heard_and_nothing_kept_is_said(tmp_path: Path) -> None:
    assert "no pod was heard" in pods_import(tmp_path, met=()).error_line(Exit.RADIO)
