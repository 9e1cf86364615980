"""Quantiles of Student's t, for numpy alone."""

import math
from statistics import NormalDist

import numpy as np

_NODES, _WEIGHTS = (part.tolist() for part in np.polynomial.legendre.leggauss(20))


def t_quantile(probability: float, degrees: float) -> float:
    """The value that Student's t with `degrees` (real, >= 2) stays below with `probability` (0.5-0.9999).

    With t = sqrt(v) tan(a) the distribution function is an integral of cos(a)^(v - 1), taken by Gauss's rule of 20
    nodes and solved by Newton from the normal quantile (from below it converges without overshoot): exact to 1e-6.
    Above 200 degrees the expansion of Cornish and Fisher to the second order is used.
    """
    if not (0.5 <= probability < 1.0 and degrees >= 2.0):
        raise ValueError(f"probability {probability} and degrees {degrees}: expected 0.5 to 1 and 2 or more")
    if degrees > 200.0:
        z = NormalDist().inv_cdf(probability)
        return z + (z**3 + z) / (4.0 * degrees) + (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / (96.0 * degrees**2)
    scale = math.exp(math.lgamma((degrees + 1.0) / 2.0) - math.lgamma(degrees / 2.0)) / math.sqrt(math.pi)
    angle = math.atan(NormalDist().inv_cdf(probability) / math.sqrt(degrees))
    for _ in range(12):
        missing = (probability - 0.5) / scale - _cosine_power(angle, degrees - 1.0)
        angle += missing / math.cos(angle) ** (degrees - 1.0)
        if abs(missing) < 1e-12:
            break
    return math.sqrt(degrees) * math.tan(angle)


def _cosine_power(angle: float, power: float) -> float:
    """Integral of cos(a)^power from 0 to `angle`."""
    half = 0.5 * angle
    total = sum(w * math.cos(half * (1.0 + x)) ** power for x, w in zip(_NODES, _WEIGHTS, strict=True))
    return half * total
