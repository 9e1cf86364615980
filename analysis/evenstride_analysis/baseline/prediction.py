"""Where the next run is expected, from few earlier ones."""

import math
from collections.abc import Sequence
from functools import cache

from evenstride_analysis.baseline.nouns import IMPACTS, STANCES, Band, Prior, RunMeasure
from evenstride_analysis.student import t_quantile
from evenstride_analysis.symmetry import SystematicError

RUNS_ALONE = 5  # from here on a runner's own runs speak without the prior
_t = cache(t_quantile)

# SD of (run mean - runner's mean - speed's mean) over 17 runners x 3 speeds (study/repeats.py): one day, three
# speeds. Another day adds to it and one pace takes away; which is more is not known.
_BODY_SI, _BODY_STANCE, _BODY_CADENCE = 0.0136, 0.0269, 0.0263
# How alike the runners' own SDs are, as degrees of the scaled inverse chi-square that fits their spread (maximum
# likelihood, the same study). Impact has no such figure: the weight of cadence is taken.
_DEGREES_SI, _DEGREES_STANCE, _DEGREES_CADENCE = 8.0, 2.0, 3.0
# Smallest detectable change of 23 % (children jogging, signals.md section 5), larger than the 15 % of 19 adults.
_IMPACT_REPEAT = 0.23 / (1.96 * math.sqrt(2.0))
SHOES_SD = 0.02  # an assumption, as large as that for the pod's seat: no figure for shoes was found


def prior_of(measure: RunMeasure, system: SystematicError, method: str = "") -> Prior:
    """The prior SD between runs: pod's seat (allowance), method (its whole error, though part of it stays), body."""
    parts: dict[str, float]
    if measure is RunMeasure.SYMMETRY:
        degrees = _DEGREES_SI
        parts = {"pods put on anew": system.allowance, "method": system.estimator_of(method), "runner (RBDS)": _BODY_SI}
    elif measure in STANCES:  # the index is a difference of two legs: one leg has 1/sqrt(2) of its error
        degrees, leg = _DEGREES_STANCE, 1.0 / math.sqrt(2.0)
        parts = {
            "pods put on anew": system.allowance * leg,
            "method": system.estimator_of(method) * leg,
            "runner (RBDS)": _BODY_STANCE,
        }
    elif measure in IMPACTS:
        degrees = _DEGREES_CADENCE
        parts = {"published smallest detectable change of 23 %": _IMPACT_REPEAT}
    else:
        degrees = _DEGREES_CADENCE
        parts = {"runner (RBDS)": _BODY_CADENCE}
    text = ", ".join(f"{name} {100 * sd:.1f} %" for name, sd in parts.items())
    return Prior(
        sd=math.sqrt(math.fsum(sd * sd for sd in parts.values())),
        degrees=degrees,
        source=f"{text}; weight: {degrees:g} degrees of freedom, from how alike 17 runners are",
    )


def predict(values: Sequence[float], *, level: float, prior: Prior, extra_sd: float = 0.0) -> tuple[Band, float]:
    """Band for one more value of the same kind, and the degrees of freedom behind it.

    The prior enters only below 5 values. `extra_sd` is what the new value has beyond the old ones (added in squares).
    Raises ValueError without values.
    """
    k = len(values)
    if k == 0:
        raise ValueError("no earlier run: a band needs one at least")
    mean = math.fsum(values) / k
    squares = math.fsum((value - mean) ** 2 for value in values)
    weight = prior.degrees if k < RUNS_ALONE else 0.0
    degrees = weight + k - 1
    sd = math.sqrt((weight * prior.sd**2 + squares) / degrees)
    half = _t(0.5 + level / 2.0, degrees) * math.sqrt(sd * sd * (1.0 + 1.0 / k) + extra_sd * extra_sd)
    band = Band(
        centre=mean,
        low=mean - half,
        high=mean + half,
        level=level,
        runs=k,
        sd=sd,
        prior=prior if weight else None,
    )
    return band, degrees


def smallest_real_change(sd: float, degrees: float, *, level: float = 0.95) -> float:
    """The smallest difference between two runs that is real: t sqrt(2) sd (with endless degrees 1.96 sqrt(2) SEM)."""
    return _t(0.5 + level / 2.0, degrees) * math.sqrt(2.0) * sd
