"""`calibrate`, `swap-test` and `analyze --calibrate` as a user calls them."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from support.cli import evenstride
from support.whole_gateway import gateway_run, play, runner_signals

from evenstride_analysis.model import Side
from evenstride_analysis.simulate import VirtualRunner, uneven, worn
from evenstride_gateway.cli.common import Exit
from evenstride_gateway.results import stored_strides
from evenstride_gateway.store import CalibrationKind, Store
from evenstride_gateway.tables.recording import COLUMNS

RATE_HZ = 416.0


def table(path: Path, runner: VirtualRunner, seconds: float) -> Path:
    """A recording table of the pods as they are worn."""
    n = round(seconds * RATE_HZ)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for side in Side:
            accel, gyro = runner.signals(side, 0, n)
            rows = np.hstack([np.arange(n)[:, None] / RATE_HZ, accel, gyro]).round(6).tolist()
            writer.writerows([side.value, *row] for row in rows)
    return path


def events(path: Path, truth: Mapping[Side, list[tuple[float, float]]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["side", "strike_s", "toe_off_s"])
        for side, stances in truth.items():
            writer.writerows([side.value, *stance] for stance in stances)
    return path


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A stored session of 45 s, uneven by 12 %."""
    folder = tmp_path_factory.mktemp("data")
    found: list[str] = []

    async def scenario() -> None:
        async with gateway_run(folder, signals=runner_signals()) as run:
            await run.until(lambda: all(run.streams(pod) for pod in run.world.pods.values()))
            await run.start()
            await run.play(45)
            found.append((await run.stop()).session_id)

    play(scenario())
    return folder, found[0]


def test_a_recording_of_pods_in_any_mounting(tmp_path: Path) -> None:
    scenario = worn(upside_down=(Side.RIGHT,), duration_s=20.0)
    path = table(tmp_path / "run.csv", VirtualRunner(scenario.plan, scenario.sensor, 1), 25.0)
    lost = evenstride("analyze", path, "--json")
    found = evenstride("analyze", path, "--calibrate", "--json")
    assert found.code == 0, found
    assert "right leg: axes found, sure to about" in found.err
    assert "5 s of standing" in found.err
    rows = json.loads(found.out)
    for side in Side:
        assert sum(row["side"] == side.value and row["gait"] == "run" for row in rows) >= 20
    assert sum(row["side"] == "right" and not row["doubt"] for row in json.loads(lost.out)) < 10
    assert "one recording" in evenstride("analyze", "--session", "x", "--calibrate").error_line(Exit.INPUT)


def test_a_reference_becomes_an_offset_that_later_sessions_name(session: tuple[Path, str], tmp_path: Path) -> None:
    folder, session_id = session
    with Store.open(folder, readonly=True) as store:
        clocks = {fit.pod_id: fit for fit in store.clocks(session_id)}
        sides = {a.pod_id: a.side for a in store.assignments(session_id)}
        truth: dict[Side, list[tuple[float, float]]] = {}
        for stride in stored_strides(store, session_id):
            t_s = clocks[stride.pod_id].session_s(stride.strike_s)
            truth.setdefault(sides[stride.pod_id], []).append((t_s - 0.004, t_s + stride.stance_s - 0.012))
    reference = events(tmp_path / "force.csv", truth)
    told = evenstride("calibrate", reference, "--session", session_id, "--shared-clock", "--data", folder)
    assert told.code == 0, told
    assert "stance   +8.0 ms" in told.out
    assert "contact  +4.0 ms" in told.out
    assert "kept as virtual-pod.1; sessions from now on: learned-1+hw:virtual-pod.1" in told.out
    before = evenstride("analyze", "--session", session_id, "--json", "--data", folder)
    again = evenstride("sessions", "rerun", session_id, "--data", folder)
    assert again.code == 0, again
    after = evenstride("analyze", "--session", session_id, "--json", "--data", folder)
    old, new = (json.loads(result.out) for result in (before, after))
    assert {row["method"] for row in new if row["gait"] == "run"} == {"learned-1+hw:virtual-pod.1"}
    assert np.mean([b["stance_ms"] - a["stance_ms"] for a, b in zip(old, new, strict=True)]) == pytest.approx(
        -8, abs=0.1
    )
    # a second reference on a clock of its own: another version, the stance alone
    moved = {side: [(a - 77.0, b - 77.0) for a, b in own] for side, own in truth.items()}
    second = evenstride(
        "calibrate", events(tmp_path / "light.csv", moved), "--session", session_id, "--data", folder, "--json"
    )
    assert second.code == 0, second
    said = json.loads(second.out)
    assert said["references"] == 1  # it does not pool with one on a common clock
    assert (said["offset"]["version"], said["offset"]["ic_offset_s"]) == (2, 0.0)
    assert said["offset"]["tc_offset_s"] == pytest.approx(0.008, abs=1e-4)
    with Store.open(folder, readonly=True) as store:
        assert [c.version for c in store.calibrations(CalibrationKind.HARDWARE)] == [1, 2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("side,strike_s\nleft,1.0\n", "line 1: column toe_off_s is missing"),
        ("side,strike_s,toe_off_s\nmiddle,1,2\n", "line 2: side is 'middle'"),
        ("side,strike_s,toe_off_s\nleft,1,\n", "line 2: toe_off_s is ''"),
        ("side,strike_s,toe_off_s\n", "no rows"),
        ("side,strike_s,toe_off_s\nleft,1.0,0.5\n", "left leg: toe_off_s must follow"),
    ],
)
def test_a_wrong_reference_names_its_place(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(text)
    assert said in evenstride("calibrate", path, "--session", "s1", "--data", tmp_path).error_line(Exit.INPUT)


def test_what_is_missing_is_asked_for(tmp_path: Path) -> None:
    path = events(tmp_path / "r.csv", {Side.LEFT: [(1.0, 1.25)]})
    assert "either --session ID or --recording" in evenstride("calibrate", path).error_line(Exit.INPUT)
    assert "say which" in evenstride("calibrate").error_line(Exit.INPUT)
    assert "say both sessions" in evenstride("swap-test", "--first", "a").error_line(Exit.INPUT)


def test_a_recording_is_a_reference_session_too(tmp_path: Path) -> None:
    scenario = uneven(0.0, duration_s=30.0)
    runner = VirtualRunner(scenario.plan, scenario.sensor, 2)
    path = table(tmp_path / "run.csv", runner, 35.0)
    truth = {side: [(s.strike_s, s.toe_off_s) for s in runner.truth(side)] for side in Side}
    reference = events(tmp_path / "truth.csv", truth)
    told = evenstride(
        "calibrate", reference, "--recording", path, "--hardware", "Lab Rig 2", "--shared-clock", "--json",
        "--data", tmp_path / "data",
    )  # fmt: skip
    assert told.code == 0, told
    assert json.loads(told.out)["offset"]["name"] == "lab-rig-2"


def test_two_stored_sessions_as_a_swap_test(session: tuple[Path, str]) -> None:
    folder, session_id = session
    told = evenstride("swap-test", "--first", session_id, "--second", session_id, "--data", folder)
    assert told.code == 0, told
    assert "not measurable" in told.out
    assert "the pods were not swapped" in told.out
    refused = evenstride("swap-test", "--data", folder).error_line(Exit.STORE)
    assert "needs a running gateway" in refused
