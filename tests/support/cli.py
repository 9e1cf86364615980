"""The command line as a user calls it: in this process (quick), or as a process of its own."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from evenstride_gateway import cli


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    def error_line(self, code: int) -> str:
        """The one line of an error with this exit code."""
        assert (self.code, self.out) == (code, ""), self
        assert self.err.startswith("evenstride: ")
        assert self.err.count("\n") == 1, self.err
        return self.err


def evenstride(*arguments: object, typed: str = "") -> Result:
    """Run a command in this process; `typed` is what its user types."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), patch.object(sys, "stdin", io.StringIO(typed)):
        code = cli.invoke([str(word) for word in arguments])
    return Result(int(code), out.getvalue(), err.getvalue())


def process(*arguments: object, folder: Path, **options: Any) -> "subprocess.Popen[str]":
    """Start a command as a process in `folder`, nothing but its output inherited."""
    return subprocess.Popen(
        [sys.executable, "-m", "evenstride_gateway.cli", *map(str, arguments)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("EVENSTRIDE_")},
        **options,
    )


def finished(running: "subprocess.Popen[str]", *, within_s: float = 60) -> Result:
    out, err = running.communicate(timeout=within_s)
    return Result(running.returncode, out, err)
