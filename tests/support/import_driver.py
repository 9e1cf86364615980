"""Runs `evenstride pods import` and kills it: `python import_driver.py` reads one JSON order a line and answers.

Each order forks a child in which two virtual pods have run a minute alone (always the same minute) and the real
command imports from them over the virtual radio, in virtual time, into a store on the real disk. It counts its steps:
every call that changes the store or a raw log is one before it, one after it and, in a transaction, one before its
COMMIT. `kill_at` (from 1) ends it there by SIGKILL. The answer is one line: its status. The names of its steps are in
the file that the order names. `pages`: the disk has room for so many more pages of the database;
`words`: more of the command line; `near`: the only leg whose pod is in range.
"""

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evenstride_analysis.model import Side
from evenstride_analysis.simulate import uneven
from evenstride_gateway import cli
from evenstride_gateway.air import Mode
from evenstride_gateway.cli import podlogs
from evenstride_gateway.importing import fetching
from evenstride_gateway.link.backend import LinkConfig
from evenstride_gateway.link.ble import BleSource
from evenstride_gateway.link.source import Source
from evenstride_gateway.store import Store, schema
from evenstride_gateway.store.rawlog import RawWriter
from evenstride_gateway.virtual.loop import run_virtual
from evenstride_gateway.virtual.pod_signal import NOMINAL_RATE_HZ, RecordingSource, SignalSource
from evenstride_gateway.virtual.quiet import quiet_bumble
from evenstride_gateway.virtual.world import virtual_world

RAN_S = 60.0
BEGAN_S = 1_777_653_000
_STILL_S = 10.0
_CALLS = (
    *("put_records", "put_anchors", "put_pod", "create_session", "put_clock", "apply_strides"),
    *("settle_records", "put_gaps", "end_session", "drop_incoming"),
)


def signals() -> dict[Side, SignalSource]:
    """A minute of the virtual runner, who then stands still; rendered once, before the first fork."""
    runner = uneven(0.12, duration_s=RAN_S + 5).runner(1)
    tables = {side: runner.signals(side, 0, round(RAN_S * NOMINAL_RATE_HZ)) for side in Side}
    return {side: RecordingSource(accel, gyro, NOMINAL_RATE_HZ) for side, (accel, gyro) in tables.items()}


class Steps:
    """What has been done, and where the process dies."""

    def __init__(self, path: Path, kill_at: int | None) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        self._kill_at, self._count = kill_at, 0

    def step(self, name: str) -> None:
        self._count += 1
        os.write(self._file, (name + "\n").encode())
        if self._count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, kind: type, name: str) -> Any:
        """The method with a step before and after it."""
        call: Callable[..., Any] = getattr(kind, name)

        def stepped(*args: Any, **options: Any) -> Any:
            self.step(f"before {name}")
            done = call(*args, **options)
            self.step(f"after {name}")
            return done

        return patch.object(kind, name, stepped)

    def in_atomically(self) -> Any:
        """`Store.atomically` with a step right before its COMMIT."""
        atomically = Store.atomically

        @contextmanager
        def stepped(store: Store) -> Generator[None]:
            with atomically(store):
                yield
                self.step("before COMMIT")
            self.step("after COMMIT")

        return patch.object(Store, "atomically", stepped)


@asynccontextmanager
async def radio(cast: dict[Side, SignalSource]) -> AsyncGenerator[Source, None]:
    async with virtual_world(cast, records=True) as world:
        await asyncio.sleep(RAN_S + _STILL_S)
        config = LinkConfig(mode=Mode.SQUAD, watchdog_s=12.0, utc_ns=utc_ns)
        async with BleSource(world.backend, config=config, rng=random.Random(1)) as source:
            yield source


def utc_ns() -> int:
    return round((BEGAN_S + asyncio.get_running_loop().time()) * 1e9)


def after_all_ns() -> int:
    """Where no loop runs: when sessions are made."""
    try:
        return utc_ns()
    except RuntimeError:
        return (BEGAN_S + 86_400) * 10**9


def child(order: dict[str, Any], cast: dict[Side, SignalSource]) -> None:
    """Never returns."""
    code = 1

    def in_range(*_: object) -> AbstractAsyncContextManager[Source]:
        return radio({side: source for side, source in cast.items() if order.get("near", side.value) == side.value})

    try:
        steps = Steps(Path(order["steps"]), order.get("kill_at"))
        with (
            quiet_bumble(),
            patch.object(podlogs, "radio", in_range),
            patch.object(podlogs, "utc_ns", after_all_ns),
            patch.object(podlogs.asyncio, "run", run_virtual),
            patch.object(fetching, "RECORDS_AT_ONCE", 20),
            patch.object(fetching, "SAMPLES_AT_ONCE", 6_000),
            steps.in_atomically(),
        ):
            for name in _CALLS:
                steps.around(Store, name).start()
            steps.around(RawWriter, "_write").start()
            if "pages" in order:
                on_full_disk(order["pages"]).start()
            code = int(cli.invoke(["pods", "import", "--json", "--data", order["folder"], *order.get("words", ())]))
    finally:
        sys.stdout.flush()
        os._exit(code)


def on_full_disk(pages: int) -> Any:
    """Every database that is opened cannot grow by more."""
    connect = schema.connect

    def limited(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
        database = connect(path, readonly=readonly)
        (now,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {now + pages}")
        return database

    return patch.object(schema, "connect", limited)


def obey(order: dict[str, Any], cast: dict[Side, SignalSource]) -> int:
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # standard output is for the answers
        child(order, cast)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> None:
    cast = signals()
    for line in sys.stdin:
        status = obey(json.loads(line), cast)
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
