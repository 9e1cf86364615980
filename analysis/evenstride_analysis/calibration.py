"""What a reference session (force plate, light barrier) says of a hardware: offsets of contact and toe-off."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import Doubt, FloatArray, Gait, IntArray, Side, Stride
from evenstride_analysis.student import t_quantile

MATCH_S = 0.080  # a found event this near to a reference event is that event
LEAST_STANCES = 20  # of each leg
_GROSS_S = 0.040  # from the median: such a pair is not a measurement of the offset
_AMBIGUOUS = 1.3  # the next best lag must fit that much worse
_SKEW_FROM_S = 60.0  # shorter references cannot tell a clock's rate from chance
# How much one runner's mean events differ from another's, by the learned estimator (signals.md 3.3: SD 3.8 ms by
# runner, stance, virtual sensors). One runner's reference session cannot tell it from the hardware's own offset.
RUNNER_SD_S = 0.004


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareOffset:
    """How much later (positive) this hardware's events come than the reference's; subtracted. `version` from 1."""

    name: str
    version: int
    ic_offset_s: float
    tc_offset_s: float

    def __post_init__(self) -> None:
        if not (abs(self.ic_offset_s) < 0.1 and abs(self.tc_offset_s) < 0.1):
            raise InputError(f"hardware {self.name}: offsets of 100 ms or more are no offsets")

    @property
    def label(self) -> str:
        return f"{self.name}.{self.version}"

    def method_of(self, base: str) -> str:
        """The name of a method with this offset: `learned-1+hw:NAME.VERSION`."""
        return f"{base}+hw:{self.label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceEvents:
    """One leg's stances by the reference: strike_s and toe_off_s (n,), in time order, on the reference's clock."""

    strike_s: FloatArray
    toe_off_s: FloatArray

    def __post_init__(self) -> None:
        if len(self.strike_s) != len(self.toe_off_s):
            raise InputError("a reference needs as many toe-offs as strikes")
        if not bool(np.all(np.diff(self.strike_s) > 0)):
            raise InputError("strikes of one leg must come in rising time")
        stance_s = self.toe_off_s - self.strike_s
        if not bool(np.all((stance_s > 0.05) & (stance_s < 1.5))):
            raise InputError("toe_off_s must follow its strike_s by 0.05 to 1.5 s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean difference with its 95 % intervals: the strides' scatter, and with what one runner differs from others."""

    value_s: float
    low_s: float
    high_s: float
    total_low_s: float
    total_high_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetFit:
    """Found minus reference. `ic` and `tc` are None where the clocks are not one: then only `stance` is known.

    `legs_s` is each leg's own stance difference; `gross` counts pairs that were left out. `lag_s` (own clock) turns
    reference time into session time.
    """

    stance: Estimate
    ic: Estimate | None
    tc: Estimate | None
    legs_s: Mapping[Side, float]
    stances: int
    missed: int
    gross: int
    lag_s: float
    skew_ppm: float
    method: str

    def offset(self, name: str, version: int) -> HardwareOffset:
        """The offsets to subtract. Without a common clock toe-off takes all of the stance's: contact stays unknown."""
        if self.ic is None or self.tc is None:
            return HardwareOffset(name=name, version=version, ic_offset_s=0.0, tc_offset_s=self.stance.value_s)
        return HardwareOffset(name=name, version=version, ic_offset_s=self.ic.value_s, tc_offset_s=self.tc.value_s)


def fit_offsets(
    found: Mapping[Side, Sequence[Stride]],
    strike_s: Mapping[Side, Sequence[float]],
    reference: Mapping[Side, ReferenceEvents],
    *,
    shared_clock: bool,
) -> OffsetFit:
    """Offsets of a hardware from one runner's reference session.

    `found` are the strides by the method without a hardware offset, `strike_s` their strikes in session time. With
    `shared_clock` the reference's times are session times; otherwise the lag that fits best is found (and from 60 s on
    the rate of its clock), and only the stance can be calibrated. Legs count equally. Raises InputError when fewer than
    20 stances of each recorded leg match, when another lag fits nearly as well, or when methods are mixed.
    """
    clean = {side: _clean(found[side], strike_s[side]) for side in reference if side in found}
    if not clean:
        raise InputError("the reference and the recording have no leg in common")
    methods = sorted({stride.method for side in clean for stride in found[side]})
    if len(methods) != 1 or "+hw:" in methods[0]:
        raise InputError(f"strides of one method without hardware offset were expected; found {', '.join(methods)}")
    lag_s = skew = 0.0
    if not shared_clock:
        lag_s, skew = _lag(clean, reference)
    legs = {side: _Leg.of(own, reference[side], lag_s, skew) for side, own in clean.items()}
    for side, leg in legs.items():
        if len(leg.ic_s) < LEAST_STANCES:
            raise InputError(
                f"{side.value} leg: {len(leg.ic_s)} stances match the reference, {LEAST_STANCES} are needed;"
                " is it the same run, and are its times in seconds?"
            )
    return OffsetFit(
        stance=_estimate([leg.tc_s - leg.ic_s for leg in legs.values()]),
        ic=_estimate([leg.ic_s for leg in legs.values()]) if shared_clock else None,
        tc=_estimate([leg.tc_s for leg in legs.values()]) if shared_clock else None,
        legs_s={side: float(np.mean(leg.tc_s - leg.ic_s)) for side, leg in legs.items()},
        stances=sum(len(leg.ic_s) for leg in legs.values()),
        missed=sum(leg.missed for leg in legs.values()),
        gross=sum(leg.gross for leg in legs.values()),
        lag_s=lag_s,
        skew_ppm=skew * 1e6,
        method=methods[0],
    )


@dataclass(frozen=True, slots=True)
class _Leg:
    ic_s: FloatArray
    tc_s: FloatArray
    missed: int
    gross: int

    @classmethod
    def of(cls, found: FloatArray, reference: ReferenceEvents, lag_s: float, skew: float) -> "_Leg":
        """Matches of found (n, 2) strikes and toe-offs to the reference."""
        strike_s = reference.strike_s * (1.0 + skew) + lag_s
        toe_off_s = reference.toe_off_s * (1.0 + skew) + lag_s
        inside = (strike_s > found[0, 0] - 1.0) & (strike_s < found[-1, 0] + 1.0) if len(found) else strike_s < 0
        strike_s, toe_off_s = strike_s[inside], toe_off_s[inside]
        if not len(found) or not len(strike_s):
            return cls(np.empty(0), np.empty(0), len(strike_s), 0)
        nearest = _nearest(found[:, 0], strike_s)
        ic = found[nearest, 0] - strike_s
        tc = found[nearest, 1] - toe_off_s
        near = np.abs(ic) <= MATCH_S
        ic, tc, missed = ic[near], tc[near], int(np.sum(~near))
        if not len(ic):
            return cls(ic, tc, missed, 0)
        usual = (np.abs(ic - np.median(ic)) <= _GROSS_S) & (np.abs(tc - np.median(tc)) <= _GROSS_S)
        return cls(ic[usual], tc[usual], missed, int(np.sum(~usual)))


def _clean(strides: Sequence[Stride], strike_s: Sequence[float]) -> FloatArray:
    """(n, 2) strike and toe-off in session time of the clean running strides."""
    spared = Doubt.CLIPPED
    rows = [
        (t_s, t_s + stride.stance_s)
        for stride, t_s in zip(strides, strike_s, strict=True)
        if stride.gait is Gait.RUN and not stride.doubt & ~spared
    ]
    return np.array(sorted(rows), dtype=np.float64).reshape(-1, 2)


def _nearest(values: FloatArray, wanted: FloatArray) -> IntArray:
    """Positions in sorted `values` that lie nearest to each of `wanted`."""
    at = np.clip(np.searchsorted(values, wanted), 1, max(1, len(values) - 1))
    left = np.abs(values[at - 1] - wanted) <= np.abs(values[np.minimum(at, len(values) - 1)] - wanted)
    return np.where(left, at - 1, np.minimum(at, len(values) - 1))


def _lag(found: Mapping[Side, FloatArray], reference: Mapping[Side, ReferenceEvents]) -> tuple[float, float]:
    """(lag, rate error) of the reference's clock: the lag at which most strikes coincide, most closely."""
    candidates: list[float] = []
    for side, own in found.items():
        # the true lag pairs some found strike with the reference's middle one
        middle = float(reference[side].strike_s[len(reference[side].strike_s) // 2])
        candidates += (own[:, 0] - middle).tolist()
    if not candidates:
        raise InputError("no clean running stride was found in the recording")
    scored = sorted((_misfit(found, reference, lag), lag) for lag in candidates)
    best, lag_s = scored[0]
    rivals = [score for score, lag in scored if abs(lag - lag_s) > 0.2]
    if not math.isfinite(best):
        raise InputError(
            "no lag makes half of the reference's strikes coincide with the recording: is it the same run?"
        )
    if rivals and rivals[0] < _AMBIGUOUS * best:
        raise InputError(
            "the reference fits the recording at two places nearly as well; record both on one clock, or stop and start"
            " once during the reference"
        )
    skew = 0.0
    for _ in range(3):
        pairs: list[tuple[float, float]] = []
        for side, own in found.items():
            t_s = reference[side].strike_s
            residual = own[_nearest(own[:, 0], t_s * (1 + skew) + lag_s), 0] - t_s * (1 + skew) - lag_s
            centre = float(np.median(residual[np.abs(residual) <= MATCH_S]))
            near = np.abs(residual - centre) <= _GROSS_S
            pairs += zip(t_s[near].tolist(), residual[near].tolist(), strict=True)
        both = np.array(pairs, dtype=np.float64)
        x, y = both[:, 0], both[:, 1]
        if float(np.ptp(x)) >= _SKEW_FROM_S:
            centred = x - x.mean()
            slope = float((centred * y).sum() / (centred * centred).sum())
            skew += slope
            y = y - slope * x
        lag_s += float(np.mean(y))
    return lag_s, skew


def _misfit(found: Mapping[Side, FloatArray], reference: Mapping[Side, ReferenceEvents], lag_s: float) -> float:
    """Scatter of the strikes about their median at this lag, s; infinite when less than half of them coincide."""
    residuals: list[FloatArray] = []
    for side, own in found.items():
        t_s = reference[side].strike_s + lag_s
        residuals.append(own[_nearest(own[:, 0], t_s), 0] - t_s)
    every = np.concatenate(residuals)
    near = every[np.abs(every) <= MATCH_S]
    if 2 * len(near) < len(every):
        return math.inf
    scatter = float(np.median(np.abs(near - np.median(near))))
    return max(scatter, 1e-4) * len(every) / len(near)


def _estimate(legs: Sequence[FloatArray]) -> Estimate:
    """Mean of the legs' means. Scatter: each leg's strides (neighbours resemble each other: effective number), and half
    the difference of the legs, which one session cannot tell from chance."""
    means = [float(np.mean(own)) for own in legs]
    value = sum(means) / len(means)
    errors = [float(np.std(own, ddof=1)) / math.sqrt(_effective(own)) for own in legs]
    error = math.sqrt(sum(e * e for e in errors)) / len(legs)
    degrees = max(2.0, min(_effective(own) for own in legs) - 1.0)
    scatter = t_quantile(0.975, degrees) * error
    z = NormalDist().inv_cdf(0.975)
    total = math.hypot(scatter, z * RUNNER_SD_S)
    return Estimate(
        value_s=value,
        low_s=value - scatter,
        high_s=value + scatter,
        total_low_s=value - total,
        total_high_s=value + total,
    )


def _effective(series: FloatArray) -> float:
    """Independent values that tell as much of the mean as this series (n,): n (1 - r) / (1 + r), r at lag 1, >= 3."""
    centred = series - series.mean()
    power = float((centred * centred).sum())
    if power == 0.0:
        return float(len(series))
    r = min(0.9, max(0.0, float((centred[1:] * centred[:-1]).sum()) / power))
    return max(3.0, len(series) * (1.0 - r) / (1.0 + r))


def pooled(fits: Sequence[OffsetFit]) -> OffsetFit:
    """Several runners' reference sessions as one: each counts once, and what runners differ by shrinks.

    Raises InputError when methods or clocks are mixed.
    """
    if len(fits) == 1:
        return fits[0]
    if len({fit.method for fit in fits}) > 1 or len({fit.ic is None for fit in fits}) > 1:
        raise InputError("reference sessions of one method, and all with or all without a common clock, were expected")

    def joined(parts: Sequence[Estimate]) -> Estimate:
        value = sum(part.value_s for part in parts) / len(parts)
        scatter = math.sqrt(sum((part.high_s - part.value_s) ** 2 for part in parts)) / len(parts)
        spread = float(np.std([part.value_s for part in parts], ddof=1)) / math.sqrt(len(parts))
        between = max(RUNNER_SD_S / math.sqrt(len(parts)) * NormalDist().inv_cdf(0.975), 0.0)
        if len(parts) >= 3:
            between = max(between, t_quantile(0.975, len(parts) - 1.0) * spread)
        total = math.hypot(scatter, between)
        return Estimate(
            value_s=value,
            low_s=value - scatter,
            high_s=value + scatter,
            total_low_s=value - total,
            total_high_s=value + total,
        )

    last = fits[-1]
    ics = [fit.ic for fit in fits if fit.ic is not None]
    tcs = [fit.tc for fit in fits if fit.tc is not None]
    return OffsetFit(
        stance=joined([fit.stance for fit in fits]),
        ic=joined(ics) if ics else None,
        tc=joined(tcs) if tcs else None,
        legs_s=last.legs_s,
        stances=sum(fit.stances for fit in fits),
        missed=sum(fit.missed for fit in fits),
        gross=sum(fit.gross for fit in fits),
        lag_s=last.lag_s,
        skew_ppm=last.skew_ppm,
        method=last.method,
    )
