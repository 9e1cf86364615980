"""Many recordings and sessions at once: the same strides as one by one, on a pool and on a dask cluster."""

import json
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import hour
from distributed import Client, LocalCluster
from support.cli import evenstride

from evenstride_analysis.model import Session, Side
from evenstride_analysis.simulate import uneven
from evenstride_gateway.cli.common import Exit
from evenstride_gateway.errors import InputError
from evenstride_gateway.season import Job, Outcome, analyse_many, analyse_one, recording_jobs, session_jobs
from evenstride_gateway.store import Store
from evenstride_gateway.tables.importers import Imported, write_recording
from evenstride_gateway.tables.recording import LegSamples, Recording

RATE_HZ, SECONDS = 416.0, 14


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings, of which one is no recording at all."""
    made = tmp_path_factory.mktemp("season")
    for seed in (1, 2):
        runner = uneven(0.1, duration_s=SECONDS).runner(seed)
        legs: dict[Side, LegSamples] = {}
        for side in Side:
            accel, gyro = runner.signals(side, 0, round(RATE_HZ * SECONDS))
            legs[side] = LegSamples(t_s=np.arange(len(accel)) / RATE_HZ, accel_mps2=accel, gyro_radps=gyro)
        write_recording(Imported(recording=Recording(source="virtual", legs=legs), credit=""), made / f"run{seed}.csv")
    (made / "broken.csv").write_text("side,t_s\nleft,soon\n", "utf-8")
    return made


def test_many_files_give_what_each_gives_alone(folder: Path, tmp_path: Path) -> None:
    files = [folder / "run1.csv", folder / "broken.csv", folder / "run2.csv"]
    told = evenstride("analyze", *files, "--jobs", 2, "--out", tmp_path / "tables")
    assert told.code == Exit.SOME_FAILED
    assert "2 of 3 done" in told.out
    assert told.err.count("\n") == 1
    assert str(folder / "broken.csv") in told.err
    for name in ("run1", "run2"):
        assert evenstride("analyze", folder / f"{name}.csv", "--out", tmp_path / f"{name}.csv").code == 0
        assert (tmp_path / "tables" / f"{name}.csv").read_text() == (tmp_path / f"{name}.csv").read_text()
    assert not (tmp_path / "tables" / "broken.csv").exists()


def test_what_cannot_be_meant_is_refused(folder: Path, tmp_path: Path) -> None:
    run = folder / "run1.csv"
    assert "folder" in evenstride("analyze", run, run, "--out", tmp_path / "x.csv").error_line(Exit.INPUT)
    assert "--all-sessions" in evenstride("analyze", run, "--session", "a").error_line(Exit.INPUT)
    assert "1 or more" in evenstride("analyze", run, run, "--jobs", 0).error_line(Exit.INPUT)
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match="rename one"):
        recording_jobs([run, tmp_path / "other" / "run1.csv"], tables=tmp_path)


def test_all_sessions_of_the_store(tmp_path: Path) -> None:
    hour.fill(tmp_path, seconds=12, repeats=1)
    with Store.open(tmp_path) as store:
        session = Session(session_id="empty", runner_id="bench", started_at=datetime(2026, 5, 2, tzinfo=UTC))
        store.create_session(session, [])
    told = evenstride("analyze", "--all-sessions", "--jobs", 1, "--data", tmp_path, "--json")
    assert told.code == Exit.OK
    outcomes = {outcome["name"]: outcome for outcome in json.loads(told.out)}
    assert set(outcomes) == {hour.SESSION, "empty"}
    assert min(outcomes[hour.SESSION]["strides"].values()) >= 7
    one = evenstride("analyze", "--session", hour.SESSION, "--data", tmp_path, "--json")
    assert len(json.loads(one.out)) == sum(outcomes[hour.SESSION]["strides"].values())
    both = evenstride("analyze", "--session", hour.SESSION, "--session", "nobody", "--jobs", 1, "--data", tmp_path)
    assert both.code == Exit.SOME_FAILED
    assert "nobody" in both.err


def test_the_same_call_runs_on_a_dask_cluster(folder: Path, cluster: Executor) -> None:
    jobs = recording_jobs([folder / "run1.csv", folder / "broken.csv"])
    seen: list[tuple[int, int]] = []
    there = analyse_many(jobs, cluster, progress=lambda done, total: seen.append((done, total)))
    with ThreadPoolExecutor(1) as pool:
        here = analyse_many(jobs, pool)
    assert there == here == [analyse_one(job) for job in jobs]
    assert seen == [(1, 2), (2, 2)]
    assert min(here[0].strides.values()) >= 7
    assert here[1].error is not None


@pytest.fixture
def cluster() -> Iterator[Executor]:
    """A scheduler and a worker of dask in this process."""
    place: Any = LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0")
    with place, Client(place) as client, client.get_executor() as executor:
        yield executor


def test_a_worker_that_breaks_is_an_outcome(folder: Path) -> None:
    class Broken(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
            return super().submit(_fail)

    with Broken(1) as pool:
        (outcome,) = analyse_many([Job(name="one", recording=folder / "run1.csv")], pool)
    assert outcome.error is not None
    assert outcome.error.startswith("one: RuntimeError")
    assert session_jobs(folder, ["a"])[0].name == "a"


def _fail() -> Outcome:
    raise RuntimeError("out of luck")
