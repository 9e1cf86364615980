"""Virtual pods for tests: a signal whose every sample is known, and a host that only reads."""

import numpy as np

from evenstride_analysis.model import CountArray
from evenstride_gateway import air
from evenstride_gateway.decode import Message, decode
from evenstride_gateway.virtual.flash_log import Flash
from evenstride_gateway.virtual.pod_core import PodCore
from evenstride_gateway.virtual.pod_plan import Detector, PodPlan
from evenstride_gateway.virtual.pod_signal import Sensor

POD_ID = "0011223344556677"


class CountingSource:
    """Sample j holds j in its first two columns: whoever sees counts knows which samples they are."""

    def __init__(self, rate_hz: float = 416.0, nominal_rate_hz: float = 416.0) -> None:
        self.rate_hz, self.nominal_rate_hz = rate_hz, nominal_rate_hz
        self.channels = Sensor().channels

    def counts(self, first_index: int, n: int) -> CountArray:
        counts = np.zeros((n, 6), np.int16)
        index = np.arange(first_index, first_index + n)
        counts[:, 0], counts[:, 1] = index % 30_000, index // 30_000
        return counts


def sample_numbers(frame: air.RawFrame) -> list[int]:
    """The source's sample numbers in a frame from a CountingSource."""
    return [int(low) + 30_000 * int(high) for low, high in frame.counts[:, :2]]


def make_core(
    *, rate_hz: float = 416.0, capacity_bytes: int = 2_000_000, detector: type[Detector] | None = None, **plan: float
) -> PodCore:
    """A pod on a CountingSource, switched on at time 0."""
    core = PodCore(
        PodPlan(pod_id=POD_ID, **plan),  # pyright: ignore[reportArgumentType] - numbers only
        CountingSource(rate_hz=rate_hz),
        flash=Flash.blank(capacity_bytes=capacity_bytes),
        detector=detector,
    )
    core.boot(0.0)
    return core


def take_all(core: PodCore, now_s: float, *, mtu: int = 247, confirm: bool = True) -> list[Message]:
    """Everything that is ready now: live, then backfill."""
    core.advance(now_s)
    messages = list[Message]()
    while True:
        data = core.take_live(now_s, mtu) or core.take_backfill(mtu)
        if data is None:
            return messages
        assert len(data) <= mtu - 3
        messages.append(decode(data))
        if confirm:
            core.confirm(1)


def frames_of(messages: list[Message], *, backfill: bool = False) -> list[air.RawFrame]:
    return [m for m in messages if isinstance(m, air.RawFrame) and m.backfill is backfill]
