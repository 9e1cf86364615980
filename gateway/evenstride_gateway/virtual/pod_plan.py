"""What a virtual pod is, and the truth about its samples that tests compare with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from evenstride_analysis.model import Gap, SampleBlock, Stride
from evenstride_gateway.virtual.flash_log import Ranges


class Detector(Protocol):
    """The analysis room's StrideDetector, as far as a pod needs it."""

    def push(self, item: SampleBlock | Gap, /) -> Sequence[Stride]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPlan:
    """One virtual pod. `skew_ppm` is its clock against the true one, `first_tick` its counter at power-on."""

    pod_id: str
    skew_ppm: float = 0.0
    first_tick: int = 0
    queue_samples: int = 832  # two seconds at 416 Hz: 10 kB of the nRF52840's RAM
    flash_write_s: float = 0.5
    status_period_s: float = 5.0
    battery_fraction: float = 0.9
    temperature_degc: float = 24.0
    bonded_only: bool = False
    firmware: str = "virtual 1.0"
    hardware: str = "virtual pod"


@dataclass(slots=True, kw_only=True)
class BootTruth:
    """What happened to the samples of one boot, as index ranges.

    `confirmed` were live frames that the link layer delivered. `dropped` were wanted live and not delivered; `skipped`
    nobody wanted. `died` were not in flash and not confirmed when the power went. Each sample is in one of the four,
    or still in the queue or in the radio's hands.
    """

    boot_id: int
    taken: int = 0
    confirmed: Ranges = field(default_factory=Ranges)
    dropped: Ranges = field(default_factory=Ranges)
    skipped: Ranges = field(default_factory=Ranges)
    died: Ranges = field(default_factory=Ranges)
    clipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A notification in the radio's hands; only live raw frames have samples to account for."""

    seq: int = -1
    first: int = 0
    end: int = 0
