"""Pods, strides and frames for the tests of the store and of the ledger."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from evenstride_analysis.model import (
    SIX_AXES,
    Assignment,
    ClockFit,
    Doubt,
    Frame,
    Gait,
    PodInfo,
    Session,
    Side,
    Stride,
)
from evenstride_gateway.store import Store

LEFT_POD, RIGHT_POD = "00000000000000aa", "00000000000000bb"
BOOT = 0xB0070001
START = datetime(2026, 5, 1, 7, 30, tzinfo=UTC)


def pod(pod_id: str = LEFT_POD, **other: Any) -> PodInfo:
    values: dict[str, Any] = {
        "pod_id": pod_id,
        "firmware": "1.0.0",
        "hardware": "xiao",
        "channels": SIX_AXES,
        "scales": (0.00479, 0.00479, 0.00479, 0.00122, 0.00122, 0.00122),
        "rate_hz": 416.0,
        "tick_hz": 32768.0,
        "accel_range_mps2": 156.9,
        "gyro_range_radps": 34.9,
    }
    return PodInfo(**(values | other))


def stride(start: int, end: int, **other: Any) -> Stride:
    """A stride of samples [start, end) at 416 Hz, clean and running unless told otherwise."""
    values: dict[str, Any] = {
        "pod_id": LEFT_POD,
        "boot_id": BOOT,
        "strike_index": start,
        "end_index": end,
        "strike_s": start / 416,
        "toe_off_s": start / 416 + 0.24,
        "end_s": end / 416,
        "stance_sd_s": 0.0044,
        "impact_axial_mps2": 71.25,
        "impact_mps2": 93.1,
        "loading_mps3": None,
        "swing_peak_radps": 9.5,
        "heading_rad": None,
        "gait": Gait.RUN,
        "method": "rules-1",
        "doubt": Doubt(0),
    }
    return Stride(**(values | other))


def assignment(pod_id: str, side: Side, *, session_id: str = "s1", **other: Any) -> Assignment:
    values: dict[str, Any] = {"session_id": session_id, "pod_id": pod_id, "runner_id": "anna", "side": side}
    return Assignment(**(values | other))


def begin(store: Store, session_id: str = "s1") -> None:
    """A session of runner anna with a pod on each leg and clock fits of which pod time is session time."""
    store.create_session(
        Session(session_id=session_id, runner_id="anna", started_at=START),
        [
            assignment(LEFT_POD, Side.LEFT, session_id=session_id),
            assignment(RIGHT_POD, Side.RIGHT, session_id=session_id),
        ],
    )
    for pod_id in (LEFT_POD, RIGHT_POD):
        fit = ClockFit(pod_id=pod_id, boot_id=BOOT, offset_s=0.0, skew_ppm=0.0, bound_s=0.001, version=1)
        store.put_clock(session_id, fit)


def counts(first: int, n: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Six channels in which every sample index has its own values."""
    index = np.arange(first, first + n)[:, None] * np.array([1, 3, 5, 7, 11, 13]) % 65_536
    return (index - 32_768).astype(np.int16)


def frame(first: int, n: int = 17, *, seq: int = 0, boot_id: int = BOOT, pod_id: str = LEFT_POD) -> Frame:
    return Frame(
        pod_id=pod_id, boot_id=boot_id, seq=seq, first_index=first, tick=first * 79 + 5, counts=counts(first, n)
    )
