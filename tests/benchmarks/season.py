"""A season: stored sessions through `analyze --all-sessions`, on two processes."""

import json
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from evenstride_gateway.season import analyse_many, analyse_one, process_pool, session_jobs

from .figures import Figure, apart, spending, spread
from .hour import fill

GOAL_S = 30.0
SESSIONS, LASTING_S = 200, 3600
_JOBS = 2
_SEGMENT_S = 300  # of signal, played again and again


def spent_s(seconds: int, sessions: int, rounds: int) -> tuple[list[float], float]:
    """Wall seconds of `sessions` of `seconds` each, the processes started and their code loaded; CPU seconds of one."""
    segment_s = min(seconds, _SEGMENT_S)
    with TemporaryDirectory() as name:
        folder = Path(name)
        for k in range(sessions):
            fill(folder, seconds=segment_s, repeats=seconds // segment_s, session=f"session-{k}")
        jobs = session_jobs(folder, None)
        walls_s: list[float] = []
        with process_pool(_JOBS, len(jobs)) as pool:
            analyse_many(jobs[:_JOBS], pool)
            for _ in range(rounds):
                started_s = time.perf_counter()
                outcomes = analyse_many(jobs, pool)
                walls_s.append(time.perf_counter() - started_s)
                if any(outcome.error for outcome in outcomes):
                    raise RuntimeError("a session of the benchmark failed")
        analyse_one(jobs[0])
        with spending() as spent:
            analyse_one(jobs[0])
    return walls_s, spent.cpu_s


def run(*, seconds: int = 600, sessions: int = 4, rounds: int = 3, compiled: bool = True) -> list[Figure]:
    """`sessions` of `seconds` each; what 200 of an hour would take is scaled from them."""
    share = SESSIONS * LASTING_S / (sessions * seconds)
    walls_s, cpu_s = apart("season", seconds, sessions, rounds, compiled=compiled)
    scaled_s = [wall_s * share for wall_s in walls_s]
    return [
        Figure(
            what=f"{SESSIONS} stored sessions of an hour, {_JOBS} processes",
            goal=f"<= {GOAL_S:g} s",
            measured=f"{spread(scaled_s, 0, 's')}; CPU {cpu_s * LASTING_S / seconds:.1f} s a session",
            holds=median(scaled_s) <= GOAL_S,
            how=f"scaled from {sessions} sessions of {seconds} s, two pods, raw log to strides; wall time, warm pool",
        )
    ]


if __name__ == "__main__":
    print(json.dumps(spent_s(*map(int, sys.argv[1:]))))
