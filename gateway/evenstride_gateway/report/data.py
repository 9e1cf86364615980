"""What a report is made from: nothing on the page comes from anywhere else."""

from dataclasses import dataclass, field
from datetime import datetime

from evenstride_analysis.baseline import Change
from evenstride_analysis.mechanics import CumulativeImpact, Mechanics
from evenstride_analysis.model import PodInfo, Session, Side, Step, Summary
from evenstride_analysis.symmetry import SystematicError


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFigures:
    """One pod of the session: samples taken = stored + dropped by the pod + lost by the host + died in its memory.

    None = not known. `clock_bound_s` is how far the pod's time may be off session time; `rate_hz` the measured rate.
    """

    info: PodInfo
    side: Side
    stored: int
    dropped_by_pod: int = 0
    lost_by_host: int = 0
    died_in_pod: int = 0
    gaps: int = 0
    backfilled: int = 0
    rate_hz: float | None = None
    clock_bound_s: float | None = None
    skew_ppm: float | None = None

    @property
    def missing(self) -> int:
        return self.dropped_by_pod + self.lost_by_host + self.died_in_pod


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """A session with its steps (in order of strike), its summary, and what was lost. `made_at` is aware."""

    session: Session
    runner_name: str
    summary: Summary
    steps: tuple[Step, ...]
    pods: tuple[PodFigures, ...]
    system: SystematicError
    software: str
    made_at: datetime
    settings: dict[str, str] = field(default_factory=dict[str, str])
    notices: tuple[str, ...] = ()
    legs_in_doubt: tuple[Side, ...] = ()  # whose pod sat as one sits on the other leg; both = the pods look swapped
    changes: tuple[Change, ...] = ()  # against the runner's own baseline; empty = not asked
    mechanics: Mechanics | None = None
    cumulative: tuple[CumulativeImpact, ...] = ()
