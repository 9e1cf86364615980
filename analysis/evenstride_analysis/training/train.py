"""Recorded legs with a reference -> the table of the learned estimator."""

from collections.abc import Callable, Sequence

import numpy as np

from evenstride_analysis.errors import InputError
from evenstride_analysis.strides.learned.table import LearnedTable, Range
from evenstride_analysis.training.left_out import RUNNER, LeftOut, Map, left_out
from evenstride_analysis.training.legs import Leg
from evenstride_analysis.training.networks import EVERY_PLAN, all_examples, fit_all
from evenstride_analysis.training.uncertainty import fit_both

METHOD = "learned-1"
# Outside of these a stride is doubted: the recordings' own ranges (stance 0.156-0.324 s, stride 0.52-0.86 s, swing
# peaks 404-910 deg/s) and the stretched copies' margin of about a fifth.
STANCE_S, STRIDE_S, SWING_RADPS = Range(low=0.12, high=0.40), Range(low=0.44, high=0.95), Range(low=5.6, high=19.0)
FEWEST_RUNNERS = 3


def train(
    legs: Sequence[Leg],
    *,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
    errors: Sequence[LeftOut] | None = None,
    each: Map = map,
    provenance: dict[str, str] | None = None,
) -> LearnedTable:
    """The table of these legs. The same legs and seed give the same table.

    The uncertainties are fitted to runners left out: `errors` where they are known already (only those of the runners
    in `legs` are used), else by training once per fold through `each`, which takes minutes. `progress` hears one line
    per step. Raises InputError for fewer than three runners.
    """
    runs = sorted({leg.run for leg in legs})
    if len(runs) < FEWEST_RUNNERS:
        raise InputError(f"training needs {FEWEST_RUNNERS} runners or more; these recordings hold {len(runs)}")
    say = progress or _silent
    say("networks")
    nets = fit_all(all_examples(legs, seed, EVERY_PLAN), None, seed)
    if errors is None:
        found: list[LeftOut] = []
        for part in left_out(legs, seed=seed, each=each):
            found.append(part)
            say(f"without {', '.join(part.fold.test)}")
        errors = found
    stride_variance, system_variance = fit_both(errors, runs)
    alone = [part for part in errors if part.fold.kind == RUNNER and part.fold.test[0] in runs]
    return LearnedTable(
        method=METHOD,
        nets=nets,
        stride_variance=stride_variance,
        system_variance=system_variance,
        stance_sd_s=float(np.concatenate([part.errors_s for part in alone]).std(ddof=1)),
        si_error_sd=si_error_sd(alone),
        stance_s=STANCE_S,
        stride_s=STRIDE_S,
        swing_radps=SWING_RADPS,
        provenance={"data": "unknown", "licence": "unknown", "command": "unknown", "inputs_sha256": "unknown"}
        | (provenance or {})
        | {"seed": str(seed)},
    )


def si_error_sd(found: Sequence[LeftOut]) -> float:
    """Error SD of a run's symmetry index (a fraction) over the trials of runners left out."""
    errors: list[float] = []
    for part in found:
        for trial in np.unique(part.trials):
            means = np.array(
                [
                    [values[(part.trials == trial) & (part.sides == side)].mean() for side in ("left", "right")]
                    for values in (part.stances_s, part.stances_s + part.errors_s)
                ]
            )
            index = (means[:, 0] - means[:, 1]) / (0.5 * means.sum(axis=1))
            errors.append(float(index[1] - index[0]))
    return float(np.std(errors, ddof=1))


def _silent(_: str) -> None:
    """Nobody wants to hear."""
