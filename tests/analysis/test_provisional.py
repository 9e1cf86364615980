"""Provisional stances: soon after toe-off, near the final ones, equal bits for any split, none where they may lie."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.recordings import block, blocks, rbds_trial, resampled

from evenstride_analysis.accuracy import Leg
from evenstride_analysis.calibration import HardwareOffset
from evenstride_analysis.errors import InputError
from evenstride_analysis.frames import IDENTITY, axis_map
from evenstride_analysis.model import Doubt, ProvisionalStride, Side, Stride
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE, LIVE_NETS
from evenstride_analysis.strides.provisional import LiveMethod

RATE_HZ = 208.0
LIVE = LiveMethod()


@pytest.fixture(scope="module")
def leg() -> Leg:
    whole = resampled(rbds_trial("RBDS001_T35").legs[Side.LEFT], RATE_HZ)
    n = int(8.0 * RATE_HZ)
    return replace(whole, accel_mps2=whole.accel_mps2[:n], gyro_radps=whole.gyro_radps[:n])


def length(leg: Leg) -> int:
    return len(leg.accel_mps2)


def detector(
    leg: Leg, *, live: LiveMethod | None = LIVE, rotation: tuple[float, ...] = IDENTITY, range_mps2: float = 320.0
) -> StrideDetector:
    return StrideDetector(pod_id="pod", rate_hz=leg.rate_hz, live=live, rotation=rotation, accel_range_mps2=range_mps2)


def run(
    leg: Leg, cuts: list[int], *, by: StrideDetector | None = None, without: tuple[int, int] | None = None
) -> tuple[list[Stride], list[ProvisionalStride]]:
    """Final and provisional strides; the samples of `without` never come."""
    by = by or detector(leg)
    finals: list[Stride] = []
    early: list[ProvisionalStride] = []
    for piece in blocks(leg, cuts):
        if without is not None and without[0] <= piece.first_index < without[1]:
            continue
        finals += by.push(piece)
        early += by.provisional()
    finals += by.flush()
    return finals, early + by.provisional()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_split_gives_the_same_bits(leg: Leg, data: st.DataObject) -> None:
    n = length(leg)
    cuts = data.draw(st.sets(st.integers(1, n - 1), max_size=200))
    first = data.draw(st.integers(300, n - 100))
    hole = (first, first + data.draw(st.integers(0, 60)))
    turned = (0.96, -0.28, 0.0, 0.28, 0.96, 0.0, 0.0, 0.0, 1.0)

    def found(some: set[int]) -> list[ProvisionalStride]:
        ends = {0, n, *hole}
        return run(leg, sorted(some | ends), by=detector(leg, rotation=turned, range_mps2=70.0), without=hole)[1]

    assert found(cuts) == found(set())


def test_each_comes_soon_after_its_toe_off_and_near_its_final_stride(leg: Leg) -> None:
    finals, early = run(leg, list(range(0, length(leg), 17)))
    followed = {stride.strike_index: stride for stride in finals[2:]}
    pairs = [(one, stride) for one in early for index, stride in followed.items() if abs(index - one.strike_index) <= 4]
    assert len(pairs) == len(followed) >= 6
    assert 1 <= len(early) - len(pairs) <= 2  # the last stances have no final stride yet
    assert all(0.040 < one.decided_s - one.toe_off_s < 0.062 for one in early)
    assert all(one.decided_s < stride.end_s - 0.1 for one, stride in pairs)
    off_s = np.array([one.stance_s - stride.stance_s for one, stride in pairs])
    assert np.sqrt((off_s**2).mean()) < 0.006
    assert {one.method for one in early} == {stride.method for stride in finals}


def test_it_is_there_as_soon_as_the_sample_it_names(leg: Leg) -> None:
    by = detector(leg)
    came: list[float] = []
    early: list[ProvisionalStride] = []
    for k in range(length(leg)):
        by.push(block(leg, k, k + 1))
        for one in by.provisional():
            early.append(one)
            came.append(k / leg.rate_hz)
    assert len(early) >= 7
    assert [one.decided_s for one in early] == pytest.approx(came, abs=1e-9)


def test_strides_are_the_same_with_it_and_without(leg: Leg) -> None:
    cuts = list(range(0, length(leg), 17))
    finals, early = run(leg, cuts, by=detector(leg, live=None))
    assert early == []
    assert finals == run(leg, cuts)[0]


def test_none_is_found_across_a_gap_be_it_bridged_or_not(leg: Leg) -> None:
    whole = run(leg, [0, length(leg)])[1]
    for missing in (4, 40):
        first = whole[2].strike_index + 20
        hole = (first, first + missing)
        found = run(leg, [0, *hole, length(leg)], without=hole)[1]
        lost = [one for one in whole if one not in found]
        assert found[:2] == whole[:2]
        assert whole[2] in lost
        assert all(one.decided_s < first / RATE_HZ or one.strike_s > hole[1] / RATE_HZ for one in found)


def test_walking_gives_none(leg: Leg) -> None:
    slow = replace(leg, rate_hz=0.5 * RATE_HZ)  # strides of 1.4 s
    finals, early = run(slow, [0, length(leg)])
    assert len(finals) >= 6
    assert early == []


def test_nothing_is_made_up_when_the_runner_stands_still(leg: Leg) -> None:
    whole = run(leg, [0, length(leg)])[1]
    stop = whole[3].strike_index - round(0.25 * RATE_HZ)
    accel, gyro = leg.accel_mps2.copy(), leg.gyro_radps.copy()
    accel[stop:], gyro[stop:] = (0.0, 9.81, 0.0), 0.0
    found = run(replace(leg, accel_mps2=accel, gyro_radps=gyro), [0, length(leg)])[1]
    assert [one.strike_index for one in found] == [one.strike_index for one in whole[:3]]


def test_a_mounted_sensor_gives_the_same_after_rotation(leg: Leg) -> None:
    def worn(values: np.ndarray) -> np.ndarray:
        return np.stack([values[:, 2], values[:, 1], -values[:, 0]], axis=1)  # shank z is the sensor's x

    turned = replace(leg, accel_mps2=worn(leg.accel_mps2), gyro_radps=worn(leg.gyro_radps))
    mounted = detector(leg, rotation=axis_map("-z", "y", "x"))
    assert run(turned, [0, length(leg)], by=mounted) == run(leg, [0, length(leg)])


def test_a_clipped_impact_is_doubted(leg: Leg) -> None:
    clipped = replace(leg, accel_mps2=np.clip(leg.accel_mps2, -20.0, 20.0))
    early = run(clipped, [0, length(leg)], by=detector(leg, range_mps2=20.0))[1]
    assert early
    assert all(Doubt.CLIPPED in one.doubt for one in early)


def test_a_hardware_offset_moves_both_events_and_names_itself(leg: Leg) -> None:
    offset = HardwareOffset(name="hw", version=2, ic_offset_s=0.010, tc_offset_s=-0.004)
    plain = run(leg, [0, length(leg)])[1]
    moved = run(leg, [0, length(leg)], by=detector(leg, live=LiveMethod(offset=offset)))[1]
    assert {one.method for one in moved} == {"learned-1+hw:hw.2"}
    assert [one.strike_s + 0.010 for one in moved] == pytest.approx([one.strike_s for one in plain], abs=1e-9)
    assert [one.toe_off_s - 0.004 for one in moved] == pytest.approx([one.toe_off_s for one in plain], abs=1e-9)


def test_a_table_without_live_networks_is_refused_by_name() -> None:
    nets = {name: net for name, net in DEFAULT_TABLE.nets.items() if name != LIVE_NETS[0]}
    with pytest.raises(InputError, match=LIVE_NETS[0]):
        LiveMethod(replace(DEFAULT_TABLE, nets=nets))


@pytest.mark.parametrize("rate_hz", [100.0, 416.0, 1000.0])
def test_the_rate_hardly_matters(leg: Leg, rate_hz: float) -> None:
    other = resampled(leg, rate_hz)
    early, at_208 = run(other, [0, length(other)])[1], run(leg, [0, length(leg)])[1]
    n = min(len(early), len(at_208))
    assert n >= 7
    stances = np.array([[one.stance_s for one in some[:n]] for some in (early, at_208)])
    assert np.abs(stances[0] - stances[1]).mean() < 0.003
    assert max(one.decided_s - one.toe_off_s for one in early) < 0.075
