"""The table of figures (runner_shapes.json): how the shank moves in running and walking, and how strides vary."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import cast

import numpy as np
import numpy.typing as npt

from evenstride_analysis.model import FloatArray
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2

ComplexArray = npt.NDArray[np.complex128]
GRID = 1024  # points of one stride's waveform
MIRROR = np.array([1.0, 1.0, -1.0, -1.0, -1.0, 1.0])  # right leg to left leg: a push is a vector, a turn is not
GYRO_Z = 5
PITCH = 6  # column of the waveform that holds the shank's pitch


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """Mean stride of a right leg at one speed.

    `harmonics` (6, h) over the stride's phase: accel x, y, z in m/s2, then gyro x, y, z in rad per unit of phase.
    `lean_rad` is the mean pitch of the shank (positive = knee behind the ankle).
    """

    speed_mps: float
    stride_s: float
    stance_s: float
    lean_rad: float
    harmonics: ComplexArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LegError:
    """How the learned method erred on one leg of one real trial, its networks trained without that runner."""

    strike_bias_s: float
    strike_sd_s: float
    toe_off_bias_s: float
    toe_off_sd_s: float
    outlier_share: float
    outlier_s: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShapeTable:
    """All figures. `styles` [runner][speed], `variation` (components, 6, h) of unit-variance scores."""

    styles: tuple[tuple[Shape, ...], ...]
    walk: Shape
    variation: ComplexArray
    stride_cv: float
    stance_cv: float
    impact_cv: float
    leg_errors: tuple[tuple[LegError, LegError], ...]

    def run(self, style: int, speed_mps: float) -> Shape:
        """The shape of a style at a speed: linear between the measured speeds; outside, the nearest measured shape
        with stride and stance times extrapolated."""
        shapes = self.styles[style]
        speeds = [shape.speed_mps for shape in shapes]
        i = min(max(int(np.searchsorted(speeds, speed_mps)) - 1, 0), len(shapes) - 2)
        a, b = shapes[i], shapes[i + 1]
        w = (speed_mps - a.speed_mps) / (b.speed_mps - a.speed_mps)
        held = min(max(w, 0.0), 1.0)
        return Shape(
            speed_mps=speed_mps,
            stride_s=a.stride_s + w * (b.stride_s - a.stride_s),
            stance_s=a.stance_s + w * (b.stance_s - a.stance_s),
            lean_rad=a.lean_rad + held * (b.lean_rad - a.lean_rad),
            harmonics=a.harmonics + held * (b.harmonics - a.harmonics),
        )


def waveform(harmonics: ComplexArray, lean_rad: float) -> FloatArray:
    """Waveform (GRID + 1, 7) over phases 0 ... 1: the six channels and the shank's pitch in rad."""
    full = np.zeros((7, GRID // 2 + 1), np.complex128)
    count = harmonics.shape[1]
    full[:6, :count] = harmonics
    order = np.arange(1, count, dtype=np.float64)
    full[PITCH, 1:count] = harmonics[GYRO_Z, 1:] / (2j * np.pi * order)
    full[PITCH, 0] = lean_rad
    wave = np.fft.irfft(full, GRID, axis=1).T * GRID
    return np.concatenate([wave, wave[:1]])


def standing() -> FloatArray:
    """The waveform of standing still and upright."""
    wave = np.zeros((GRID + 1, 7))
    wave[:, 1] = STANDARD_GRAVITY_MPS2
    return wave


def _harmonics(rows: list[list[float]]) -> ComplexArray:
    """(6, h) from rows [mean, cos1, sin1, cos2, ...], so that x = mean + sum of cos_h cos + sin_h sin."""
    table = np.array(rows)
    out = np.zeros((len(table), (table.shape[1] + 1) // 2), np.complex128)
    out[:, 0] = table[:, 0]
    out[:, 1:] = 0.5 * (table[:, 1::2] - 1j * table[:, 2::2])
    return out


def _shape(entry: dict[str, object]) -> Shape:
    return Shape(
        speed_mps=cast("float", entry["speed_mps"]),
        stride_s=cast("float", entry["stride_s"]),
        stance_s=cast("float", entry["stance_s"]),
        lean_rad=cast("float", entry["lean_rad"]),
        harmonics=_harmonics(cast("list[list[float]]", entry["harmonics"])),
    )


def _leg_error(row: list[float]) -> LegError:
    a, b, c, d, share, outlier = row
    return LegError(
        strike_bias_s=a * 1e-3,
        strike_sd_s=b * 1e-3,
        toe_off_bias_s=c * 1e-3,
        toe_off_sd_s=d * 1e-3,
        outlier_share=share,
        outlier_s=outlier * 1e-3,
    )


@cache
def shape_table() -> ShapeTable:
    """The table that ships with the package."""
    text = (files("evenstride_analysis.simulate") / "runner_shapes.json").read_text(encoding="utf-8")
    raw = cast("dict[str, object]", json.loads(text))
    styles = cast("list[list[dict[str, object]]]", raw["styles"])
    errors = cast("list[list[list[float]]]", raw["leg_errors"])
    return ShapeTable(
        styles=tuple(tuple(_shape(entry) for entry in style) for style in styles),
        walk=_shape(cast("dict[str, object]", raw["walk"])),
        variation=np.stack([_harmonics(rows) for rows in cast("list[list[list[float]]]", raw["variation"])]),
        stride_cv=cast("float", raw["stride_cv"]),
        stance_cv=cast("float", raw["stance_cv"]),
        impact_cv=cast("float", raw["impact_cv"]),
        leg_errors=tuple((_leg_error(left), _leg_error(right)) for left, right in errors),
    )
