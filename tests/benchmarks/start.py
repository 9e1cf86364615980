"""From the start of the process to the first page."""

import socket
import subprocess
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from .figures import Figure, spread
from .hour import EVENSTRIDE

GOAL_S = 2.0
_LONGEST_S = 30.0
_POLL_S = 0.01


def first_page_s() -> float:
    """Wall seconds from the start of `evenstride demo` to the first answer 200 for the page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with TemporaryDirectory() as name:
        started_s = time.perf_counter()
        arguments = ["demo", "--no-browser", "--port", str(port), "--data", str(Path(name) / "data")]
        process = subprocess.Popen([EVENSTRIDE, *arguments], stdout=subprocess.DEVNULL)
        try:
            while not _answers(port):
                if process.poll() is not None or time.perf_counter() - started_s > _LONGEST_S:
                    raise RuntimeError("`evenstride demo` showed no page")
                time.sleep(_POLL_S)
            return time.perf_counter() - started_s
        finally:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5.0)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def run(*, rounds: int = 5) -> list[Figure]:
    taken_s = [first_page_s() for _ in range(rounds)]
    return [
        Figure(
            what="first page after start",
            goal=f"<= {GOAL_S:g} s",
            measured=spread(taken_s, 2, "s"),
            holds=median(taken_s) <= GOAL_S,
            how="`evenstride demo --no-browser`, process start to the first 200 of the page, fresh data; wall time",
        )
    ]
