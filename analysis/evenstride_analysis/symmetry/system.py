"""What averaging over strides does not remove: the error of the method and of the pod's seat on the leg."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from evenstride_analysis.model import Measure
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE
from evenstride_analysis.strides.rules import DEFAULT_RULES

PLACEMENT_ALLOWANCE = 0.02
WIDEST_LEG_S = 0.006  # a leg whose stance may be wrong by more (SD) gets no absolute verdict
# Published smallest detectable differences of peak tibial acceleration (19 runners, 3.0 m/s: 1.5 g resultant, 2 g
# axial) are 1.96 sqrt(2) errors of one leg at about 10 g and 7 g; the index is wrong by sqrt(2) errors of one leg.
_IMPACT_ALLOWANCE = 1.5 / 1.96 / 10.0
_IMPACT_AXIAL_ALLOWANCE = 2.0 / 1.96 / 7.0


class ErrorTable(Protocol):
    """The table of a method, as far as it tells its errors (Rules, LearnedTable)."""

    @property
    def method(self) -> str: ...
    @property
    def stance_sd_s(self) -> float: ...
    @property
    def si_error_sd(self) -> float: ...
    @property
    def source(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodError:
    """Out-of-fold errors of one method: SD of a run's symmetry index, a fraction; `leg_sd_s` is its usual leg's SD."""

    si_error_sd: float
    leg_sd_s: float
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystematicError:
    """What averaging does not remove, SD of the index as a fraction; `source` says where each part comes from.

    `estimator` and `allowance` (strap, skin, placement) hold for stance; impacts have allowances of their own.
    `methods` knows better than `estimator` for the methods that it names (without their hardware suffix `+hw:...`).
    """

    estimator: float
    allowance: float
    impact: float = _IMPACT_ALLOWANCE
    impact_axial: float = _IMPACT_AXIAL_ALLOWANCE
    source: str
    methods: Mapping[str, MethodError] = field(default_factory=dict[str, MethodError])
    others: str = ""  # the part of `source` that speaks of no method

    def estimator_of(self, method: str, *, leg_sd_s: float | None = None) -> float:
        """The estimator's part for strides of `method`, a fraction.

        `leg_sd_s` is the root mean square of both legs' own SDs where the strides carry them. Legs that the method
        is less sure of than usual widen its part in proportion; surer legs do not narrow it.
        """
        known = self.methods.get(method.partition("+")[0])
        if known is None:
            return self.estimator
        return known.si_error_sd * (1.0 if leg_sd_s is None else max(1.0, leg_sd_s / known.leg_sd_s))

    def source_of(self, method: str) -> str:
        """Where the parts come from, for one method alone."""
        known = self.methods.get(method.partition("+")[0])
        return self.source if known is None or not known.source else f"{known.source}; {self.others}"

    def total(self, measure: Measure, method: str = "", *, leg_sd_s: float | None = None) -> float:
        """All that stays in the index of `measure` however many strides there are, SD as a fraction."""
        if measure is Measure.STANCE:
            return math.hypot(self.estimator_of(method, leg_sd_s=leg_sd_s), self.allowance)
        return self.impact if measure is Measure.IMPACT else self.impact_axial


def system_of(*tables: ErrorTable, allowance: float = PLACEMENT_ALLOWANCE) -> SystematicError:
    """The system error of these methods (none named: all that the product has), each by its own table.

    A method without a table gets the largest of theirs.
    """
    known = tables or PRODUCT_TABLES
    sources = {t.method: f"{t.method}: {t.si_error_sd:.1%} out-of-fold ({t.source})" for t in known}
    others = (
        f"{allowance:.1%} for strap, skin and placement is an assumption until a reference session with real pods;"
        f" impact {_IMPACT_ALLOWANCE:.1%}, along the shin {_IMPACT_AXIAL_ALLOWANCE:.1%}: from published smallest"
        " detectable differences (19 runners)"
    )
    return SystematicError(
        estimator=max(table.si_error_sd for table in known),
        allowance=allowance,
        methods={
            t.method: MethodError(si_error_sd=t.si_error_sd, leg_sd_s=t.stance_sd_s, source=sources[t.method])
            for t in known
        },
        source="; ".join((*sources.values(), others)),
        others=others,
    )


PRODUCT_TABLES: tuple[ErrorTable, ...] = (DEFAULT_TABLE, DEFAULT_RULES)
