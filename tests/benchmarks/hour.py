"""A stored session of an hour, written as the gateway writes it, and what it costs to report and to analyse it."""

import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from unittest.mock import patch

from evenstride_analysis.model import Assignment, ClockFit, Session, Side
from evenstride_gateway.closing import finish
from evenstride_gateway.config import SymmetryConfig
from evenstride_gateway.ledger import SampleLedger
from evenstride_gateway.results import detect, system_error
from evenstride_gateway.store import Store

from .figures import Figure, Spent, spread
from .material import BOOT, PODS, frames, pod_info

SESSION = "hour"
START = datetime(2026, 5, 1, 7, 30, tzinfo=UTC)
EVENSTRIDE = str(Path(sys.executable).with_name("evenstride"))  # the console script of this environment
_FRAMES_A_SYNC = 12  # half a second, the gateway's own rhythm: it decides the size of the raw log's blocks


def fill(folder: Path, *, seconds: int, repeats: int, session: str = SESSION) -> None:
    """A session of `repeats` times `seconds` of running with two pods, as the gateway would have left it."""
    with patch.object(os, "fsync"), Store.open(folder) as store:  # nothing of this is measured, nothing must survive
        sides = [Assignment(session_id=session, pod_id=pod, runner_id="bench", side=side) for side, pod in PODS.items()]
        store.create_session(Session(session_id=session, runner_id="bench", started_at=START), sides)
        losses = [loss for side in Side for loss in _fill_leg(store, session, side, seconds, repeats).losses()]
        stopped_at = START + timedelta(seconds=seconds * repeats)
        finish(store, session, losses=losses, system=system_error(SymmetryConfig()), stopped_at=stopped_at)


def _fill_leg(store: Store, session: str, side: Side, seconds: int, repeats: int) -> SampleLedger:
    info = pod_info(side)
    ledger = SampleLedger(pod_id=info.pod_id, boot_id=BOOT)
    store.put_pod(info)
    with store.raw_writer(session, info) as raw:
        for n, frame in enumerate(frames(side, seconds, repeats), start=1):
            ledger.take(frame)
            raw.append(frame)
            if n % _FRAMES_A_SYNC == 0:
                raw.sync()
    fit = ClockFit(pod_id=info.pod_id, boot_id=BOOT, offset_s=0.0, skew_ppm=0.0, bound_s=0.001, version=1)
    store.put_clock(session, fit)
    store.apply_strides(session, list(detect(store.raw_frames(session, info.pod_id), info)))
    return ledger


def command(*arguments: str) -> Spent:
    """A cold `evenstride` process: its CPU and wall seconds. Raises CalledProcessError when it fails."""
    before, started_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([EVENSTRIDE, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(cpu_s=cpu_s, wall_s=time.perf_counter() - started_s)


def run(*, seconds: int = 600, repeats: int = 6, rounds: int = 3) -> list[Figure]:
    """Report as HTML and PDF, and the strides from the raw again; interleaved."""
    tasks = {
        "html": ("report", SESSION, "--out", "report.html"),
        "pdf": ("report", SESSION, "--out", "report.pdf"),
        "analyze": ("analyze", "--session", SESSION, "--out", "strides.csv"),
    }
    spent: dict[str, list[Spent]] = {name: [] for name in tasks}
    with TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, seconds=seconds, repeats=repeats)
        for _ in range(rounds):
            for task, arguments in tasks.items():
                placed = [str(folder / a) if a.endswith((".html", ".pdf", ".csv")) else a for a in arguments]
                spent[task].append(command(*placed, "--data", str(folder)))
    lasted_s = seconds * repeats
    figures = [_report(task, spent[task], goal_s) for task, goal_s in (("html", 3.0), ("pdf", 6.0))]
    times_real = [lasted_s / each.cpu_s for each in spent["analyze"]]
    return [
        *figures,
        Figure(
            what="`analyze --session`, one hour, two pods",
            goal="–",
            measured=f"{spread(times_real, 0, 'x real time')}, {median(s.wall_s for s in spent['analyze']):.1f} s",
            holds=None,
            how=f"cold process, {lasted_s / 60:g} min of two pods from the raw log to the table; CPU time",
        ),
    ]


def _report(task: str, spent: list[Spent], goal_s: float) -> Figure:
    walls = [each.wall_s for each in spent]
    return Figure(
        what=f"report of one hour, {task.upper()}",
        goal=f"<= {goal_s:g} s",
        measured=f"{spread(walls, 2, 's')}; CPU {median(each.cpu_s for each in spent):.2f} s",
        holds=median(walls) <= goal_s,
        how="`evenstride report`, cold process, warm files, two pods with their raw log; wall time",
    )
