"""From checks to an error SD: variance = a + sum of b check^2, non-negative, by likelihood on runners left out."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import optimize as scipy_optimize

from evenstride_analysis.model import FloatArray
from evenstride_analysis.strides.learned.estimator import CHECK_LIMIT_S
from evenstride_analysis.training.left_out import LeftOut

_ERROR_LIMIT_MS = 30.0  # a larger error counts as this much


def fit_variance(errors_s: FloatArray, checks_s: FloatArray, weights: FloatArray) -> tuple[float, ...]:
    """Coefficients (5,) of s^2 for errors (n,) with checks (n, 4): Gaussian likelihood, errors capped at 30 ms."""
    checks_ms = np.minimum(np.abs(1e3 * checks_s), 1e3 * CHECK_LIMIT_S)
    design = np.concatenate([np.ones((len(errors_s), 1)), checks_ms**2], axis=1)
    squared = np.minimum(np.abs(1e3 * errors_s), _ERROR_LIMIT_MS) ** 2
    scale = np.sqrt((design**2).mean(axis=0)) + 1e-12

    def loss(logs: FloatArray) -> float:
        variance: FloatArray = design / scale @ np.exp(logs)
        return float(np.average(np.log(variance) + squared / variance, weights=weights))

    minimize: Any = scipy_optimize.minimize  # pyright: ignore[reportUnknownVariableType]
    best = minimize(loss, np.full(design.shape[1], 1.0), method="L-BFGS-B")
    found: FloatArray = np.exp(np.asarray(best.x, dtype=np.float64)) / scale
    return (float(found[0]) * 1e-6, *(float(b) for b in found[1:]))


def fit_both(found: Sequence[LeftOut], runs: Sequence[str]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(stride, system): coefficients for one stance and for a leg's mean over a run, from these runners only.

    Every kind of fold counts the same: a new runner may be like those of the training or like none of them.
    """
    strides, legs = _Rows(), _Rows()
    for part in found:
        for trial, side in sorted({*zip(part.trials.tolist(), part.sides.tolist(), strict=True)}):
            leg = (part.trials == trial) & (part.sides == side)
            if part.runs[leg][0] not in runs:
                continue
            errors_s, checks_s = part.errors_s[leg], part.checks_s[leg]
            strides.add(errors_s, checks_s, part.fold.kind)
            legs.add(errors_s.mean(keepdims=True), np.median(np.abs(checks_s), axis=0, keepdims=True), part.fold.kind)
    return strides.fitted(), legs.fitted()


class _Rows:
    """Errors with their checks and the kind of fold they come from."""

    def __init__(self) -> None:
        self._errors: list[FloatArray] = []
        self._checks: list[FloatArray] = []
        self._kinds: list[str] = []

    def add(self, errors_s: FloatArray, checks_s: FloatArray, kind: str) -> None:
        self._errors.append(errors_s)
        self._checks.append(checks_s)
        self._kinds += [kind] * len(errors_s)

    def fitted(self) -> tuple[float, ...]:
        count = Counter(self._kinds)
        weights = np.array([1.0 / count[kind] for kind in self._kinds])
        return fit_variance(np.concatenate(self._errors), np.concatenate(self._checks), weights)
