"""Which stored sessions are a runner's normal, which are refused and why, and how a change is shown."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.cli import evenstride
from support.seasons import add_session

from evenstride_analysis.baseline import ChangeVerdict
from evenstride_analysis.context import Ground, reading
from evenstride_analysis.context.turning import Turning, find_turns
from evenstride_analysis.model import Side, Step
from evenstride_analysis.symmetry import system_of
from evenstride_gateway import closing, legs
from evenstride_gateway.baselines import standing
from evenstride_gateway.cli.common import Exit
from evenstride_gateway.closing import regrid
from evenstride_gateway.config import SymmetryConfig
from evenstride_gateway.errors import StoreTroubleError
from evenstride_gateway.normals import collect_with_normals
from evenstride_gateway.report.normal import normal
from evenstride_gateway.reporting import report_data
from evenstride_gateway.runs import keep_run, kept_run
from evenstride_gateway.store import Person, Store

SYSTEM = system_of()
INDICES = (0.010, 0.016, 0.004, 0.012, 0.020, 0.008)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as opened:
        opened.put_person(Person(runner_id="anna", name="Anna"))
        for day, index in enumerate(INDICES):
            add_session(opened, day, index=index)
        yield opened


def test_six_alike_runs_make_a_band_and_tell_a_change(store: Store) -> None:
    same = standing(store, add_session(store, 7, index=0.014), SYSTEM)
    assert same.changes[0].verdict is ChangeVerdict.NOT_CHANGED
    assert [name for name, _ in same.changes[0].past] == [f"d{day:02d}" for day in range(6)]
    other = standing(store, add_session(store, 8, index=0.08), SYSTEM)
    assert other.changes[0].verdict is ChangeVerdict.CHANGED
    assert other.changes[0].band is not None
    assert other.changes[0].band.runs == 7


def test_what_does_not_count_says_why(store: Store) -> None:
    add_session(store, 10, method="rules-0")
    add_session(store, 11, settings={"pace": "hard"})
    add_session(store, 12, end=False)
    new = add_session(store, 20)
    add_session(store, 21)  # later than the one that is judged
    refused = standing(store, new, SYSTEM).changes[0].refused
    assert "`evenstride sessions rerun d10`" in refused["d10"]
    assert "pace" in refused["d11"]
    assert refused["d12"] == "it is not ended"
    assert "d21" not in refused


def test_one_wearing_of_the_pods_counts_once(store: Store) -> None:
    add_session(store, 9, name="warm-up", strides=30)
    add_session(store, 9, name="main", after=timedelta(minutes=10))
    add_session(store, 9, name="evening", after=timedelta(hours=9), pods={Side.LEFT: "cc", Side.RIGHT: "dd"})
    before = add_session(store, 20, name="before", strides=60)
    new = add_session(store, 20, name="new", after=timedelta(minutes=20))
    change = standing(store, new, SYSTEM).changes[0]
    assert "main, which counts" in change.refused["warm-up"]
    assert "new, which counts" in change.refused[before]
    assert "main" in dict(change.past)
    assert "other pods" in change.refused["evening"]


def test_without_a_pace_nothing_compares_unless_the_user_says_so(store: Store) -> None:
    new = add_session(store, 20, settings={})
    assert standing(store, new, SYSTEM).changes[0].verdict is ChangeVerdict.NOT_COMPARABLE
    assert standing(store, new, SYSTEM, alike=True).changes[0].verdict is ChangeVerdict.NOT_CHANGED


def test_kept_values_are_those_of_the_strides_and_fall_with_any_change(store: Store) -> None:
    new = add_session(store, 20, index=0.05)
    before = standing(store, new, SYSTEM)
    for session in store.sessions():
        keep_run(store, session.session_id, SYSTEM)
    assert store.run_values("d00") is not None
    assert standing(store, new, SYSTEM) == before
    assert kept_run(store, store.session("d00")) is not None
    store.put_settings("d00", {"shoes": "Blue"})  # said anew at any time, not kept
    assert kept_run(store, store.session("d00")) is not None
    for change in (
        lambda: store.put_settings("d00", {"treadmill_mps": "3"}),
        lambda: store.put_clock("d01", replace(store.clocks("d01")[0], skew_ppm=3.0, version=2)),
        lambda: store.apply_strides("d02", [replace(store.strides("d02")[3].stride, swing_peak_radps=1.0)]),
    ):
        change()
    assert [kept_run(store, store.session(name)) for name in ("d00", "d01", "d02")] == [None] * 3
    add_session(store, 30, name="open", end=False)
    keep_run(store, "open", SYSTEM)
    assert store.run_values("open") is None


def test_the_command_shows_counted_and_refused_sessions(store: Store) -> None:
    data = store.folder
    add_session(store, 10, method="rules-0")
    add_session(store, 20, index=0.08)
    store.close()
    shown = evenstride("baseline", "anna", "--data", data)
    assert shown.code == 0, shown.err
    assert "changed" in shown.out
    assert "d05 (2026-05-06) counts: " in shown.out
    assert "d10 (2026-05-11) does not count: another method" in shown.out
    said = json.loads(evenstride("baseline", "Anna", "--session", "d20", "--data", data, "--json").out)
    primary = said["changes"][0]
    assert (primary["measure"], primary["verdict"], primary["band"]["runs"]) == ("stance_symmetry", "changed", 6)
    assert primary["band"]["low"] < primary["band"]["centre"] < primary["band"]["high"]
    assert [s["session"] for s in said["sessions"] if not s["counts"]] == ["d10"]


def test_an_unknown_runner_and_a_first_session_are_told(store: Store) -> None:
    data = store.folder
    store.close()
    assert "those known are Anna" in evenstride("baseline", "bob", "--data", data).error_line(Exit.STORE)
    first = evenstride("baseline", "anna", "--session", "d00", "--data", data)
    assert "first of the baseline" in first.out
    assert "no earlier run" in first.out


def test_shoes_pace_and_mass_are_entered_and_taken_away(store: Store) -> None:
    data = store.folder
    store.close()
    assert (
        evenstride("sessions", "shoes", "d00", " Blue  ones ", "--data", data).out == "session d00: shoes Blue ones\n"
    )
    assert json.loads(evenstride("sessions", "pace", "d00", "", "--data", data, "--json").out) == {
        "session": "d00",
        "pace": None,
    }
    assert evenstride("runners", "mass", "Anna", "61.5", "--error", "0.5", "--data", data).code == 0
    with Store.open(data, readonly=True) as again:
        assert again.session("d00").settings == {"shoes": "Blue ones"}
        mass = again.mass("anna")
        assert mass is not None
        assert (mass.mass_kg, mass.mass_sd_kg) == (61.5, 0.5)
    listed = json.loads(evenstride("runners", "list", "--data", data, "--json").out)
    assert listed == [{"runner": "anna", "name": "Anna", "sessions": 6, "mass_kg": 61.5, "mass_sd_kg": 0.5}]
    assert "61.5 ± 0.5 kg" in evenstride("runners", "list", "--data", data).out
    assert "at most 60" in evenstride("sessions", "shoes", "d00", "x" * 61, "--data", data).error_line(Exit.INPUT)


def test_the_picture_tells_apart_by_shape_and_says_the_verdict(store: Store) -> None:
    found = normal(standing(store, add_session(store, 8, index=0.08), SYSTEM).changes)
    assert found is not None
    assert found.sentence.startswith("Changed.")
    assert found.strip.count("<circle") == 6
    assert found.strip.count("<path") == 1
    assert 'aria-label="Earlier runs, own band and this run: changed"' in found.strip
    assert {row.name for row in found.rows} >= {"stance left", "impact right", "cadence"}
    first = normal(standing(store, "d00", SYSTEM).changes)
    assert first is not None
    assert (first.strip, first.rows) == ("", ())
    assert "no earlier run" in first.sentence


def test_after_an_outage_every_runner_is_judged_a_few_at_a_time(tmp_path: Path) -> None:
    """A database that was away meets a whole squad's sessions in one look at the feed."""
    collecting = collect_with_normals(SYSTEM)
    with Store.open(tmp_path) as store:
        for day, runner in enumerate("abcde"):
            regrid(store, add_session(store, day, runner_id=runner), SYSTEM)
        judged: list[set[str]] = []
        after = 0
        while (step := collecting(store, after, 100_000)).upto != after:
            after = step.upto
            judged.append({point.tags[1] for point in step.points if point.measurement == "baseline"})
    assert set("abcde") == set().union(*judged)
    assert max(len(runners) for runners in judged) == 2
    assert len(judged) == 3


def test_a_report_looks_for_bends_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def find(steps: Sequence[Step]) -> Turning:
        looked.append(len(steps))
        return find_turns(steps)

    monkeypatch.setattr(reading, "find_turns", find)
    report_data(store, add_session(store, 7, strides=60), SymmetryConfig(), version="test")
    assert looked.count(120) == 1  # others are looked at for the runner's normal


def test_a_correction_that_cannot_be_finished_changes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of it stored, the next try would swap the legs back."""
    before, upto = store.assignments("d05"), store.last_change()

    def full(*_: object) -> None:
        raise StoreTroubleError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(legs, "regrid", full)
        with pytest.raises(StoreTroubleError):
            legs.correct(store, "d05", legs.swapped(store, "d05"), SYSTEM)
    assert store.assignments("d05") == before
    assert store.last_change() == upto
    with monkeypatch.context() as patch:
        patch.setattr(closing, "regrid", full)
        with pytest.raises(StoreTroubleError):
            closing.put_ground(store, "d05", Ground(track_m=400.0), SYSTEM)
    assert store.last_change() == upto
    legs.correct(store, "d05", legs.swapped(store, "d05"), SYSTEM)
    assert {a.pod_id: a.side.other for a in store.assignments("d05")} == {a.pod_id: a.side for a in before}
