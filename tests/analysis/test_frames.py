import math

import numpy as np
import pytest

from evenstride_analysis.errors import InputError
from evenstride_analysis.frames import IDENTITY, axis_map, checked_rotation, to_shank


def test_an_axis_map_turns_each_sensor_axis_where_it_says() -> None:
    turned = to_shank(np.array([[1.0, 2.0, 3.0]]), axis_map("-z", "y", "x"))
    assert turned.tolist() == [[-3.0, 2.0, 1.0]]


def test_identity_changes_nothing() -> None:
    vectors = np.random.default_rng(1).normal(size=(20, 3))
    assert to_shank(vectors, IDENTITY).tolist() == vectors.tolist()


def test_a_rotation_keeps_lengths() -> None:
    c, s = math.cos(0.3), math.sin(0.3)
    rotation = checked_rotation((c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0))
    vectors = np.random.default_rng(1).normal(size=(20, 3))
    assert np.allclose(np.linalg.norm(to_shank(vectors, rotation), axis=1), np.linalg.norm(vectors, axis=1))


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ((1.0, 0.0, 0.0), "9 numbers"),
        ((1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0), "mirror"),
        ((2.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0), "orthonormal"),
        ((math.nan, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0), "finite"),
    ],
)
def test_what_is_no_rotation_is_refused(numbers: tuple[float, ...], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        checked_rotation(numbers)


@pytest.mark.parametrize("names", [("x", "y", "w"), ("x", "x", "z"), ("x", "y", "-z")])
def test_a_wrong_axis_map_is_refused(names: tuple[str, str, str]) -> None:
    with pytest.raises(InputError):
        axis_map(*names)
