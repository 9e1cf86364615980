"""What every command shares: the data directory, JSON, errors in one line, exit codes."""

import json
import os
import sys
import webbrowser
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import cast

from rich.console import Console

from evenstride_gateway.errors import ConfigError, EvenstrideError, InputError, LinkError, StoreError


class Exit(IntEnum):
    """Exit codes, as `evenstride --help` lists them."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    INPUT = 3
    CONFIG = 4
    STORE = 5
    RADIO = 6
    OTHER = 7
    SOME_FAILED = 8
    INTERRUPTED = 130


_FILE_WIDTH = 240  # what goes to a file or another program is not folded at the edge of a screen


def _console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr, highlight=False, markup=False, soft_wrap=True, width=None if stream.isatty() else _FILE_WIDTH
    )


out = _console()
err = _console(stderr=True)


def open_page(url: str) -> None:
    """Show the page where there is a desktop; a text browser in this terminal would only be in the way."""
    if sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(url)


def data_dir(given: Path | None) -> Path:
    from evenstride_gateway.config import default_data_dir

    return given if given is not None else default_data_dir()


def software_version() -> str:
    from importlib.metadata import version as distribution_version

    return distribution_version("evenstride")


def print_json(value: object) -> None:
    """JSON to standard output, one document."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()  # `run` goes on after it


@contextmanager
def progress(text: str, *, quiet: bool = False) -> Generator[Callable[[int, int], None], None, None]:
    """A bar on standard error; call what it yields with (done, in all)."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as bar:
        task = bar.add_task(text, total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield tell


def exit_code(error: EvenstrideError) -> Exit:
    for kind, code in (
        (ConfigError, Exit.CONFIG),
        (StoreError, Exit.STORE),
        (LinkError, Exit.RADIO),
        (InputError, Exit.INPUT),
    ):
        if isinstance(error, kind):
            return code
    return Exit.OTHER


def plain_errors(error: BaseException) -> Iterator[BaseException]:
    """The errors inside a (nested) group, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from plain_errors(inner)
    else:
        yield error


def say(sentence: str) -> None:
    """An error: one line on standard error."""
    err.print(f"evenstride: {sentence}", style="bold red")
