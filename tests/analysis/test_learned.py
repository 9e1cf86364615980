"""The learned estimator's promises: mounting does not matter, the rate does not matter, a wrong table names its key."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.recordings import rbds_trial, resampled

from evenstride_analysis.accuracy import Leg, detect
from evenstride_analysis.errors import InputError
from evenstride_analysis.model import Doubt, FloatArray, Side
from evenstride_analysis.strides.learned.estimator import LearnedEstimator
from evenstride_analysis.strides.learned.frame import functional_frame
from evenstride_analysis.strides.learned.nets import EventNets, packed, unpacked
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE, dump_table, load_table
from evenstride_analysis.strides.learned.windows import SPACING, on_grid, read_window, smoothing_kernel

TEXT = (resources.files("evenstride_analysis.strides.learned") / "learned_1.json").read_text("utf-8")


@pytest.fixture(scope="module")
def leg() -> Leg:
    whole = rbds_trial("RBDS010_T35").legs[Side.RIGHT]
    n = int(10.0 * whole.rate_hz)
    return replace(whole, accel_mps2=whole.accel_mps2[:n], gyro_radps=whole.gyro_radps[:n])


def turned(leg: Leg, rotation: FloatArray) -> Leg:
    return replace(leg, accel_mps2=leg.accel_mps2 @ rotation.T, gyro_radps=leg.gyro_radps @ rotation.T)


def about(axis: tuple[float, float, float], angle: float) -> FloatArray:
    x, y, z = np.array(axis) / math.hypot(*axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + math.sin(angle) * cross + (1.0 - math.cos(angle)) * cross @ cross


axes = st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1)).filter(lambda axis: math.hypot(*axis) > 0.1)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(axis=axes, angle=st.floats(-0.35, 0.35))
def test_a_pod_mounted_20_degrees_off_finds_the_same_stances(
    leg: Leg, axis: tuple[float, float, float], angle: float
) -> None:
    straight, off = detect(leg), detect(turned(leg, about(axis, angle)))
    assert len(off) == len(straight)
    for a, b in zip(straight, off, strict=True):
        assert b.stance_s == pytest.approx(a.stance_s, abs=2e-4)
        assert b.method == "learned-1"


@settings(deadline=None)  # the first call may compile
@given(axis=axes, angle=st.floats(-3.0, 3.0), seed=st.integers(0, 50))
def test_the_frame_turns_with_the_sensor(axis: tuple[float, float, float], angle: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    gyro = np.asfortranarray(random.normal((0.0, 0.0, 1.0), (0.5, 1.0, 4.0), (200, 3)))
    accel = np.asfortranarray(random.normal((0.0, 12.0, 0.0), 1.0, (200, 3)))
    gyro[20, 2] = gyro[180, 2] = 9.0
    rotation = about(axis, angle)
    here = functional_frame(accel, gyro, 20, 180)
    there = functional_frame(np.asfortranarray(accel @ rotation.T), np.asfortranarray(gyro @ rotation.T), 20, 180)
    assert here @ here.T == pytest.approx(np.eye(3), abs=1e-9)
    assert there @ rotation == pytest.approx(here, abs=1e-6)


@pytest.mark.parametrize("rate_hz", [100.0, 208.0, 416.0, 1000.0])
def test_stance_hardly_depends_on_the_sampling_rate(leg: Leg, rate_hz: float) -> None:
    at_150 = np.array([stride.stance_s for stride in detect(leg)])
    other = np.array([stride.stance_s for stride in detect(resampled(leg, rate_hz))])
    n = min(len(at_150), len(other))
    assert n >= 11
    assert np.abs(other[:n] - at_150[:n]).mean() < 0.001


def test_every_stride_states_its_error(leg: Leg) -> None:
    for stride in detect(leg):
        assert 0.002 < stride.stance_sd_s < 0.012
        assert stride.stance_system_sd_s is not None
        assert 0.002 < stride.stance_system_sd_s < 0.012
        assert (stride.stance_sd_s > 0.007) <= (Doubt.OUT_OF_RANGE in stride.doubt)


def test_a_hardware_offset_moves_the_events_and_names_itself(leg: Leg) -> None:
    table = replace(DEFAULT_TABLE, method="learned-1+hw:pod.2", ic_offset_s=0.004, tc_offset_s=-0.003)
    for plain, moved in zip(detect(leg), detect(leg, estimator=LearnedEstimator(table)), strict=True):
        assert moved.strike_s == pytest.approx(plain.strike_s - 0.004, abs=1e-9)
        assert moved.toe_off_s == pytest.approx(plain.toe_off_s + 0.003, abs=1e-9)
        assert moved.method == "learned-1+hw:pod.2"


def test_a_cubic_is_read_off_exactly_and_windows_are_straight_between_grid_points() -> None:
    x = np.arange(40.0)
    found = on_grid(x**3 - 20.0 * x * x, 2.3, 0.7, 50)
    at = 2.3 + 0.7 * np.arange(50)
    assert found == pytest.approx(at**3 - 20.0 * at * at, abs=1e-6)
    grid = np.stack([x, -x, 2.0 * x], axis=1)
    window = read_window(grid, 3.25, 4)
    assert window[:, 0] == pytest.approx(3.25 + SPACING * np.arange(4))
    assert read_window(grid, -5.0, 4)[0, 0] == 0.0
    assert read_window(grid, 500.0, 4)[-1, 2] == pytest.approx(76.0)


@pytest.mark.parametrize("rate_hz", [95.0, 150.0, 416.0, 1100.0])
def test_the_smoothing_kernel_is_short_and_keeps_the_mean(rate_hz: float) -> None:
    kernel = smoothing_kernel(rate_hz)
    assert kernel.sum() == pytest.approx(1.0)
    assert kernel == pytest.approx(kernel[::-1])
    assert len(kernel) // 2 <= max(1.0, 0.0135 * rate_hz)


def test_a_table_survives_its_text_and_is_what_a_pod_can_hold() -> None:
    assert dump_table(load_table(TEXT)) == TEXT
    for net in DEFAULT_TABLE.nets.values():
        for part in net[1:]:
            assert np.array_equal(part, part.astype(np.float32).astype(np.float64))
    weights = packed(EventNets(*(DEFAULT_TABLE.nets[name] for name in EventNets._fields)))
    at = 0
    for name in EventNets._fields:
        net, at = unpacked(weights, at)
        for part, expected in zip(net, DEFAULT_TABLE.nets[name], strict=True):
            assert np.array_equal(part, expected)
    assert at == len(weights)


def without(*keys: str) -> Callable[[dict[str, Any]], None]:
    def change(table: dict[str, Any]) -> None:
        for key in keys[:-1]:
            table = table[key]
        del table[keys[-1]]

    return change


def changed(value: object, *keys: str) -> Callable[[dict[str, Any]], None]:
    def change(table: dict[str, Any]) -> None:
        for key in keys[:-1]:
            table = table[key]
        table[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (without("method"), "method is missing"),
        (without("provenance", "licence"), r"provenance\.licence is missing"),
        (without("nets", "toe_off"), r"nets\.toe_off is missing"),
        (without("nets", "contact", "second"), r"nets\.contact\.second is missing"),
        (changed([1.0, 2.0], "nets", "contact", "second"), r"nets\.contact\.second has another size"),
        (changed([[1.0], [2.0, 3.0]], "nets", "contact", "first"), r"nets\.contact\.first must be numbers in rows"),
        (changed([[math.nan]], "nets", "contact", "first"), r"nets\.contact\.first must hold finite"),
        (changed([1.0, -1.0, 0.0, 0.0, 0.0], "stride_variance_s2"), "stride_variance_s2 must be five"),
        (changed([0.4, 0.1], "stance_s"), "stance_s must be a lower and a higher"),
        (changed("x", "stance_sd_s"), "stance_sd_s must be numbers"),
        (changed(0.5, "ic_offset_s"), "no offsets"),
        (changed([], "nets"), "nets must be an object"),
    ],
)
def test_a_wrong_table_names_the_key_in_one_line(change: Callable[[dict[str, Any]], None], named: str) -> None:
    table = json.loads(TEXT)
    change(table)
    with pytest.raises(InputError, match=named) as error:
        load_table(json.dumps(table))
    assert "\n" not in str(error.value)


def test_text_that_is_no_table_is_refused() -> None:
    with pytest.raises(InputError, match="not a table"):
        load_table("{")
    with pytest.raises(InputError, match="not a table"):
        load_table("[]")
