"""The whole study as plain figures: what docs/accuracy.json holds, docs/accuracy.md says and the pictures show."""

from dataclasses import dataclass

from evenstride_analysis.study.figures import Agreement, Coverage, Figures
from evenstride_analysis.study.variants import Tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """SHA-256 of what the figures were made from: data folders, tables of coefficients, code (comments left out)."""

    data: dict[str, str]
    tables: dict[str, str]
    code: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distortion:
    """All recordings under one distortion, trained without the tested runner and without this distortion."""

    group: str
    name: str
    learned: Agreement
    rules: Agreement
    worst_runner_rmse_s: float
    wrong_share: float
    doubted_share: float
    stride_68: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """One leg of another laboratory's recording, by the product's own table."""

    source: str
    leg: str
    method: str
    stances: int
    missed: int
    contact_bias_s: float
    toe_off_bias_s: float
    stance_bias_s: float
    within_sd_s: float
    stated_sd_s: float
    doubted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Walking:
    """Real walking: how much of it is told from running."""

    name: str
    strides: int
    walking: int
    doubted_running: int  # taken for running, and doubted


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """The learning curve at one number of training runners; `draws` groups, `rmse_*_s` the range over them."""

    runners: int
    draws: int
    rmse_s: float
    rmse_low_s: float
    rmse_high_s: float
    worst_runner_rmse_s: float
    si_error_sd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegPoint:
    """The mean stance of one leg in one run, its runner left out: by the reference and by both methods."""

    trial: str
    side: str
    speed_mps: float
    reference_s: float
    learned_s: float
    rules_s: float
    system_sd_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisional:
    """Strides as the live page shows them first. `latency_s`: signal after toe-off (median, 95th percentile)."""

    stances: int
    rmse_s: float
    bias_s: float
    missing_share: float
    latency_median_s: float
    latency_p95_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """The virtual runner, whose truth is planted, through the product's detector."""

    name: str
    method: str
    runs: int
    strides: int
    stance_rmse_s: float
    stance_bias_s: float
    worst_leg_bias_s: float
    si_error_sd: float
    missed: int
    false: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedLevel:
    """Runners with one planted symmetry index: how often the 95 % interval holds it, and what the verdict is (shares).

    `source` says how they were made; `possible` does not include `real`; `covered_short` and `covered_long` are of
    sessions under 60 pairs and from 60 on; `wrong_side`: called uneven on the leg that is not longer.
    """

    source: str
    planted: float
    runners: int
    covered: float
    covered_short: float | None
    covered_long: float | None
    real: float
    possible: float
    refused: float
    wrong_side: float
    half_width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedSystem:
    """The system error (SD of a symmetry index, fractions) that the product states and the planted legs draw."""

    estimator: float
    allowance: float
    together: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the document that another room writes from a simulation of its own."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """`figures` by method and kind of fold; `coverage` by kind. `rmse_by_runner_s` of the kind "runner" is what the
    staleness check recomputes.
    """

    method: str
    inputs: Inputs
    figures: dict[str, dict[str, Figures]]
    coverage: dict[str, Coverage]
    legs: list[LegPoint]
    distortions: list[Distortion]
    elsewhere: list[Elsewhere]
    walking: list[Walking]
    curve: list[CurvePoint]
    provisional: Provisional | None
    simulated: list[Simulated]
    system: StatedSystem
    planted: list[PlantedLevel]
    sections: list[Section]
    tried: list[Tried]
    variants: int | None
