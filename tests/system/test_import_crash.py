"""Kill -9 while a pod's log is imported, at any step: the next import has every stride once, in one session."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support.cli import evenstride

from evenstride_analysis.model import Side, Stride
from evenstride_gateway.cli.common import Exit
from evenstride_gateway.store import Placement, Store
from evenstride_gateway.virtual.world import POD_IDS

_DRIVER = Path(__file__).resolve().parents[1] / "support" / "import_driver.py"


@dataclass
class Importer:
    """The driver process (support/import_driver.py)."""

    process: "subprocess.Popen[str]"

    def order(self, folder: Path, **how: object) -> tuple[int, list[str]]:
        """Import into `folder`; its status, and the steps that it came to."""
        steps = folder.with_suffix(".steps")
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        order = {"folder": str(folder), "steps": str(steps), **how}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline()), steps.read_text().splitlines()


@dataclass(frozen=True)
class Found:
    """What the store holds in the end."""

    sessions: int
    strides: list[tuple[Side | None, Stride]]
    raw: dict[str, list[tuple[int, int]]]
    waiting: int
    folders: int
    incoming: list[str]


@pytest.fixture(scope="module")
def importer() -> Iterator[Importer]:
    with subprocess.Popen(
        [sys.executable, str(_DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Importer(process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def whole(importer: Importer, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Found]:
    """The steps of an import that nobody kills, and what it leaves."""
    folder = new(tmp_path_factory.mktemp("whole") / "data")
    status, steps = importer.order(folder)
    assert status == 0
    return steps, found_in(folder)


def new(folder: Path) -> Path:
    with Store.open(folder) as store:
        for side, pod_id in POD_IDS.items():
            store.put_placement(Placement(pod_id=pod_id, side=side))
    return folder


def found_in(folder: Path) -> Found:
    with Store.open(folder, readonly=True) as store:
        sessions = store.sessions()
        strides = [(s.side, s.stride) for session in sessions for s in store.strides(session.session_id)]
        raw: dict[str, list[tuple[int, int]]] = {}
        for session in sessions:
            assert session.stopped_at is not None
            assert session.dated
            for pod_id in store.raw_pods(session.session_id):
                frames = list(store.raw_frames(session.session_id, pod_id))
                raw[pod_id] = [(frame.first_index, frame.end_index) for frame in frames]
        waiting = len(store.waiting_records())
    return Found(
        sessions=len(sessions),
        strides=sorted(strides, key=lambda entry: (entry[1].pod_id, entry[1].strike_index)),
        raw={pod_id: [(min(r[0] for r in ranges), max(r[1] for r in ranges))] for pod_id, ranges in raw.items()},
        waiting=waiting,
        folders=len(list((folder / "raw").glob("*"))),
        incoming=sorted(path.name for path in (folder / "incoming").glob("*")),
    )


PLACES = 8


@pytest.mark.parametrize("place", range(PLACES))
def test_kill_9_in_mid_import_loses_no_stride_and_doubles_none(
    tmp_path: Path, importer: Importer, whole: tuple[list[str], Found], place: int
) -> None:
    steps, expected = whole
    assert expected.sessions == 1
    assert len(expected.strides) > 140
    assert expected.raw.keys() == set(POD_IDS.values())
    # In the first half of the places anywhere; in the other half where the session is made.
    forming = steps.index("before create_session")
    half = PLACES // 2
    low, high, n = (1, forming, place) if place < half else (forming + 1, len(steps), place - half)
    kill_at = round(float(np.linspace(low, high, half)[n]))
    folder = new(tmp_path / "data")
    status, done = importer.order(folder, kill_at=kill_at)
    assert (status, done) == (-9, steps[:kill_at])
    assert importer.order(folder)[0] == 0
    assert found_in(folder) == expected


@pytest.mark.parametrize(("pages", "forming"), [(2, False), (14, True)])
def test_a_full_disk_ends_the_import_and_the_next_one_goes_on(
    tmp_path: Path, importer: Importer, whole: tuple[list[str], Found], pages: int, forming: bool
) -> None:
    folder = new(tmp_path / "data")
    status, done = importer.order(folder, pages=pages)
    assert (status, "after create_session" in done, "after COMMIT" in done) == (Exit.STORE, forming, False)
    assert importer.order(folder)[0] == 0
    assert found_in(folder) == whole[1]


def test_a_leg_waits_for_the_pod_that_the_command_line_names(
    tmp_path: Path, importer: Importer, whole: tuple[list[str], Found]
) -> None:
    """Nobody has assigned the pods: that there is a right one is known from the words alone."""
    folder = tmp_path / "data"
    words = ["--left", POD_IDS[Side.LEFT], "--right", POD_IDS[Side.RIGHT]]
    assert importer.order(folder, words=words, near="left")[0] == 0
    first = found_in(folder)
    assert first.sessions == 0
    assert first.waiting > 70
    assert importer.order(folder, words=words)[0] == 0
    assert found_in(folder) == whole[1]
    line = evenstride("pods", "import", "--left", "a1", "--right", "a1", "--data", folder).error_line(Exit.INPUT)
    assert "pod a1 cannot sit on both legs" in line
