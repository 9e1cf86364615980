"""Derives the figures of the virtual runner (simulate/runner_shapes.json) from the public running recordings.

    python tools/derive_runner.py [--out FILE]      data from ../shared/data, or EVENSTRIDE_DATA

Event phases: the shapes put initial contact and toe-off where the two plain rules (axial acceleration passes 1 g, gyro
complement) would find them with the mean offset of all trials. A simulated runner therefore carries no system error of
these rules; how single legs of real trials deviate from that mean is kept beside, and drawn where a system error is
wanted.
The rules here are written again on purpose: the detector that the runner is to test has no part in making it.
"""

import argparse
import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from evenstride_analysis.model import FloatArray
from evenstride_analysis.simulate.shapes import MIRROR, waveform
from evenstride_analysis.simulate.warp import TOE_OFF_PHASE, PhaseWarp
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2 as G

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "analysis" / "evenstride_analysis" / "simulate" / "runner_shapes.json"
STYLES = ("015", "021", "022", "025", "016")  # both rules stay quiet on them, stretched stances included
SPEEDS = ("25", "35", "45")
GRID = 512
RUN_HARMONICS, WALK_HARMONICS, VARIATION_HARMONICS, COMPONENTS = 30, 36, 20, 6
SOURCE = (
    "Running: Fukuchi RK, Fukuchi CA, Duarte M (2017), PeerJ 5:e3298, CC BY 4.0, changed: mean strides of virtual "
    "shank IMUs as Fourier coefficients. Walking: BioMAC-Sim-Toolbox, Dorschky et al. 2019, J Biomech 95:109278, "
    "Apache-2.0, changed: tibia mean stride as Fourier coefficients."
)


@dataclass(eq=False)
class Leg:
    """One leg of one trial in right-leg axes: signals (n, 6) SI, events, and how the plain rules erred on it."""

    runner: str
    speed: str
    side: str
    fs: float
    signal: FloatArray
    strike_s: FloatArray
    toe_off_s: FloatArray
    strike_error_s: FloatArray = field(default_factory=lambda: np.empty(0))
    toe_off_error_s: FloatArray = field(default_factory=lambda: np.empty(0))


def low_pass(x: FloatArray, fs: float, cut_hz: float, order: int = 2) -> FloatArray:
    """Zero-lag Butterworth gain of this order, run both ways, by transform."""
    pad = int(fs)
    padded = np.pad(x, pad, mode="reflect")
    gain = 1 / (1 + (np.fft.rfftfreq(len(padded), 1 / fs) / cut_hz) ** (2 * order))
    return np.fft.irfft(np.fft.rfft(padded) * gain, len(padded))[pad : pad + len(x)]


def rule_events(axial: FloatArray, wz: FloatArray, fs: float) -> FloatArray:
    """(n, 2) of contact and toe-off times by the two plain rules of signals.md section 4, without constants."""
    w5, w15 = low_pass(wz, fs, 5), low_pass(wz, fs, 15)
    complement = low_pass(wz - low_pass(wz, fs, 15, order=1), fs, 10)  # first order: one peak, not two
    high = np.radians(150)
    peaks = [i for i in range(1, len(w5) - 1) if w5[i] > high and w5[i - 1] <= w5[i] > w5[i + 1]]
    found: list[tuple[float, float]] = []
    for p0, p1 in pairwise(peaks):
        if not 0.4 < (p1 - p0) / fs < 1.2:
            continue
        zero = p0 + int(np.argmax(w15[p0:p1] < 0))
        first = max(0, zero - int(0.03 * fs))
        i = first + int(np.argmax(axial[first : zero + int(0.11 * fs) + 1]))
        stop = i - 0.06 * fs
        while i > stop and axial[i] > G:
            i -= 1
        strike = (i + (G - axial[i]) / (axial[i + 1] - axial[i])) / fs
        low, end = int(p1 - (p1 - p0) / 2), int(p1 - (p1 - p0) / 10)
        bottom = low + int(np.argmin(w15[low:end]))
        if bottom - low < 3:
            continue
        q = low + int(np.argmax(complement[low : bottom + 1]))
        a, b, c = complement[q - 1 : q + 2]
        bend = a - 2 * b + c
        found.append((strike, (q + (0.5 * (a - c) / bend if bend < 0 else 0.0)) / fs))
    return np.array(found)


def nearest_error(found: FloatArray, truth: FloatArray) -> FloatArray:
    return np.array([found[np.argmin(np.abs(found - t))] - t for t in truth])


def read_legs(folder: Path) -> Iterator[Leg]:
    for path in sorted(folder.glob("*.npz")):
        runner, _, speed = path.stem.removeprefix("RBDS").partition("_T")
        with np.load(path) as raw:
            for side in "LR":
                signal = np.hstack([raw[f"{side}_acc_mg"] * (G * 1e-3), np.deg2rad(raw[f"{side}_gyr_ddps"] / 10.0)])
                if side == "L":
                    signal = signal * MIRROR
                strike, toe_off = raw[f"{side}_ic_s"], raw[f"{side}_tc_s"]
                leg = Leg(runner, speed, side, float(raw["fs_imu"]), signal, strike, toe_off)
                scored = (strike > 1) & (toe_off < 29)
                found = rule_events(signal[:, 1], signal[:, 5], leg.fs)
                leg.strike_error_s = nearest_error(found[:, 0], strike[scored])
                leg.toe_off_error_s = nearest_error(found[:, 1], toe_off[scored])
                yield leg


def strides_of(leg: Leg, strike_shift_s: float, toe_off_shift_s: float) -> FloatArray:
    """(strides, GRID, 6) over phase; gyro per unit of phase. Events are moved by the shifts first."""
    warp = PhaseWarp.through(leg.strike_s + strike_shift_s, leg.toe_off_s[: len(leg.strike_s) - 1] + toe_off_shift_s)
    clock = np.arange(len(leg.signal)) / leg.fs
    out: list[FloatArray] = []
    for k in range(len(leg.strike_s) - 1):
        if leg.strike_s[k] < 1 or leg.strike_s[k + 1] > 29:
            continue
        t = warp.time_s(k + np.arange(GRID) / GRID)
        rate = warp(t)[1]
        wave = np.stack([band_limited(t, clock, leg.signal[:, c]) for c in range(6)], axis=1)
        wave[:, 3:] /= rate[:, None]
        out.append(wave)
    return np.array(out)


def band_limited(t: FloatArray, clock: FloatArray, x: FloatArray) -> FloatArray:
    """Catmull-Rom between samples: the recordings end at a quarter of their sample rate."""
    fs = 1 / (clock[1] - clock[0])
    u = t * fs
    i = np.clip(u.astype(int), 1, len(x) - 3)
    f = u - i
    a, b, c, d = x[i - 1], x[i], x[i + 1], x[i + 2]
    return b + 0.5 * f * (c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a)))


def rows(wave: FloatArray, count: int) -> list[list[float]]:
    """(GRID, 6) to rows [mean, cos1, sin1, ...] rounded to 1 mm/s2 and 0.1 mrad."""
    spectrum = np.fft.rfft(wave, axis=0)[: count + 1] / len(wave)
    out: list[list[float]] = []
    for c in range(6):
        digits = 2 if c < 3 else 3
        row = [round(float(spectrum[0, c].real), digits)]
        for h in spectrum[1:, c]:
            row += [round(2 * float(h.real), digits), round(-2 * float(h.imag), digits)]
        out.append([0.0 if v == 0 else v for v in row])
    return out


def spectrum_of(wave: FloatArray, count: int) -> np.ndarray[tuple[int, int], np.dtype[np.complex128]]:
    return (np.fft.rfft(wave, axis=0)[: count + 1] / len(wave)).T


def net_turn(wave: FloatArray) -> FloatArray:
    """Rotation vector (3,) from a stride's begin to its end, the gyro of (GRID, 6) integrated."""
    q = np.array([1.0, 0.0, 0.0, 0.0])
    for x, y, z in wave[:, 3:] / len(wave):
        angle = float(np.sqrt(x * x + y * y + z * z))
        k = np.sin(angle / 2) / angle if angle > 1e-12 else 0.5
        c, i, j, m = np.cos(angle / 2), k * x, k * y, k * z
        a, b, d, e = q
        q = np.array(
            [
                a * c - b * i - d * j - e * m,
                a * i + b * c + d * m - e * j,
                a * j - b * m + d * c + e * i,
                a * m + b * j - d * i + e * c,
            ]
        )
    return 2 * q[1:] * np.sign(q[0])


def closed(wave: FloatArray) -> FloatArray:
    """The waveform with the mean rates that bring the shank back to where the stride began: nobody turned."""
    out = wave.copy()
    for _ in range(8):
        out[:, 3:] -= 0.8 * net_turn(out)
    return out


def lean_of(wave: FloatArray) -> float:
    """Mean pitch at which the mean acceleration of a stride, turned into the world, is vertical."""
    pitch = waveform(spectrum_of(wave, 40), 0.0)[:-1:2, 6]
    x = wave[:, 0] * np.cos(pitch) - wave[:, 1] * np.sin(pitch)
    y = wave[:, 0] * np.sin(pitch) + wave[:, 1] * np.cos(pitch)
    return float(np.arctan2(x.mean(), y.mean()))


def rendered_errors(wave: FloatArray, stride_s: float, stance_s: float) -> tuple[float, float]:
    """What the plain rules say on a steady runner with this waveform, about its planted events."""
    n, fs = 12, 416.0
    strike = np.arange(n + 1, dtype=np.float64) * stride_s
    warp = PhaseWarp.through(strike, strike[:-1] + stance_s)
    t = np.arange(int(n * stride_s * fs)) / fs
    phase, rate = warp(t)
    grid = np.arange(1025) / 1024
    table = waveform(spectrum_of(wave, RUN_HARMONICS), 0.0)
    axial = np.interp(phase % 1, grid, table[:, 1])
    wz = np.interp(phase % 1, grid, table[:, 5]) * rate
    found = rule_events(axial, wz, fs)
    inner = slice(3, n - 3)
    return (
        float(np.median(nearest_error(found[:, 0], strike[inner]))),
        float(np.median(nearest_error(found[:, 1], strike[inner] + stance_s))),
    )


def run_shape(pair: list[Leg], offset: tuple[float, float]) -> tuple[dict[str, object], FloatArray]:
    """The mean stride of both legs of a trial, with its events where the rules' mean offsets put them."""
    shift = {
        leg.side: [np.median(leg.strike_error_s) - offset[0], np.median(leg.toe_off_error_s) - offset[1]]
        for leg in pair
    }
    stride_s = float(np.mean([np.diff(leg.strike_s).mean() for leg in pair]))
    stance_s = float(np.mean([(leg.toe_off_s - leg.strike_s).mean() for leg in pair]))
    wave = np.empty(0)
    force_stance_s = stance_s
    for _ in range(4):
        moved_s = float(np.mean([both[1] - both[0] for both in shift.values()]))
        stance_s = force_stance_s + moved_s  # the style's own pace: nothing is stretched when nothing is planted
        wave = closed(np.mean([strides_of(leg, *shift[leg.side]).mean(axis=0) for leg in pair], axis=0))
        strike_error, toe_off_error = rendered_errors(wave, stride_s, stance_s)
        for both in shift.values():
            both[0] += strike_error - offset[0]
            both[1] += toe_off_error - offset[1]
    residual = np.concatenate([(s := strides_of(leg, *shift[leg.side])) - s.mean(axis=0) for leg in pair])
    residual[:, :, 3:] -= residual[:, :, 3:].mean(axis=1, keepdims=True)
    print(
        f"{pair[0].runner} {pair[0].speed}: stride {stride_s:.3f} s, stance {stance_s:.3f} s, "
        f"turn left over {np.degrees(np.abs(net_turn(wave)).max()):.2f} deg, "
        f"events moved {[[round(float(v) * 1e3, 1) for v in both] for both in shift.values()]} ms"
    )
    entry: dict[str, object] = {
        "speed_mps": float(pair[0].speed) / 10,
        "stride_s": round(stride_s, 4),
        "stance_s": round(stance_s, 4),
        "lean_rad": round(lean_of(wave), 4),
        "harmonics": rows(wave, RUN_HARMONICS),
    }
    return entry, residual


def walk_shape(folder: Path) -> dict[str, object]:
    """The right tibia of the mean walking stride. Contact at 0.05 body weight, toe-off at the gyro's minimum."""
    with (folder / "P01_normwalking.csv").open(encoding="utf-8") as lines:
        table = list(csv.DictReader(lines))
    column = {key: np.array([float(row[key]) for row in table]) for key in table[0]}
    names = [f"tibia_r_{kind}{axis}_mean" for kind in ("acc", "gyro") for axis in "xyz"]
    cycle = np.stack([column[name] for name in names], axis=1)
    clock = column["t_s"]
    step = float(clock[1] - clock[0])
    stride_s = len(clock) * step
    force = column["GRF_y_r_BW_mean"]
    first = int(np.argmax(force > 0.05))
    strike = float(np.interp(0.05, force[[first - 1, first]], clock[[first - 1, first]]))
    late = np.flatnonzero((clock > 0.65) & (clock < 0.8))
    toe_off = float(clock[late[np.argmin(cycle[late, 5])]])
    starts = stride_s * np.arange(29, dtype=np.float64)
    leg = Leg(
        "walk",
        "13",
        "R",
        1 / step,
        np.tile(cycle, (30, 1)),
        strike + starts,
        toe_off + starts,
    )
    wave = closed(strides_of(leg, 0.0, 0.0).mean(axis=0))
    return {
        "speed_mps": 1.29,
        "stride_s": round(stride_s, 4),
        "stance_s": round(toe_off - strike, 4),
        "lean_rad": round(lean_of(wave), 4),
        "harmonics": rows(wave, WALK_HARMONICS),
    }


def components(residual: FloatArray) -> tuple[list[list[list[float]]], float]:
    """The first principal components of how strides differ (scores of unit variance), and the share they hold."""
    scale = residual.std(axis=(0, 1))
    flat = (residual / scale).reshape(len(residual), -1)
    _, weight, rows_v = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)
    share = float((weight[:COMPONENTS] ** 2).sum() / (weight**2).sum())
    out = [
        rows(rows_v[i].reshape(GRID, 6) * scale * weight[i] / np.sqrt(len(flat)), VARIATION_HARMONICS)
        for i in range(COMPONENTS)
    ]
    return out, share


def leg_error(leg: Leg, offset: tuple[float, float]) -> list[float]:
    """[contact bias, SD, toe-off bias, SD (ms), share of toe-off outliers, their mean (ms)]; SD from the core."""
    strike, toe_off = leg.strike_error_s - offset[0], leg.toe_off_error_s - offset[1]
    middle = np.median(toe_off)
    out = np.abs(toe_off - middle) > 0.03
    core = toe_off[~out]
    values = [np.mean(strike), np.std(strike), np.mean(core), np.std(core)]
    return [
        *(round(float(v) * 1e3, 1) for v in values),
        round(float(out.mean()), 3),
        round(float(np.mean(toe_off[out]) - middle) * 1e3, 1) if out.any() else 0.0,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    out: Path = parser.parse_args().out
    data = Path(os.environ.get("EVENSTRIDE_DATA", ROOT.parent / "shared" / "data"))
    legs = list(read_legs(data / "rbds"))
    offset = (
        float(np.mean([leg.strike_error_s.mean() for leg in legs])),
        float(np.mean([leg.toe_off_error_s.mean() for leg in legs])),
    )
    pairs = [[a, b] for a, b in zip(legs[0::2], legs[1::2], strict=True)]
    styles: list[list[dict[str, object]]] = []
    residuals: list[FloatArray] = []
    for runner in STYLES:
        style: list[dict[str, object]] = []
        for speed in SPEEDS:
            entry, residual = run_shape(next(p for p in pairs if (p[0].runner, p[0].speed) == (runner, speed)), offset)
            style.append(entry)
            residuals.append(residual)
        styles.append(style)
    variation, share = components(np.concatenate(residuals))
    print(f"mean rule offsets {offset[0] * 1e3:.2f} and {offset[1] * 1e3:.2f} ms; components hold {share:.2f}")
    table = {
        "source": SOURCE,
        "toe_off_phase": TOE_OFF_PHASE,
        "rule_offsets_ms": [round(v * 1e3, 2) for v in offset],
        "stride_cv": round(
            float(np.mean([np.std(np.diff(g.strike_s)) / np.mean(np.diff(g.strike_s)) for g in legs])), 4
        ),
        "stance_cv": round(
            float(np.mean([np.std(g.toe_off_s - g.strike_s) / np.mean(g.toe_off_s - g.strike_s) for g in legs])), 4
        ),
        "impact_cv": 0.1,
        "styles": styles,
        "walk": walk_shape(data / "biomac_mean_stride"),
        "variation": variation,
        "leg_errors": [[leg_error(leg, offset) for leg in pair] for pair in pairs],
    }
    out.write_text(json.dumps(table, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{out.name}: {out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
