"""Many recordings or stored sessions at once, on any executor: one failing does not stop the others."""

import gc
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from evenstride_analysis.model import Side, Stride
from evenstride_gateway.errors import EvenstrideError, InputError
from evenstride_gateway.results import known_from_records_only, session_steps, sides_of, stored_strides
from evenstride_gateway.store import Store
from evenstride_gateway.tables.analyse import analyse_recording, stride_row
from evenstride_gateway.tables.reading import read_recording
from evenstride_gateway.tables.strides import StrideRow, write_stride_table

Progress = Callable[[int, int], None]
"""Called with (inputs done, inputs in all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One recording table, or one session of the store in `folder`; where its stride table goes (None = nowhere)."""

    name: str
    recording: Path | None = None
    folder: Path | None = None
    rotations: Mapping[Side, tuple[float, ...]] | None = None
    table: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a job: strides by side, how many of them are doubted; or `error`, in one sentence."""

    name: str
    strides: dict[str, int]
    doubted: int = 0
    notices: tuple[str, ...] = ()
    error: str | None = None


def recording_jobs(
    paths: Sequence[Path], *, rotations: Mapping[Side, tuple[float, ...]] | None = None, tables: Path | None = None
) -> list[Job]:
    """A job for each file; tables are named after the files. Raises InputError when two of them would be one."""
    jobs = [
        Job(
            name=str(path),
            recording=path,
            rotations=rotations,
            table=None if tables is None else tables / f"{path.stem}.csv",
        )
        for path in paths
    ]
    written: dict[Path, str] = {}
    for job in jobs:
        if job.table is not None and written.setdefault(job.table, job.name) != job.name:
            raise InputError(f"{written[job.table]} and {job.name} would both be written to {job.table}: rename one")
    return jobs


def session_jobs(folder: Path, session_ids: Sequence[str] | None, *, tables: Path | None = None) -> list[Job]:
    """A job for each of these sessions of the store, None = for all of them. Raises StoreError."""
    if session_ids is None:
        with Store.open(folder, readonly=True) as store:
            session_ids = [session.session_id for session in reversed(store.sessions())]
    return [
        Job(name=name, folder=folder, table=None if tables is None else tables / f"{name}.csv") for name in session_ids
    ]


def analyse_many(jobs: Sequence[Job], executor: Executor, *, progress: Progress | None = None) -> list[Outcome]:
    """The outcomes in the order of `jobs`. `executor` is any `concurrent.futures.Executor`: a pool of processes, or a
    dask cluster through `Client.get_executor()`, whose workers must see the same files.
    """
    futures = {executor.submit(analyse_one, job): k for k, job in enumerate(jobs)}
    outcomes: dict[int, Outcome] = {}
    for future in as_completed(futures):
        k = futures[future]
        outcomes[k] = _outcome(jobs[k], future)
        if progress is not None:
            progress(len(outcomes), len(jobs))
    return [outcomes[k] for k in range(len(jobs))]


def _outcome(job: Job, future: Future[Outcome]) -> Outcome:
    error = future.exception()
    if error is not None:  # a worker that died, a bug: the others' results are worth having all the same
        return Outcome(name=job.name, strides={}, error=f"{job.name}: {type(error).__name__}: {error}")
    return future.result()


def analyse_one(job: Job) -> Outcome:
    """Find the strides of one job and write its table. An error that a user can mend is part of the outcome."""
    try:
        if job.recording is not None:
            read = read_recording(job.recording)
            rows, notices = analyse_recording(read, rotations=job.rotations), tuple(read.notices)
        elif job.folder is not None:
            rows, notices = session_rows(job.folder, job.name), ()
        else:
            raise InputError(f"{job.name}: neither a recording nor a session")
        if job.table is not None:
            write_stride_table(rows, str(job.table))
    except EvenstrideError as error:
        named = str(error) if job.name in str(error) else f"{job.name}: {error}"
        return Outcome(name=job.name, strides={}, error=named)
    strides = {side.value: sum(row.side is side for row in rows) for side in Side}
    return Outcome(name=job.name, strides=strides, doubted=sum(bool(row.doubt) for row in rows), notices=notices)


def session_rows(folder: Path, session_id: str) -> list[StrideRow]:
    """Strides of the raw log in pod time; gait and alternation as both legs say in session time.

    Where raw samples do not hold all strides that pods found themselves, the strides as they are stored.
    """
    with Store.open(folder, readonly=True) as store:
        store.session(session_id)
        sides = sides_of(store, session_id)
        steps = session_steps(store, session_id)
        both = len({step.side for step in steps}) == 2
        seen = {_key(step.stride): stride_row(step, both_legs=both) for step in steps}
        alone = known_from_records_only(store, session_id)
        kept = [stored.stride for stored in store.strides(session_id)] if alone else stored_strides(store, session_id)
        return [
            row
            if (row := seen.get(_key(stride))) is not None and row.stride == stride
            else StrideRow(sides[stride.pod_id], stride, stride.gait, stride.doubt)
            for stride in kept
        ]


def _key(stride: Stride) -> tuple[str, int, int]:
    return (stride.pod_id, stride.boot_id, stride.strike_index)


@contextmanager
def process_pool(jobs: int | None, inputs: int) -> Generator[Executor]:
    """`jobs` processes (None = one for each core), no more than there are inputs. Raises InputError below 1."""
    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs {jobs}: 1 or more")
    processes = min(jobs or os.cpu_count() or 1, max(1, inputs))
    # spawned, not forked: a fork would copy the locks that threads of this process (the progress bar) may hold;
    # frozen: what is imported lives as long as the process, and is not to be searched for garbage again and again
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=gc.freeze) as pool:
        yield pool
