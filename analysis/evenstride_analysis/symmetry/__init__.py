"""Left against right: the symmetry index of paired strides, its interval and its verdict.

The one formula: index = (mean L - mean R) / (0.5 (mean L + mean R)), a fraction, over pairs. A pair is a left step and
the right step that follows it, both clean, running and alternating.

`low`, `high` are the 95 % total interval (interval.py: scatter of the strides and system error); `real` = the 99 %
interval excludes 0, `possible` = the 80 % one does (Exell 2012's rule with the method's own error added).
"""

from evenstride_analysis.symmetry.interval import (
    BOOTSTRAP_PAIRS,
    SEED,
    Evidence,
    effective_number,
    evidence_of,
)
from evenstride_analysis.symmetry.live import GRID_S, LIVE_PAIRS, LiveSymmetry, grid
from evenstride_analysis.symmetry.pairs import is_clean, pairs_of, value_of
from evenstride_analysis.symmetry.system import (
    PLACEMENT_ALLOWANCE,
    WIDEST_LEG_S,
    MethodError,
    SystematicError,
    system_of,
)
from evenstride_analysis.symmetry.verdict import MIN_PAIRS, Question, holm, judge_family, symmetry

__all__ = [
    "BOOTSTRAP_PAIRS",
    "GRID_S",
    "LIVE_PAIRS",
    "MIN_PAIRS",
    "PLACEMENT_ALLOWANCE",
    "SEED",
    "WIDEST_LEG_S",
    "Evidence",
    "LiveSymmetry",
    "MethodError",
    "Question",
    "SystematicError",
    "effective_number",
    "evidence_of",
    "grid",
    "holm",
    "is_clean",
    "judge_family",
    "pairs_of",
    "symmetry",
    "system_of",
    "value_of",
]
