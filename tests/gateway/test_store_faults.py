"""Whatever happens to the process or the disk: one clear error, and nothing that was stored is harmed."""

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.store_data import BOOT, LEFT_POD, begin, frame, pod, stride

from evenstride_gateway.errors import StoreBusyError, StoreError, StoreNewerError
from evenstride_gateway.store import Store, TailCut, schema
from evenstride_gateway.store.rawblock import MAGIC

_WRITER = Path(__file__).resolve().parents[1] / "support" / "store_writer.py"


@pytest.mark.parametrize("rounds", [1, 2, 5, 17])
def test_kill_9_costs_no_committed_stride_and_no_synced_frame(tmp_path: Path, rounds: int) -> None:
    with subprocess.Popen([sys.executable, str(_WRITER), str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(rounds)]
        os.kill(process.pid, signal.SIGKILL)
        said += process.stdout.readlines()
    complete = [line for line in said if line.endswith("\n")]
    strides, frames = (int(word) for word in complete[-1].split())
    log = tmp_path / "raw" / "s1" / f"{LEFT_POD}.esr"
    with log.open("ab") as file:  # a kill seldom tears a write; a power cut does
        file.write(MAGIC + bytes(50))
    cuts: list[TailCut] = []
    with Store.open(tmp_path, on_cut=cuts.append) as store:
        stored = [s.stride for s in store.strides("s1")]
        assert stored == [stride(n * 300, n * 300 + 300) for n in range(len(stored))]
        assert len(stored) >= strides
        indices = [p.first_index for p in store.raw_frames("s1", LEFT_POD)]
        assert indices == [17 * n for n in range(len(indices))]
        assert len(indices) >= frames
        assert [(c.session_id, c.pod_id) for c in cuts] == [("s1", LEFT_POD)]
        assert cuts[0].cut_bytes >= 54
        assert cuts[0].last_index == 17 * len(indices) - 1
        store.apply_strides("s1", [stride(10_000_000, 10_000_300)])
    again: list[TailCut] = []
    with Store.open(tmp_path, on_cut=again.append):
        assert again == []


def test_a_second_writer_is_told_who_is_there(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, str(_WRITER), str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            with pytest.raises(StoreBusyError, match=rf"PID {process.pid} .*--data DIR"):
                Store.open(tmp_path)
            with Store.open(tmp_path, readonly=True) as beside:  # reading is free
                assert beside.strides("s1")
                with pytest.raises(StoreError, match="reading only"):
                    beside.put_pod(pod())
        finally:
            process.kill()
    with Store.open(tmp_path) as store:
        assert store.session("s1")


def test_a_newer_store_is_left_alone(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
    database = sqlite3.connect(tmp_path / "evenstride.db", isolation_level=None)
    database.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 4}")
    database.close()
    before = (tmp_path / "evenstride.db").read_bytes()
    for readonly in (False, True):
        known = len(schema.MIGRATIONS)
        with pytest.raises(StoreNewerError, match=f"data format {known + 4}.*up to {known}"):
            Store.open(tmp_path, readonly=readonly)
    assert (tmp_path / "evenstride.db").read_bytes() == before


def test_an_older_store_is_brought_up_step_by_step_or_not_at_all() -> None:
    good = ("CREATE TABLE a (x INTEGER) STRICT", "INSERT INTO a VALUES (1)")
    better, bad = ("ALTER TABLE a ADD y INTEGER",), ("ALTER TABLE a ADD z INTEGER", "nonsense")
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute("CREATE TABLE meta (name, value)")
    schema.migrate(database, [good])
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(database, [good, better, bad])
    assert database.execute("PRAGMA user_version").fetchone() == (2,)
    assert database.execute("SELECT * FROM a").fetchall() == [(1, None)]
    schema.migrate(database, [good, better])  # nothing left to do
    database.close()


def test_a_failed_first_start_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", ((*schema.MIGRATIONS[0], "nonsense"),))
        with pytest.raises(StoreError, match="nonsense"):
            Store.open(tmp_path)
    with Store.open(tmp_path) as store:
        begin(store)


def test_what_is_not_a_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "evenstride.db").write_bytes(b"a shopping list, not a database" * 100)
    with pytest.raises(StoreError, match="cannot be read as an evenstride store"):
        Store.open(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    database = sqlite3.connect(other / "evenstride.db")
    database.executescript("CREATE TABLE t (x); PRAGMA user_version = 1;")
    database.close()
    with pytest.raises(StoreError, match="another program"):
        Store.open(other)
    with pytest.raises(StoreError, match="no evenstride data"):
        Store.open(tmp_path / "nowhere", readonly=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder whose files may not grow without end: a tmpfs of 400 kB when root, else skipped."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a small disk; the test with a file size limit covers the rest")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this container may not mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_harms_nothing(small_disk: Path) -> None:
    with Store.open(small_disk) as store:
        begin(store)
        store.apply_strides("s1", [stride(0, 300)])
        raw = store.raw_writer("s1", pod())
        for n in range(10):
            raw.append(frame(n * 17, seq=n))
        raw.sync()
        filler = small_disk / "filler"
        _fill(filler)
        for n in range(10, 5000):
            raw.append(frame(n * 17, seq=n))
        with pytest.raises(StoreError, match=r"No space left.*stored before is safe"):
            raw.sync()
        with pytest.raises(StoreError, match=r"full.*stored before is safe"):
            store.apply_strides("s1", [stride(n * 300, n * 300 + 300) for n in range(1, 2000)])
        assert [s.stride for s in store.strides("s1")] == [stride(0, 300)]
        assert len(list(store.raw_frames("s1", LEFT_POD))) == 10
        filler.unlink()  # room again: nothing that was held is lost
        raw.close()
        store.apply_strides("s1", [stride(300, 600)])
        assert len(list(store.raw_frames("s1", LEFT_POD))) == 5000
    with Store.open(small_disk, on_cut=lambda cut: pytest.fail(str(cut))) as store:
        assert len(store.strides("s1")) == 2


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return


def test_a_file_that_may_not_grow_ends_cleanly(tmp_path: Path) -> None:
    """As a full disk, for those who may not mount one: the write stops in the middle of a block."""
    with Store.open(tmp_path) as store:
        begin(store)
        raw = store.raw_writer("s1", pod())
        raw.append(frame(0))
        raw.sync()
        size = raw.path.stat().st_size
        for n in range(1, 200):
            raw.append(frame(n * 17, seq=n))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 64, hard))
        try:
            with pytest.raises(StoreError, match="File too large"):
                raw.sync()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, ignored)
        assert raw.path.stat().st_size == size
        raw.close()
        assert [p.boot_id for p in store.raw_frames("s1", LEFT_POD)] == [BOOT] * 200


def test_a_deletion_that_was_interrupted_is_finished(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
        store.raw_writer("s1", pod()).close()
        shutil.copytree(tmp_path / "raw" / "s1", tmp_path / "kept")
        store.delete_session("s1")
        shutil.copytree(tmp_path / "kept", tmp_path / "raw" / "s1")
        shutil.copytree(tmp_path / "kept", tmp_path / "raw" / "foreign")
    with Store.open(tmp_path):
        assert [path.name for path in (tmp_path / "raw").iterdir()] == ["foreign"]  # only what we deleted goes
