"""What a benchmark says: a goal, the figure that was measured, and how it was measured."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table. `holds` None: shown for comparison, no goal belongs to it."""

    what: str
    goal: str
    measured: str
    holds: bool | None
    how: str


@dataclass(slots=True)
class Spent:
    """Seconds that passed inside a `spending` block: of this process's CPU (all threads), and of the wall clock."""

    cpu_s: float = 0.0
    wall_s: float = 0.0


@contextmanager
def spending() -> Generator[Spent]:
    spent = Spent()
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    try:
        yield spent
    finally:
        spent.cpu_s, spent.wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s


@contextmanager
def one_core() -> Generator[None]:
    """This process on a single core, where the platform can pin one."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def apart(module: str, *arguments: float, compiled: bool) -> Any:
    """What a module of this package prints as JSON when it is run in a process of its own, on one thread."""
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.{module}".removeprefix("tests."), *map(str, arguments)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[1],
        env=os.environ | {"EVENSTRIDE_COMPILED": "1" if compiled else "0", "OMP_NUM_THREADS": "1"},
    )
    return json.loads(done.stdout)


def repeated(times: int, measure: Callable[[], float]) -> list[float]:
    return [measure() for _ in range(times)]


def spread(values: list[float], digits: int, unit: str) -> str:
    """Median and range, as they stand in the table."""
    middle = f"{median(values):.{digits}f} {unit}".rstrip()
    return middle if len(values) == 1 else f"{middle} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def percentile(values: list[float], percent: float) -> float:
    return float(np.percentile(values, percent))


def machine() -> str:
    """Processor, cores and versions: figures of two machines cannot be compared, ratios nearly."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - not a file of ours
            name = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), name)
    except OSError:
        pass
    cores = os.cpu_count() or 1
    return f"{name}, {cores} cores, {platform.system()}, Python {platform.python_version()}, numpy {np.__version__}"
