"""Kill -9 at any moment: at most a second of raw is lost and no committed stride; the next start says what was cut."""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from evenstride_analysis.model import Stride
from evenstride_gateway.config import Config
from evenstride_gateway.hosting import open_store
from evenstride_gateway.ledger import IndexSet
from evenstride_gateway.results import AFTER_S, session_summary, stored_strides, system_error
from evenstride_gateway.store import Store
from evenstride_gateway.store.rawblock import MAGIC
from evenstride_gateway.virtual.pod_signal import NOMINAL_RATE_HZ

KILLS = 20
Boot = tuple[str, int]  # pod, boot
PLAYED_S = 26.0  # of the session, at most, before the kill may come; then a moment that no clock of the session knows
LATEST_S = 0.1
LOST_AT_MOST_S = 1.0
_DRIVER = Path(__file__).resolve().parents[1] / "support" / "crash_driver.py"


@dataclass
class Killer:
    """The driver process (support/crash_driver.py)."""

    process: "subprocess.Popen[str]"

    def order(self, folder: Path, **order: Any) -> "Facts":
        """Run a session on `folder` until it ends or is killed; what was true by then."""
        facts = folder.with_suffix(".facts")
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"folder": str(folder), "facts": str(facts), **order}) + "\n")
        self.process.stdin.flush()
        return Facts.read(facts, int(self.process.stdout.readline()))


@dataclass
class Facts:
    status: int
    session_id: str = ""
    arrived: list[tuple[float, Boot, int, int]] = field(default_factory=list[tuple[float, Boot, int, int]])
    stored: set[int] = field(default_factory=set[int])
    ended: bool = False

    @classmethod
    def read(cls, path: Path, status: int) -> "Facts":
        facts = cls(status)
        for line in path.read_text().splitlines():
            match line.split():
                case ["begin", session_id]:
                    facts.session_id = session_id
                case ["arrived", pod_id, boot_id, first, end, t_s] if facts.session_id:
                    facts.arrived.append((float(t_s), (pod_id, int(boot_id)), int(first), int(end)))
                case ["stored", *ids]:
                    facts.stored |= {int(stride_id) for stride_id in ids}
                case ["end"]:
                    facts.ended = True
                case _:
                    pass
        return facts


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    with subprocess.Popen(
        [sys.executable, str(_DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Killer(process)
        assert process.stdin is not None
        process.stdin.close()


def next_start(folder: Path) -> list[str]:
    """What the next start of the gateway says."""
    said: list[str] = []

    async def scenario() -> None:
        async with open_store(folder, Config(), said.append):
            pass

    asyncio.run(scenario())
    return said


def in_order(strides: list[Stride]) -> list[Stride]:
    return sorted(strides, key=lambda stride: (stride.pod_id, stride.boot_id, stride.strike_index))


@pytest.mark.parametrize("number", range(KILLS))
def test_kill_9_costs_at_most_a_second_of_raw_and_no_committed_stride(
    tmp_path: Path, killer: Killer, number: int
) -> None:
    rng = random.Random(number)
    away = number % 2 == 1
    folder = tmp_path / "data"
    facts = killer.order(
        folder, seconds=600, away=away, play_first_s=rng.uniform(0.0, PLAYED_S), kill_after_s=rng.uniform(0.0, LATEST_S)
    )
    assert (facts.status, facts.ended) == (-9, False)
    torn = number % 4 == 3
    if torn:  # a kill seldom tears a write; a power cut does
        for log in (folder / "raw" / facts.session_id).glob("*.esr"):
            with log.open("ab") as file:
                file.write(MAGIC + bytes(rng.randrange(1, 60)))
    said = next_start(folder)
    assert sum("were incomplete and were cut off" in sentence for sentence in said) == (2 if torn else 0)
    assert f"session {facts.session_id} was cut off" in said[-1]
    assert next_start(folder) == []
    with Store.open(folder, readonly=True) as store:
        assert store.session(facts.session_id).stopped_at is not None
        assert facts.stored <= {s.stride_id for s in store.strides(facts.session_id, include_retired=True)}
        held: dict[Boot, IndexSet] = {}
        for pod_id in store.raw_pods(facts.session_id):
            for piece in store.raw_frames(facts.session_id, pod_id):
                held.setdefault((pod_id, piece.boot_id), IndexSet()).add(piece.first_index, piece.end_index)
        killed_s = max((t_s for t_s, *_ in facts.arrived), default=0.0)
        for t_s, boot, first, end in facts.arrived:
            if t_s <= killed_s - LOST_AT_MOST_S:
                assert held[boot].absent(first, end) == [], f"lost although it came {killed_s - t_s:.3f} s before"
        if not away:
            assert store.gaps(facts.session_id) == []
            assert facts.stored <= {s.stride_id for s in store.strides(facts.session_id)}
        _the_raw_tells_the_same(store, facts.session_id, {boot: samples.end for boot, samples in held.items()})
        session_summary(store, facts.session_id, system_error(Config().symmetry))


def _the_raw_tells_the_same(store: Store, session_id: str, ends: dict[Boot, int]) -> None:
    """Bit-equal up to where committed strides may be newer than the raw on the disk; nothing found is missing."""

    def settled(stride: Stride) -> bool:
        return stride.strike_index < ends[stride.pod_id, stride.boot_id] - round(AFTER_S * NOMINAL_RATE_HZ)

    again = in_order(stored_strides(store, session_id))
    final = in_order([stored.stride for stored in store.strides(session_id)])
    assert [s for s in final if settled(s)] == [s for s in again if settled(s)]
    assert len(again) <= len(final)


def test_a_killed_session_and_the_one_after_it_live_on_the_same_data(tmp_path: Path, killer: Killer) -> None:
    folder = tmp_path / "data"
    first = killer.order(folder, seconds=600, play_first_s=15.0, kill_after_s=0.05)
    second = killer.order(folder, seconds=15)
    assert (first.status, second.status, second.ended) == (-9, 0, True)
    assert next_start(folder) == []
    with Store.open(folder, readonly=True) as store:
        assert {s.session_id for s in store.sessions() if s.stopped_at is not None} == {
            first.session_id,
            second.session_id,
        }
        assert {fit.pod_id for fit in store.clocks(first.session_id)} == set(store.raw_pods(first.session_id))
        for facts in (first, second):
            live = in_order([stored.stride for stored in store.strides(facts.session_id)])
            assert len(live) > 10
        assert in_order([s.stride for s in store.strides(second.session_id)]) == in_order(
            stored_strides(store, second.session_id)
        )


def test_a_log_whose_beginning_is_damaged_or_empty_never_blocks_the_next_start(tmp_path: Path, killer: Killer) -> None:
    folder = tmp_path / "data"
    facts = killer.order(folder, seconds=600, play_first_s=10.0, kill_after_s=0.05)
    left, right = sorted((folder / "raw" / facts.session_id).glob("*.esr"))
    left.write_bytes(bytes(20) + left.read_bytes()[20:])
    right.write_bytes(b"")
    said = next_start(folder)
    assert len(said) == 1
    assert said[0].count("its beginning is damaged") == 2
    with Store.open(folder, readonly=True) as store:
        assert facts.stored <= {s.stride_id for s in store.strides(facts.session_id)}
        assert store.session(facts.session_id).stopped_at is not None
