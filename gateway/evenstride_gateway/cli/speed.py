"""Plain or compiled science, decided before it is loaded: by the command, and by how much work waits for it.

The strides are the same to the bit. Compiling takes half a minute when it is done for the first time, so whatever a
person waits for runs plain; what has hours of running to read is compiled.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from evenstride_analysis.codecache import is_warm

VARIABLE = "EVENSTRIDE_COMPILED"  # the user's word, if there is one
_COMPILED = {"accuracy", "train"}  # commands that are long in any case
_BY_WORK = {"analyze"}  # commands that call `decide` when they know their inputs
_WORTH_COMPILING_S = 12_000.0  # of one leg: what plain code does while a compiler works
_WORTH_LOADING_S = 600.0  # and while compiled code is read from the disk
_BYTES_A_SECOND = {".esr": 3_300, ".csv": 40_000, ".parquet": 12_000}  # of one leg at 416 Hz


def decide_by_command(command: str | None) -> None:
    """For a command that is about to run. Says nothing where the user has."""
    if command not in _BY_WORK:
        _say(compiled=command in _COMPILED)


def decide_by_work(files: Iterable[Path]) -> None:
    """For a command that is about to read these files, and folders of them, for strides."""
    running_s = 0.0
    for file in files:
        for each in file.rglob("*.esr") if file.is_dir() else [file]:
            if each.exists():
                running_s += each.stat().st_size / _BYTES_A_SECOND.get(each.suffix, 40_000)
    _say(compiled=running_s > (_WORTH_LOADING_S if is_warm() else _WORTH_COMPILING_S))


def _say(*, compiled: bool) -> None:
    os.environ.setdefault(VARIABLE, "1" if compiled else "0")
