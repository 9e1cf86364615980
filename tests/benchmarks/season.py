"""A season: stored sessions through `analyze --all-sessions`, on two processes."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from evenstride_gateway.season import analyse_many, process_pool, session_jobs

from .figures import Figure, spread
from .hour import fill

GOAL_S = 30.0
SESSIONS, LASTING_S = 200, 3600
_JOBS = 2


def run(*, seconds: int = 300, sessions: int = 8, rounds: int = 3) -> list[Figure]:
    """`sessions` of `seconds` each; what 200 of an hour would take is scaled from them."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for k in range(sessions):
            fill(folder, seconds=seconds, repeats=1, session=f"session-{k}")
        jobs = session_jobs(folder, None)
        walls_s: list[float] = []
        with process_pool(_JOBS, len(jobs)) as pool:
            analyse_many(jobs[:_JOBS], pool)  # processes started, code compiled
            for _ in range(rounds):
                started_s = time.perf_counter()
                outcomes = analyse_many(jobs, pool)
                walls_s.append(time.perf_counter() - started_s)
                if any(outcome.error for outcome in outcomes):
                    raise RuntimeError("a session of the benchmark failed")
    share = SESSIONS * LASTING_S / (sessions * seconds)
    scaled_s = [wall_s * share for wall_s in walls_s]
    return [
        Figure(
            what=f"{SESSIONS} stored sessions of an hour, {_JOBS} processes",
            goal=f"<= {GOAL_S:g} s",
            measured=spread(scaled_s, 0, "s"),
            holds=sorted(scaled_s)[len(scaled_s) // 2] <= GOAL_S,
            how=f"scaled from {sessions} sessions of {seconds} s, two pods, raw log to strides; wall time, warm pool",
        )
    ]
