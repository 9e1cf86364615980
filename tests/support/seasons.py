"""A runner's season in a store: ended sessions of both legs with a chosen symmetry, pods, shoes, pace and method."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np

from evenstride_analysis.model import ClockFit, Session, Side, Stride
from evenstride_gateway.store import Store
from support.store_data import BOOT, LEFT_POD, RIGHT_POD, START, assignment, stride

PODS = {Side.LEFT: LEFT_POD, Side.RIGHT: RIGHT_POD}
RATE_HZ = 416.0


def add_session(
    store: Store,
    day: int,
    *,
    index: float = 0.0,
    name: str = "",
    pods: Mapping[Side, str] = PODS,
    method: str = "rules-1",
    settings: Mapping[str, str] = {"pace": "easy"},
    strides: int = 45,
    after: timedelta = timedelta(0),
    end: bool = True,
    runner_id: str = "anna",
) -> str:
    """Store one session of `strides` strides a leg, `day` days after the first one; returns its id."""
    session_id, started = name or f"d{day:02d}", START + timedelta(days=day) + after
    store.create_session(
        Session(session_id=session_id, runner_id=runner_id, started_at=started, settings=dict(settings)),
        [assignment(pods[side], side, session_id=session_id, runner_id=runner_id) for side in Side],
    )
    rng = np.random.default_rng(day)
    for side in Side:
        fit = ClockFit(pod_id=pods[side], boot_id=BOOT, offset_s=0.0, skew_ppm=0.0, bound_s=0.001, version=1)
        store.put_clock(session_id, fit)
        sign = 1.0 if side is Side.LEFT else -1.0
        stances = 0.25 * (1.0 + sign * index / 2.0) + rng.normal(0.0, 0.003, strides)
        begin = 416 if side is Side.LEFT else 416 + 146
        store.apply_strides(
            session_id, [_stride(pods[side], begin + 291 * k, float(s), method) for k, s in enumerate(stances)]
        )
    if end:
        store.end_session(session_id, _stopped(started, strides))
    return session_id


def _stopped(started: datetime, strides: int) -> datetime:
    return started + timedelta(seconds=2.0 + 0.7 * strides)


def _stride(pod_id: str, start: int, stance_s: float, method: str) -> Stride:
    return stride(start, start + 291, pod_id=pod_id, toe_off_s=start / RATE_HZ + stance_s, method=method)
