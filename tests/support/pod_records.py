"""Records as two pods' logs hold them after one run, put into a store without a radio."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from evenstride_analysis.model import Doubt, Gait, Side
from evenstride_gateway.air import StrideRecord, StrideRecords
from evenstride_gateway.store import KeptAnchor, Store
from support.store_data import LEFT_POD, RIGHT_POD, pod

TICK_HZ = 32768
RATE_HZ = 416
OWN_AXES = 0x8000 + 60
NOW_S = datetime(2026, 5, 4, tzinfo=UTC).timestamp()
RAN_AT = datetime(2026, 5, 1, 16, 30, tzinfo=UTC)
SIDES = {LEFT_POD: Side.LEFT, RIGHT_POD: Side.RIGHT}


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A pod's counter: pod seconds of a true time, `ppm` too fast, `zero_s` on it at true time 0."""

    ppm: float
    zero_s: float

    def pod_s(self, true_s: float) -> float:
        return self.zero_s + true_s * (1.0 + self.ppm * 1e-6)


CLOCKS = {Side.LEFT: Clock(ppm=40.0, zero_s=500.0), Side.RIGHT: Clock(ppm=-40.0, zero_s=88_000.0)}


def strikes(side: Side, *, seconds: float = 300.0, from_s: float = 0.0) -> list[float]:
    """True times of a leg's strikes: one runner, so both legs share every change of tempo."""
    rng = np.random.default_rng(7)
    n = int(seconds / 0.7)
    begins = from_s + np.cumsum(0.7 * (1.0 + 0.02 * rng.normal(size=n)))
    return [float(t) + (0.35 if side is Side.RIGHT else 0.0) for t in begins]


def record(strike_tick: int, stride_ticks: int, **other: object) -> StrideRecord:
    index = strike_tick * RATE_HZ // TICK_HZ
    held = StrideRecord(
        strike_index=index,
        end_index=index + stride_ticks * RATE_HZ // TICK_HZ,
        strike_tick=strike_tick,
        toe_off_ticks=round(0.25 * TICK_HZ),
        stride_ticks=stride_ticks,
        stance_sd_s=0.004,
        impact_axial_mps2=55.0,
        impact_mps2=70.0,
        loading_mps3=4000.0,
        swing_peak_radps=8.0,
        heading_rad=0.01,
        gait=Gait.RUN,
        doubt=Doubt(0),
    )
    return replace(held, **other)  # pyright: ignore[reportArgumentType]  # fields by name


def put(
    store: Store,
    side: Side,
    times_s: list[float],
    *,
    boot: int = 7,
    number: int = 0,
    rotation: int = OWN_AXES,
    toe_off_s: float = 0.25,
) -> None:
    """A leg's records as its pod's clock says them."""
    pod_id, clock = (LEFT_POD if side is Side.LEFT else RIGHT_POD), CLOCKS[side]
    ticks = [round(clock.pod_s(t) * TICK_HZ) for t in times_s]
    lengths = [b - a if b - a < 2 * TICK_HZ else round(0.7 * TICK_HZ) for a, b in pairwise(ticks)]
    store.put_pod(pod(pod_id))
    store.put_records(
        pod_id,
        [
            StrideRecords(
                boot_id=boot,
                first_record=number + k,
                rules=2,
                coefficients_version=0,
                rotation_version=rotation,
                records=(record(tick, length, toe_off_ticks=round(toe_off_s * TICK_HZ)),),
            )
            for k, (tick, length) in enumerate(zip(ticks, lengths, strict=False))
        ],
    )


def anchored(store: Store, side: Side, true_s: float, *, boot: int = 7) -> None:
    """A host has told this boot the date, at a true time of the runner."""
    pod_id = LEFT_POD if side is Side.LEFT else RIGHT_POD
    tick = round(CLOCKS[side].pod_s(true_s) * TICK_HZ)
    utc_ns = round((RAN_AT.timestamp() + true_s) * 1e9)
    store.put_anchors([KeptAnchor(pod_id=pod_id, boot_id=boot, tick=tick, utc_ns=utc_ns, error_ns=20_000_000)])
