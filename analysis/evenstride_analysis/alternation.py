"""Two pods that never met a common clock: one pod's time in the other's, from the strikes of a run alone."""

import math
from dataclasses import dataclass

import numpy as np

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import FloatArray

LEAST_STRIKES = 20  # matched strikes: fewer tell nothing about a clock
PHASE_DOUBT = 0.04  # of a stride: how far a step may be from half of it (a step time index of 16 %)
LARGEST_DRIFT = 100e-6  # of one crystal against the other
LEAST_SHARE = 0.8  # of the strikes in the common part must alternate
_GRID_S = 1.0
_BLOCK_S = 40.0  # over which the phase is averaged: two crystals part by 4 ms at most
_UNMATCHED_S = 0.05  # a second with one leg only is as bad as strides that differ by this
_BEST = 12  # coarse lags that are looked at closely
_NEAR = 2  # strides on either side of each
_SURE = 6.0  # times as likely (natural logarithm) as every other stride, strides in tens
_TOGETHER = 10.0  # strides whose deviations come from one cause: ten strides count as one witness


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Strikes:
    """One leg's running strides in its own pod's seconds, in order: `strike_s` (n,) and their lengths `stride_s` (n,).

    Raises InputError when they are not finite, not in order, or not of one length.
    """

    strike_s: FloatArray
    stride_s: FloatArray

    def __post_init__(self) -> None:
        ordered = bool((np.diff(self.strike_s) > 0).all()) and bool((self.stride_s > 0).all())
        finite = bool(np.isfinite(self.strike_s).all()) and bool(np.isfinite(self.stride_s).all())
        if self.strike_s.shape != self.stride_s.shape or self.strike_s.ndim != 1 or not (ordered and finite):
            raise InputError("strikes of one leg: times in order and lengths above 0 were expected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternation:
    """The second pod's time in the first one's: first_s = first_ref_s + (second_s - second_ref_s) (1 + drift).

    Wrong by at most `bound_s` where strides were matched. `certain`: no other stride fits nearly as well; where it is
    not, the bound holds all that do. `share`: of the strikes that fall into a known stride of the first leg, those that
    alternate with it; `matched` is their number.
    """

    first_ref_s: float
    second_ref_s: float
    drift: float
    bound_s: float
    certain: bool
    share: float
    matched: int

    def first_s(self, second_s: float) -> float:
        return self.first_ref_s + (second_s - self.second_ref_s) * (1.0 + self.drift)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    shift_s: float  # first minus second at `ref_s` of the second
    ref_s: float
    drift: float
    scatter_s: float
    matched: int
    common: int
    likelihood: float


def align(first: Strikes, second: Strikes, *, shift_s: tuple[float, float] | None = None) -> Alternation | None:
    """Where the second leg's strikes fall between the first one's. None where they do not alternate anywhere.

    `shift_s`: first pod's time less second pod's lies in this range at the middle of the second's strikes (None =
    anything, if the strides then share 60 % of the shorter run).

    What it rests on: in running a foot strikes about half a stride after the other one, and both legs share every
    change of tempo, every pause, the start and the end. Method: (1) coarse lags, from the stride lengths of both legs
    on a grid of 1 s: small differences where both run, few seconds in which one runs alone (by FFT); (2) around the
    best lags, stride by stride, the phase of each strike in the other leg's stride, averaged over blocks of 40 s,
    unwrapped, and a line through it: its slope is the drift, its distance from one half the shift; (3) of all
    candidates the one with the most, and most regular, alternating strikes.

    Error: a step may be 4 % of a stride off its half (a step time index of 16 %), which no strike shows; besides, the
    scatter of the strikes. When another whole stride is nearly as likely, the bound covers it and `certain` is False:
    stance, impact and their symmetry do not suffer from a shift by a stride, step and flight times are withheld anyway.

    Measured by simulation only: docs/clocks.md, tests/analysis/test_alternation.py. Two runs of a minute or two, or
    very even ones, alternate somewhere whosever they are (never certain then): that they are one run must be known
    otherwise. Not validated: real pods, legs that differ by more than that, a limp, two runners who run in step.
    """
    if min(len(first.strike_s), len(second.strike_s)) < LEAST_STRIKES:
        return None
    ref_s = float(second.strike_s[0] + second.strike_s[-1]) / 2.0
    stride_s = float(np.median(np.concatenate([first.stride_s, second.stride_s])))
    fits: dict[int, _Fit] = {}
    for lag_s in _coarse(first, second, shift_s):
        for k in range(-_NEAR, _NEAR + 1):
            fit = _refine(first, second, lag_s + k * stride_s, ref_s)
            if fit is None or (shift_s is not None and not _within(fit.shift_s, shift_s, 0.25 * stride_s)):
                continue
            key = round(fit.shift_s / (0.5 * stride_s))
            if key not in fits or fits[key].likelihood < fit.likelihood:
                fits[key] = fit
    if not fits:
        return None
    best = max(fits.values(), key=lambda fit: fit.likelihood)
    if best.matched < LEAST_STRIKES or best.matched < LEAST_SHARE * best.common:
        return None
    rivals = [f for f in fits.values() if abs(f.shift_s - best.shift_s) > 0.5 * stride_s]
    near = [f for f in rivals if (best.likelihood - f.likelihood) / _TOGETHER < _SURE]
    statistical_s = 3.0 * best.scatter_s / math.sqrt(max(1.0, best.matched / _TOGETHER))
    off_s = max((abs(f.shift_s - best.shift_s) for f in near), default=0.0)
    return Alternation(
        first_ref_s=ref_s + best.shift_s,
        second_ref_s=ref_s,
        drift=best.drift,
        bound_s=off_s + PHASE_DOUBT * stride_s + statistical_s,
        certain=not near,
        share=best.matched / best.common,
        matched=best.matched,
    )


def _within(shift_s: float, allowed: tuple[float, float], slack_s: float) -> bool:
    return allowed[0] - slack_s <= shift_s <= allowed[1] + slack_s


def _on_grid(strikes: Strikes, start_s: float, n: int) -> tuple[FloatArray, FloatArray]:
    """Whether the leg runs at each second from `start_s` on (1 or 0), and how long its stride is there (else 0)."""
    t_s = start_s + _GRID_S * np.arange(n)
    at = np.searchsorted(strikes.strike_s, t_s, side="right") - 1
    known = at >= 0
    inside = known & (t_s < strikes.strike_s[at] + strikes.stride_s[at])
    return inside.astype(np.float64), np.where(inside, strikes.stride_s[at], 0.0)


def _coarse(first: Strikes, second: Strikes, shift_s: tuple[float, float] | None) -> list[float]:
    """The lags (first minus second, s) at which both legs' running and stride lengths look most alike."""
    spans = [float(s.strike_s[-1] - s.strike_s[0]) for s in (first, second)]
    starts = [float(first.strike_s[0]), float(second.strike_s[0])]
    if shift_s is not None and shift_s[1] - shift_s[0] < _GRID_S:
        return [(shift_s[0] + shift_s[1]) / 2.0]
    n = [int(span / _GRID_S) + 2 for span in spans]
    size = 1 << (sum(n) - 1).bit_length()
    runs, lengths = zip(
        *(_on_grid(s, start, k) for s, start, k in zip((first, second), starts, n, strict=True)), strict=True
    )
    centre = float(np.median(first.stride_s))
    lengths = tuple(np.where(run > 0, length - centre, 0.0) for run, length in zip(runs, lengths, strict=True))

    def correlated(a: FloatArray, b: FloatArray) -> FloatArray:
        return np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)

    both = correlated(runs[0], runs[1])
    squares = correlated(lengths[0] ** 2, runs[1]) + correlated(runs[0], lengths[1] ** 2)
    unlike = squares - 2.0 * correlated(lengths[0], lengths[1])
    alone = runs[0].sum() + runs[1].sum() - 2.0 * both
    cost = unlike + alone * _UNMATCHED_S**2
    steps = np.arange(size)
    lags_s = np.where(steps < n[0], steps, steps - size) * _GRID_S + starts[0] - starts[1]
    if shift_s is None:
        allowed = both >= 0.6 * min(runs[0].sum(), runs[1].sum())
    else:
        allowed = (lags_s >= shift_s[0] - _GRID_S) & (lags_s <= shift_s[1] + _GRID_S)
    order = [int(k) for k in np.argsort(cost) if allowed[k]]
    return [float(lags_s[k]) for k in order[:_BEST]]


def _refine(first: Strikes, second: Strikes, shift_s: float, ref_s: float) -> _Fit | None:
    """The alternation nearest to this shift: the line of the phase through one half."""
    drift = 0.0
    for _ in range(3):
        u_s = second.strike_s + shift_s + drift * (second.strike_s - ref_s)
        at = np.clip(np.searchsorted(first.strike_s, u_s, side="right") - 1, 0, len(first.strike_s) - 1)
        length_s = first.stride_s[at]
        phase = (u_s - first.strike_s[at]) / length_s
        inside = (phase >= 0.0) & (phase < 1.0)
        if inside.sum() < LEAST_STRIKES:
            return None
        line = _phase_line(second.strike_s[inside] - ref_s, phase[inside], float(np.median(length_s[inside])))
        shift_s -= line[0]
        drift -= line[1]
    if abs(drift) > LARGEST_DRIFT:
        drift = math.copysign(LARGEST_DRIFT, drift)
    return _judged(first, second, shift_s, drift, ref_s)


def _phase_line(t_s: FloatArray, phase: FloatArray, stride_s: float) -> tuple[float, float]:
    """How far the strikes are from the middle of the other leg's strides: (s at t = 0, s per s)."""
    block = np.floor((t_s - t_s[0]) / _BLOCK_S).astype(np.int64)
    found: list[tuple[float, float, int]] = []
    for number in np.unique(block):
        mine = block == number
        turn = complex(np.exp(2j * np.pi * (phase[mine] - 0.5)).mean())
        found.append((float(t_s[mine].mean()), math.atan2(turn.imag, turn.real), int(mine.sum())))
    middle_s = np.array([f[0] for f in found])
    angle = np.unwrap(np.array([f[1] for f in found]))
    weight = np.sqrt(np.array([f[2] for f in found], dtype=np.float64))
    slope = 0.0
    if len(found) >= 3:
        slope, level = (float(v) for v in np.polyfit(middle_s, angle, 1, w=weight))
    else:
        level = float(np.average(angle, weights=weight**2))
    level -= 2.0 * math.pi * round(level / (2.0 * math.pi))
    return level / (2.0 * math.pi) * stride_s, slope / (2.0 * math.pi) * stride_s


def _judged(first: Strikes, second: Strikes, shift_s: float, drift: float, ref_s: float) -> _Fit | None:
    """How many strikes alternate at this shift, and how regularly."""
    u_s = second.strike_s + shift_s + drift * (second.strike_s - ref_s)
    at = np.searchsorted(first.strike_s, u_s, side="right") - 1
    common = (at >= 0) & (u_s < first.strike_s[at] + first.stride_s[at])  # the other leg's stride is known there
    at, u_s = at[common], u_s[common]
    off_s = u_s - first.strike_s[at] - 0.5 * first.stride_s[at]
    alone = np.bincount(at, minlength=len(first.strike_s))[at] == 1
    matched = alone & (np.abs(off_s) < 0.25 * first.stride_s[at])
    n = int(matched.sum())
    if n < LEAST_STRIKES:
        return None
    off_s = off_s[matched]
    scatter_s = max(1e-4, 1.4826 * float(np.median(np.abs(off_s - np.median(off_s)))))
    gain = math.log(float(np.median(first.stride_s)) / scatter_s) - 0.5 * (1.0 + math.log(2.0 * math.pi))
    return _Fit(
        shift_s=shift_s,
        ref_s=ref_s,
        drift=drift,
        scatter_s=scatter_s,
        matched=n,
        common=int(common.sum()),
        likelihood=n * gain,
    )
