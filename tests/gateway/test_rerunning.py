"""A stored session runs again: another method's strides become the present one's, and keep who they are."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.cli import evenstride
from support.store_data import BOOT, LEFT_POD, RIGHT_POD, START, assignment, begin, pod, stride

from evenstride_analysis.model import ClockFit, Frame, Session, Side, Stride
from evenstride_analysis.simulate import Part, RunnerPlan, VirtualRunner, quantise
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE
from evenstride_analysis.symmetry import system_of
from evenstride_gateway.cli.common import Exit
from evenstride_gateway.rerunning import run_session_again
from evenstride_gateway.results import stored_strides
from evenstride_gateway.store import ChangeKind, Store, StoredStride

PODS = {Side.LEFT: LEFT_POD, Side.RIGHT: RIGHT_POD}
SECONDS = 14.0


def record(store: Store, *, clocks: bool = True) -> None:
    """Session s1: both pods' raw samples of a virtual runner, and the strides as another method would have left them:
    each a little off, one missing, one too many.
    """
    store.create_session(
        Session(session_id="s1", runner_id="anna", started_at=START),
        [assignment(pod_id, side) for side, pod_id in PODS.items()],
    )
    runner = VirtualRunner(RunnerPlan(parts=(Part(duration_s=SECONDS),)))
    n = round(SECONDS * 416)
    for side, pod_id in PODS.items():
        info = pod(pod_id)
        counts = quantise(*runner.signals(side, 0, n), info.scales)
        if clocks:
            fit = ClockFit(pod_id=pod_id, boot_id=BOOT, offset_s=5.0, skew_ppm=0.0, bound_s=0.001, version=1)
            store.put_clock("s1", fit)
        with store.raw_writer("s1", info) as raw:
            for seq, first in enumerate(range(0, n - 16, 16)):
                tick = round(first / 416 * 32768)
                raw.append(
                    Frame(
                        pod_id=pod_id,
                        boot_id=BOOT,
                        seq=seq,
                        first_index=first,
                        tick=tick,
                        counts=counts[first : first + 16],
                    )
                )
    strides = [replace(s, method="rules-0", toe_off_s=s.toe_off_s + 0.01) for s in stored_strides(store, "s1")]
    phantom = stride(2, 60, pod_id=LEFT_POD, method="rules-0")
    store.apply_strides("s1", [*strides[1:], phantom], published_t_s=lambda s: s.strike_s + 5.0)
    store.end_session("s1", START)


@pytest.mark.parametrize("clocks", [True, False])
def test_strides_are_updated_in_place_and_the_rest_comes_and_goes(tmp_path: Path, clocks: bool) -> None:
    with Store.open(tmp_path / "data") as store:
        record(store, clocks=clocks)
        before = {s.stride_id: s for s in store.strides("s1")}
        last = store.last_change()
        again = run_session_again(store, "s1", system_of())
        after = {s.stride_id: s for s in store.strides("s1")}
        new = stored_strides(store, "s1")
        assert sorted(_strides(after), key=_order) == sorted(new, key=_order)
        assert (again.before, len(again.after), again.notices) == (("rules-0",), 1, ())
        said = store.session("s1").settings["estimator_error_percent"]
        assert float(said) == pytest.approx(
            100 * DEFAULT_TABLE.si_error_sd, abs=1e-4
        )  # of these strides' method, not of any
        assert again.strides == len(new)
        kept = before.keys() & after.keys()
        assert len(kept) == len(before) - 1  # all but the phantom
        assert all(after[key].published_t_s == before[key].published_t_s for key in kept)
        changed = [change for change in store.changes(last) if change.entity == "stride"]
        kinds = [change.kind for change in changed]
        assert kinds.count(ChangeKind.RETIRE) == kinds.count(ChangeKind.INSERT) == 1
        assert again.changes == len({change.entity_id for change in changed})  # some are placed anew after that
        first = next(s for key, s in after.items() if key not in before)
        assert first.published_t_s == pytest.approx(first.stride.strike_s + 5.0)
        assert run_session_again(store, "s1", system_of()).changes == 0


def test_a_session_that_cannot_run_again_says_why(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Store.open(data) as store:
        begin(store, "open")
        begin(store, "bare")
        store.end_session("bare", START)
    assert "is not ended" in evenstride("sessions", "rerun", "open", "--data", data).error_line(Exit.STORE)
    assert "no raw samples" in evenstride("sessions", "rerun", "bare", "--data", data).error_line(Exit.STORE)
    assert "'none'" in evenstride("sessions", "rerun", "none", "--data", data).error_line(Exit.STORE)


def test_a_pod_without_raw_keeps_its_strides_and_is_named(tmp_path: Path) -> None:
    with Store.open(tmp_path / "data") as store:
        record(store)
        store.raw_path("s1", RIGHT_POD).unlink()
        again = run_session_again(store, "s1", system_of())
        assert RIGHT_POD in again.notices[0]
        assert "rules-0" in again.after
        assert len(again.after) == 2


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Store.open(data) as store:
        record(store)
    shown = evenstride("sessions", "rerun", "s1", "--data", data)
    assert (shown.code, "(was rules-0)" in shown.out) == (0, True)
    said = json.loads(evenstride("sessions", "rerun", "s1", "--data", data, "--json").out)
    assert [(one["session"], one["changes"], one["notices"]) for one in said] == [("s1", 0, [])]


def _strides(stored: dict[int, StoredStride]) -> list[Stride]:
    return [s.stride for s in stored.values()]


def _order(stride: Stride) -> tuple[str, int]:
    return stride.pod_id, stride.strike_index
