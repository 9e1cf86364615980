"""From checks to an error SD: variance = a + sum of b check^2, non-negative, by likelihood on runners left out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import optimize as scipy_optimize

from evenstride_analysis.model import FloatArray
from evenstride_analysis.strides.learned.estimator import CHECK_LIMIT_S
from evenstride_analysis.training.left_out import LeftOut


def fit_variance(errors_s: FloatArray, checks_s: FloatArray) -> tuple[float, ...]:
    """Coefficients (5,) of s^2 for errors (n,) with checks (n, 4): Gaussian likelihood, errors capped at 30 ms."""
    design = np.concatenate(
        [np.ones((len(errors_s), 1)), np.minimum(np.abs(1e3 * checks_s), 1e3 * CHECK_LIMIT_S) ** 2], axis=1
    )
    squared = np.minimum(np.abs(1e3 * errors_s), 30.0) ** 2
    scale = np.sqrt((design**2).mean(axis=0)) + 1e-12

    def loss(logs: FloatArray) -> float:
        variance: FloatArray = design / scale @ np.exp(logs)
        return float(np.mean(np.log(variance) + squared / variance))

    minimize: Any = scipy_optimize.minimize  # pyright: ignore[reportUnknownVariableType]
    best = minimize(loss, np.full(design.shape[1], 1.0), method="L-BFGS-B")
    found: FloatArray = np.exp(np.asarray(best.x, dtype=np.float64)) / scale
    return (float(found[0]) * 1e-6, *(float(b) for b in found[1:]))


def fit_both(found: Sequence[LeftOut], runs: Sequence[str]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(stride, system): coefficients for one stance and for a leg's mean over a run, from these runners only."""
    errors: list[FloatArray] = []
    checks: list[FloatArray] = []
    leg_errors: list[float] = []
    leg_checks: list[FloatArray] = []
    for part in found:
        chosen = np.isin(part.runs, list(runs))
        errors.append(part.errors_s[chosen])
        checks.append(part.checks_s[chosen])
        legs = sorted({*zip(part.trials[chosen].tolist(), part.sides[chosen].tolist(), strict=True)})
        for trial, side in legs:
            leg = (part.trials == trial) & (part.sides == side)
            leg_errors.append(float(part.errors_s[leg].mean()))
            leg_checks.append(np.median(np.abs(part.checks_s[leg]), axis=0))
    return (
        fit_variance(np.concatenate(errors), np.concatenate(checks)),
        fit_variance(np.array(leg_errors), np.array(leg_checks)),
    )
