"""Sensor axes -> shank axes (x anterior, y up the tibia, z to the runner's right on both legs)."""

import math
from collections.abc import Sequence

import numpy as np

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import FloatArray

Rotation = tuple[float, float, float, float, float, float, float, float, float]
IDENTITY: Rotation = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
_TOLERANCE = 1e-3  # a stored rotation has three decimals at least


def checked_rotation(numbers: Sequence[float]) -> Rotation:
    """Nine numbers, row-major, rows = shank axes in sensor axes. Raises InputError unless it is a proper rotation."""
    if len(numbers) != 9:
        raise InputError(f"a rotation has 9 numbers (row-major); got {len(numbers)}")
    matrix = np.array([float(n) for n in numbers]).reshape(3, 3)
    if not np.all(np.isfinite(matrix)):
        raise InputError("a rotation must be finite numbers")
    error = float(np.max(np.abs(matrix @ matrix.T - np.eye(3))))
    if error > _TOLERANCE:
        raise InputError(f"not a rotation: its rows are not orthonormal (off by {error:.3g}, at most {_TOLERANCE:g})")
    if float(np.linalg.det(matrix)) < 0.0:
        raise InputError("not a rotation but a mirror image: one axis points the wrong way (determinant -1)")
    a, b, c, d, e, f, g, h, i = (float(n) for n in matrix.reshape(9))
    return (a, b, c, d, e, f, g, h, i)


def axis_map(shank_x: str, shank_y: str, shank_z: str) -> Rotation:
    """Rotation from the sensor axes that point along the shank's x, y, z: `axis_map("-z", "y", "x")`.

    Raises InputError on an unknown name, a repeated axis, or a mirror image.
    """
    rows: list[float] = []
    for name in (shank_x, shank_y, shank_z):
        letter = name.removeprefix("-").removeprefix("+")
        if letter not in {"x", "y", "z"} or len(name) > 2:
            raise InputError(f"axis {name!r}: expected x, y or z, with or without a sign")
        rows += [(-1.0 if name.startswith("-") else 1.0) if letter == axis else 0.0 for axis in "xyz"]
    return checked_rotation(rows)


def to_shank(vectors: FloatArray, rotation: Rotation) -> FloatArray:
    """`vectors` (n, 3) in sensor axes -> (n, 3) in shank axes, columns contiguous.

    Written out term by term: a matrix product may round differently for another n, and a split must not change bits.
    """
    turned = np.empty(vectors.shape, order="F")
    if rotation == IDENTITY:
        turned[:] = vectors
        return turned
    for row in range(3):
        turned[:, row] = along(vectors, rotation, row)
    return turned


def along(vectors: FloatArray, rotation: Rotation, row: int) -> FloatArray:
    """One shank axis (0 = x, 1 = y, 2 = z) of `vectors` (n, 3) in sensor axes, contiguous (n,)."""
    if rotation == IDENTITY:
        return vectors[:, row].copy()
    a, b, c = rotation[3 * row : 3 * row + 3]
    return a * vectors[:, 0] + b * vectors[:, 1] + c * vectors[:, 2]


def rotation_from_axes(up: Sequence[float], right: Sequence[float]) -> Rotation:
    """The rotation whose shank y is `up` and whose z is `right` made orthogonal to it, both (3,) in sensor axes.

    Raises InputError when the two are nearly parallel.
    """
    y = np.asarray(up, dtype=np.float64)
    y = y / np.linalg.norm(y)
    z = np.asarray(right, dtype=np.float64)
    z = z - y * float(y @ z)
    size = float(np.linalg.norm(z))
    if not size > 0.2 * float(np.linalg.norm(right)):
        raise InputError("the shank's long axis and its flexion axis came out nearly parallel: no rotation follows")
    z = z / size
    return checked_rotation([*np.cross(y, z), *y, *z])


def turn_between_rad(one: Sequence[float], other: Sequence[float]) -> float:
    """The angle of the single turn that takes rotation `one` to `other`, 0 to pi."""
    a, b = (np.asarray(rotation, dtype=np.float64).reshape(3, 3) for rotation in (one, other))
    return math.acos(min(1.0, max(-1.0, (float((a * b).sum()) - 1.0) / 2.0)))
