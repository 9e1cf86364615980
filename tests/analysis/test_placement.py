"""Left or right, upside down or not, and whether a pod stays in its place: found by the pods themselves."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from support.recordings import rbds_trials

from evenstride_analysis.frames import IDENTITY, turn_between_rad
from evenstride_analysis.model import Side
from evenstride_analysis.placement.alignment import align
from evenstride_analysis.placement.drift import ALARM_RAD, DriftPoint, DriftWatch, drift_words
from evenstride_analysis.placement.mounting import PodCase, Seat, expected_rotation, placement_words, seat_of
from evenstride_analysis.simulate import VirtualRunner, even, slipping, worn

RATE_HZ = 416.0
PODS = {"A": Side.LEFT, "B": Side.RIGHT}


def seats_of(*, medial: bool, upside_down: tuple[Side, ...], seed: int) -> dict[Side, Seat]:
    scenario = worn(medial=medial, upside_down=upside_down, duration_s=15.0)
    runner = VirtualRunner(scenario.plan, scenario.sensor, seed)
    n = round(runner.duration_s * RATE_HZ)
    return {side: seat_of(align(*runner.signals(side, 0, n), RATE_HZ), PodCase()) for side in Side}


@pytest.mark.parametrize("upside_down", [(), (Side.LEFT,), (Side.RIGHT,), (Side.LEFT, Side.RIGHT)])
@pytest.mark.parametrize(("medial", "seed"), [(True, 1), (True, 3), (False, 2)])
def test_side_and_way_up_in_every_mounting(medial: bool, seed: int, upside_down: tuple[Side, ...]) -> None:
    for side, seat in seats_of(medial=medial, upside_down=upside_down, seed=seed).items():
        assert seat.side is (side if medial else side.other)
        assert seat.upside_down is (side in upside_down)


def test_real_legs_tell_their_side() -> None:
    """The reference legs as a pod on the inner face would see them, half turned forward as that face is."""
    for trial in rbds_trials():
        for side, leg in trial.legs.items():
            outward = 1.0 if side is Side.LEFT else -1.0
            c, s = math.cos(math.radians(45)), math.sin(math.radians(45))
            # sensor z = logo: half forward, half towards the other leg; sensor y = up
            z = np.array([s, 0.0, outward * c])
            shank_to_sensor = np.array([np.cross([0.0, 1.0, 0.0], z), [0.0, 1.0, 0.0], z])
            found = align(leg.accel_mps2 @ shank_to_sensor.T, leg.gyro_radps @ shank_to_sensor.T, leg.rate_hz)
            assert seat_of(found, PodCase()) == Seat(side=side, upside_down=False)


def test_the_words() -> None:
    right_way = {"A": Seat(side=Side.LEFT, upside_down=False), "B": Seat(side=Side.RIGHT, upside_down=False)}
    assert placement_words(right_way, PODS) == []
    upside = right_way | {"A": Seat(side=Side.LEFT, upside_down=True)}
    assert placement_words(upside, PODS)[0].startswith("The pod on the left leg sits upside down")
    across = right_way | {"B": Seat(side=None, upside_down=None)}
    assert placement_words(across, PODS)[0].startswith("The pod on the right leg lies across the shin")
    swapped = {"A": right_way["B"], "B": right_way["A"]}
    (said,) = placement_words(swapped, PODS)
    assert said.startswith("The pods are swapped: A was to be on the left leg and sits on the right one")
    (said,) = placement_words(right_way | {"B": right_way["A"]}, PODS)
    assert said.startswith("The pod on the right leg looks as if it sat on the left one: is its logo turned")
    assert placement_words(right_way, {}) == [
        "The pod A sits on the left leg: `evenstride pods assign` says so.",
        "The pod B sits on the right leg: `evenstride pods assign` says so.",
    ]


def test_the_rotation_of_a_pod_that_is_worn_as_it_should_be() -> None:
    assert expected_rotation(Side.LEFT, PodCase()) == IDENTITY
    assert expected_rotation(Side.RIGHT, PodCase()) == (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    scenario = worn(duration_s=1.0)
    runner = VirtualRunner(scenario.plan, scenario.sensor, 1)
    for side in Side:
        assert turn_between_rad(expected_rotation(side, PodCase()), runner.rotation(side)) < 1e-6
    assert expected_rotation(Side.RIGHT, PodCase(up="-x", outward="y"))[3:6] == (-1.0, 0.0, 0.0)


def watched(runner: VirtualRunner, cuts: Sequence[int]) -> list[DriftPoint]:
    watch = DriftWatch(RATE_HZ)
    points: list[DriftPoint] = []
    for start, stop in pairwise(cuts):
        points += watch.push(*runner.signals(Side.LEFT, start, stop - start), start / RATE_HZ)
    return points + watch.flush()


def test_a_pod_that_turns_raises_the_alarm_and_one_that_stays_does_not() -> None:
    scenario = slipping(25.0, 240.0)
    points = watched(VirtualRunner(scenario.plan, scenario.sensor, 1), range(0, 100_000, 416))
    turned = [round(math.degrees(point.turn_rad)) for point in points]
    assert turned[0] == 0
    assert turned == sorted(turned)
    assert points[-1].turn_rad > ALARM_RAD
    first = next(point.minute for point in points if point.alarms)
    assert f"from minute {first} on" in drift_words("left", points)
    steady = even(150.0)
    quiet = watched(VirtualRunner(steady.plan, steady.sensor, 2), range(0, 60_000, 416))
    assert len(quiet) >= 2
    assert max(point.turn_rad for point in quiet) < math.radians(3.0)
    assert drift_words("left", quiet) == ""


def test_chunks_do_not_matter_and_a_gap_costs_its_second() -> None:
    scenario = even(70.0)
    runner = VirtualRunner(scenario.plan, scenario.sensor, 2)
    n = 75 * 416
    assert watched(runner, range(0, n, 17)) == watched(runner, [0, 5000, n // 17 * 17])
    watch = DriftWatch(RATE_HZ)
    accel, gyro = runner.signals(Side.LEFT, 0, n)
    points = watch.push(accel[:12_000], gyro[:12_000], 0.0) + watch.push(
        accel[14_000:], gyro[14_000:], 14_000 / RATE_HZ
    )
    assert [point.minute for point in points + watch.flush()] == [1]
