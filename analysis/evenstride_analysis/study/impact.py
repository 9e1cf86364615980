"""Is a shock's size measured rightly? Analytic shocks whose filtered peak is known, sampled as a pod samples them.

Truth: the specific force (gravity included) in continuous time, low-passed at 60 Hz without lag, its highest value in
the first 80 ms of stance; computed at 16 kHz. The pod sees it through its rate, its noise, its 16 bits and its range.
RBDS cannot serve: its virtual sensors are faithful in time and not in impact. Nothing here speaks of straps and skin.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evenstride_analysis.filters import low_pass, low_pass_kernel
from evenstride_analysis.model import FloatArray, Side
from evenstride_analysis.simulate import Part, RunnerPlan, VirtualRunner, detect, real_pod
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.strides.impact import LOWEST_RATE_HZ, measure_impact
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2, g_from_mps2, mps2_from_g

TRUTH_HZ = 16_000.0
CUTOFF_HZ = 60.0
RATES_HZ = (100.0, 208.0, 416.0, 1000.0)
WIDTHS_S = (0.010, 0.020, 0.030)
_FROM_S, _TO_S, _STRIKE_S = -0.15, 0.30, 0.012
_NOISE_MPS2 = 0.02 * STANDARD_GRAVITY_MPS2
_FULL_COUNTS = 32_768.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shock:
    """A half sine of `width_s` along the shin, `axial_mps2` high (unfiltered, over gravity), and its share forward."""

    width_s: float
    axial_mps2: float
    forward_share: float

    def force(self, t_s: FloatArray) -> FloatArray:
        """Specific force (n, 3) in shank axes at times after contact."""
        phase = (t_s - _STRIKE_S) / self.width_s
        pulse = self.axial_mps2 * np.where((phase > 0.0) & (phase < 1.0), np.sin(math.pi * phase), 0.0)
        return np.stack([self.forward_share * pulse, STANDARD_GRAVITY_MPS2 + pulse, np.zeros(len(t_s))], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShockRow:
    """Relative errors of shocks of one width at one rate and range; `clipped` their share that left the range."""

    rate_hz: float
    width_s: float
    range_g: float
    shocks: int
    axial_bias: float
    axial_sd: float
    axial_worst: float  # 95 % of the shocks err by less
    resultant_bias: float
    resultant_sd: float
    clipped: float


def true_peaks(shock: Shock) -> tuple[float, float]:
    """(axial, resultant) of the low-passed continuous signal, m/s2."""
    t_s: FloatArray = _FROM_S + np.arange(round((_TO_S - _FROM_S) * TRUTH_HZ)) / TRUTH_HZ
    kernel = low_pass_kernel(CUTOFF_HZ, TRUTH_HZ)
    smooth = np.stack([low_pass(np.ascontiguousarray(axis), kernel) for axis in shock.force(t_s).T])
    inside = t_s[(len(kernel) - 1) // 2 :][: smooth.shape[1]]
    smooth = smooth[:, (inside >= 0.0) & (inside <= 0.080)]
    return float(smooth[1].max()), math.sqrt(float((smooth * smooth).sum(axis=0).max()))


def sampled_peaks(
    shock: Shock, *, rate_hz: float, range_g: float, phase: float, rng: np.random.Generator
) -> tuple[float, float, bool]:
    """(axial, resultant, clipped) as the product measures them; `phase` 0-1 shifts the samples against contact."""
    t_s: FloatArray = _FROM_S + (np.arange(math.ceil((_TO_S - _FROM_S) * rate_hz), dtype=np.float64) + phase) / rate_hz
    full = mps2_from_g(range_g)
    step = full / _FULL_COUNTS
    felt = shock.force(t_s) + rng.normal(0.0, _NOISE_MPS2, (len(t_s), 3))
    seen: FloatArray = np.asarray(np.clip(np.round(felt / step) * step, -full, full), dtype=np.float64)
    found = measure_impact(seen, (0.0 - float(t_s[0])) * rate_hz, rate_hz)
    return found.axial_mps2, found.resultant_mps2, bool((np.abs(seen) >= 0.99 * full).any())


def shock_rows(
    *,
    rates_hz: Sequence[float] = RATES_HZ,
    widths_s: Sequence[float] = WIDTHS_S,
    range_g: float = 32.0,
    peaks_g: tuple[float, float] = (4.0, 14.0),
    shocks: int = 150,
    seed: int = 0,
) -> list[ShockRow]:
    """One row for each width and rate; unfiltered heights are drawn evenly from `peaks_g`."""
    rows: list[ShockRow] = []
    for width_s in widths_s:
        rng = np.random.default_rng((seed, round(1e6 * width_s)))
        drawn = [
            Shock(width_s=width_s, axial_mps2=mps2_from_g(height), forward_share=share)
            for height, share in zip(rng.uniform(*peaks_g, shocks), rng.uniform(0.2, 0.6, shocks), strict=True)
        ]
        truth = np.array([true_peaks(shock) for shock in drawn])
        for rate_hz in rates_hz:
            found = [
                sampled_peaks(shock, rate_hz=rate_hz, range_g=range_g, phase=float(rng.uniform()), rng=rng)
                for shock in drawn
            ]
            errors = np.array([[axial, resultant] for axial, resultant, _ in found]) / truth - 1.0
            rows.append(
                ShockRow(
                    rate_hz=rate_hz,
                    width_s=width_s,
                    range_g=range_g,
                    shocks=shocks,
                    axial_bias=float(errors[:, 0].mean()),
                    axial_sd=float(errors[:, 0].std(ddof=1)),
                    axial_worst=float(np.percentile(np.abs(errors[:, 0]), 95)),
                    resultant_bias=float(errors[:, 1].mean()),
                    resultant_sd=float(errors[:, 1].std(ddof=1)),
                    clipped=sum(clipped for _, _, clipped in found) / shocks,
                )
            )
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ClippedIndex:
    """What clipping does to a symmetry index of axial peaks: planted, and as the clipped peaks would give it."""

    range_g: float
    planted: float
    found: float
    clipped_left: float
    clipped_right: float


def clipped_index(
    *, range_g: float, left_g: float = 20.0, right_g: float = 15.0, strides: int = 100, seed: int = 0
) -> ClippedIndex:
    """Both legs' shocks of 15 ms, stride SD 10 %, at 416 Hz; heights are unfiltered means."""
    rng = np.random.default_rng(seed)
    truth: list[float] = []
    found: list[float] = []
    clipped: list[float] = []
    for mean_g in (left_g, right_g):
        heights = rng.normal(mean_g, 0.1 * mean_g, strides)
        shocks = [Shock(width_s=0.015, axial_mps2=mps2_from_g(height), forward_share=0.4) for height in heights]
        seen = [
            sampled_peaks(shock, rate_hz=416.0, range_g=range_g, phase=float(rng.uniform()), rng=rng)
            for shock in shocks
        ]
        truth.append(float(np.mean([true_peaks(shock)[0] for shock in shocks])))
        found.append(float(np.mean([axial for axial, _, _ in seen])))
        clipped.append(sum(cut for _, _, cut in seen) / strides)
    return ClippedIndex(
        range_g=range_g,
        planted=2.0 * (truth[0] - truth[1]) / (truth[0] + truth[1]),
        found=2.0 * (found[0] - found[1]) / (found[0] + found[1]),
        clipped_left=clipped[0],
        clipped_right=clipped[1],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualRow:
    """Errors of the whole detector on a virtual runner's shocks, which ring at `impact_hz` and are known unsensed."""

    rate_hz: float
    impact_hz: float
    shocks: int
    axial_bias: float
    axial_worst: float  # the largest of all
    resultant_bias: float
    resultant_worst: float


def virtual_rows(
    *, rates_hz: Sequence[float] = RATES_HZ[1:], impacts_hz: Sequence[float] = (25.0, 40.0), seconds: float = 15.0
) -> list[VirtualRow]:
    """A virtual runner at 3.3 m/s with shocks of 9 g and a pod with real noise, through StrideDetector."""
    rows: list[VirtualRow] = []
    for impact_hz in impacts_hz:
        for rate_hz in rates_hz:
            parts = (Part(duration_s=seconds, speed_mps=3.3, impact_g=9.0, impact_hz=impact_hz),)
            pod = replace(real_pod(rate_hz), gyro_bias_radps=0.0, accel_bias_mps2=0.0, accel_drift_mps2=0.0)
            runner = VirtualRunner(RunnerPlan(parts=parts, style=1), pod, 2)
            errors = np.array([error for side in Side for error in _virtual_errors(runner, side)])
            worst = np.abs(errors).max(axis=0)
            rows.append(
                VirtualRow(
                    rate_hz=rate_hz,
                    impact_hz=impact_hz,
                    shocks=len(errors),
                    axial_bias=float(errors[:, 0].mean()),
                    axial_worst=float(worst[0]),
                    resultant_bias=float(errors[:, 1].mean()),
                    resultant_worst=float(worst[1]),
                )
            )
    return rows


def _virtual_errors(runner: VirtualRunner, side: Side) -> list[tuple[float, float]]:
    found = detect(runner, side, StrideDetector, block=1024)
    return [
        (stride.impact_axial_mps2 / shock.axial_mps2 - 1.0, stride.impact_mps2 / shock.resultant_mps2 - 1.0)
        for shock in runner.shocks(side)
        for stride in found
        if abs(stride.strike_s - shock.strike_s) < 0.1
        and stride.impact_axial_mps2 is not None
        and stride.impact_mps2 is not None
    ]


def impact_markdown(
    rows: Sequence[ShockRow], clipping: Sequence[ClippedIndex], virtual: Sequence[VirtualRow] = ()
) -> str:
    """The section of docs/accuracy.md: errors in percent of the true peak."""
    lines = [
        "| shock | rate | axial: bias, SD, 95 % below | resultant: bias, SD | product says |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        says = "measured" if row.rate_hz >= LOWEST_RATE_HZ else "not measurable"
        lines.append(
            f"| {1e3 * row.width_s:.0f} ms | {row.rate_hz:g} Hz | {_percent(row.axial_bias)}, {_size(row.axial_sd)},"
            f" {_size(row.axial_worst)} | {_percent(row.resultant_bias)}, {_size(row.resultant_sd)} | {says} |"
        )
    cut = [
        "| range | clipped left / right | index planted | index from clipped peaks | product says |",
        "|---|---|---|---|---|",
    ]
    for one in clipping:
        refused = max(one.clipped_left, one.clipped_right) > 0.05
        cut.append(
            f"| ±{one.range_g:g} g | {100 * one.clipped_left:.0f} / {100 * one.clipped_right:.0f} %"
            f" | {_percent(one.planted)} | {_percent(one.found)}"
            f" | {'not measurable: clipped' if refused else 'measured'} |"
        )
    noise = g_from_mps2(_NOISE_MPS2)
    return (
        f"Half-sine shocks of 4-14 g (unfiltered) with a forward part, noise {noise:.2f} g, 16 bits,"
        f" ±{rows[0].range_g:g} g,"
        f" {rows[0].shocks} a row; truth: the continuous signal, 60 Hz low-pass without lag, gravity included."
        " Peaks are taken at samples, so a slow rate scatters.\n\n" + "\n".join(lines) + "\n\n"
        "A shock beyond the range (unfiltered 20 g left, 15 g right, 15 ms):\n\n" + "\n".join(cut) + "\n"
    ) + (_virtual_markdown(virtual) if virtual else "")


def _virtual_markdown(virtual: Sequence[VirtualRow]) -> str:
    lines = [
        "| shock rings at | rate | shocks | axial: bias, worst | resultant: bias, worst |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.impact_hz:g} Hz | {row.rate_hz:g} Hz | {row.shocks}"
        f" | {_percent(row.axial_bias)}, {_size(row.axial_worst)}"
        f" | {_percent(row.resultant_bias)}, {_size(row.resultant_worst)} |"
        for row in virtual
    ]
    return (
        "\nThe whole detector on a virtual runner (9 g, pod with real noise), truth from the shank's own signal at"
        " 4 kHz:\n\n" + "\n".join(lines) + "\n"
    )


def _percent(fraction: float) -> str:
    return f"{100.0 * fraction:+.1f} %"


def _size(fraction: float) -> str:
    return f"{100.0 * fraction:.1f} %"
