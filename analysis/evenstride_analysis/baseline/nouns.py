"""What is compared from run to run, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from evenstride_analysis.model import Side


class RunMeasure(StrEnum):
    """What is followed from run to run. The symmetry index is a fraction, the rest SI."""

    SYMMETRY = "stance_symmetry"
    STANCE_LEFT = "stance_left"
    STANCE_RIGHT = "stance_right"
    IMPACT_LEFT = "impact_left"
    IMPACT_RIGHT = "impact_right"
    CADENCE = "cadence"


class ChangeVerdict(StrEnum):
    CHANGED = "changed"
    NOT_CHANGED = "not changed"
    NOT_COMPARABLE = "not comparable"


PRIMARY = RunMeasure.SYMMETRY
LEVELS = {measure: 0.95 if measure is PRIMARY else 0.99 for measure in RunMeasure}
STANCES = frozenset({RunMeasure.STANCE_LEFT, RunMeasure.STANCE_RIGHT})
IMPACTS = frozenset({RunMeasure.IMPACT_LEFT, RunMeasure.IMPACT_RIGHT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a run was: a speed with its error (SD) and source, or a word by which its runner calls runs alike."""

    speed_mps: float | None = None
    speed_sd_mps: float = 0.0
    source: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunValue:
    """One run's value and the sampling error of its mean (SE), both SI or a fraction."""

    value: float
    se: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One wearing of the pods. `pods` by side, `shoes` "" = not said, `method` with its hardware offset.

    `missing` says of measures without a value why there is none.
    """

    run_id: str
    values: Mapping[RunMeasure, RunValue]
    pods: Mapping[Side, str]
    method: str
    pace: Pace
    shoes: str = ""
    missing: Mapping[RunMeasure, str] = field(default_factory=dict[RunMeasure, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What is believed of a runner's between-run SD before there are 5 runs.

    `sd`: in the measure's own scale (a fraction for symmetry, of the logarithm else); `degrees`: its weight, as if the
    SD had come from so many degrees of freedom; `source`: where both come from.
    """

    sd: float
    degrees: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Where the next run is expected, in the measure's unit. `sd` is of one run, in the judging scale."""

    centre: float
    low: float
    high: float
    level: float
    runs: int
    sd: float
    prior: Prior | None
    widened: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A run against its own baseline.

    `past`: (run id, value brought to this run's pace), oldest first; `refused`: run id -> why it does not count.
    `smallest`: the smallest change between two runs that would be real, a fraction.
    """

    measure: RunMeasure
    verdict: ChangeVerdict
    reason: str
    value: float | None
    band: Band | None
    smallest: float | None
    past: tuple[tuple[str, float], ...]
    refused: Mapping[str, str]
