"""The detector's promises: any split gives equal bits, gaps touch only their window, pod time alone gives durations."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.recordings import block, blocks, rbds_trial, resampled

from evenstride_analysis.accuracy import Leg, detect
from evenstride_analysis.errors import InputError
from evenstride_analysis.frames import axis_map
from evenstride_analysis.model import Doubt, Gait, Gap, SampleBlock, Side, Stride
from evenstride_analysis.strides.detector import StrideDetector

RATE_HZ = 416.0


@pytest.fixture(scope="module")
def leg() -> Leg:
    whole = resampled(rbds_trial("RBDS001_T35").legs[Side.LEFT], RATE_HZ)
    n = int(8.0 * RATE_HZ)
    return replace(whole, accel_mps2=whole.accel_mps2[:n], gyro_radps=whole.gyro_radps[:n])


def run(leg: Leg, cuts: list[int], *, detector: StrideDetector | None = None) -> list[Stride]:
    detector = detector or StrideDetector(pod_id="pod", rate_hz=leg.rate_hz)
    strides = [stride for piece in blocks(leg, cuts) for stride in detector.push(piece)]
    return strides + detector.flush()


def length(leg: Leg) -> int:
    return len(leg.accel_mps2)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_split_gives_the_same_bits(leg: Leg, data: st.DataObject) -> None:
    n = length(leg)
    cuts = data.draw(st.sets(st.integers(1, n - 1), max_size=300))
    c, s = np.cos(0.2), np.sin(0.2)
    turned = (float(c), float(-s), 0.0, float(s), float(c), 0.0, 0.0, 0.0, 1.0)

    def detector() -> StrideDetector:
        return StrideDetector(pod_id="pod", rate_hz=RATE_HZ, rotation=turned, accel_range_mps2=70.0)

    assert run(leg, sorted(cuts | {0, n}), detector=detector()) == run(leg, [0, n], detector=detector())


def test_single_samples_and_flushes_in_between_change_nothing(leg: Leg) -> None:
    whole = run(leg, [0, length(leg)])
    assert len(whole) >= 8
    assert run(leg, list(range(length(leg) + 1))) == whole
    detector = StrideDetector(pod_id="pod", rate_hz=RATE_HZ)
    strides: list[Stride] = []
    for piece in blocks(leg, list(range(0, length(leg), 53))):
        strides += detector.push(piece) + detector.flush()
    assert strides == whole[: len(strides)]


def with_gap(leg: Leg, first: int, missing: int, *, said: bool = True) -> list[Stride]:
    detector = StrideDetector(pod_id="pod", rate_hz=RATE_HZ)
    strides = detector.push(block(leg, 0, first))
    if said:
        strides += detector.push(Gap(pod_id="pod", boot_id=1, first_index=first, missing=missing))
    strides += detector.push(block(leg, first + missing, length(leg)))
    return strides + detector.flush()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.integers(300, 2800), missing=st.integers(1, 400))
def test_a_gap_changes_only_the_strides_whose_window_it_touches(leg: Leg, first: int, missing: int) -> None:
    def away(strides: list[Stride]) -> list[Stride]:
        from_s, to_s = first / RATE_HZ, (first + missing) / RATE_HZ
        return [stride for stride in strides if stride.end_s + 1.1 < from_s or stride.strike_s - 1.1 > to_s]

    gapped = with_gap(leg, first, missing)
    assert away(gapped) == away(run(leg, [0, length(leg)]))
    assert with_gap(leg, first, missing, said=False) == gapped


def test_a_short_gap_is_bridged_and_doubted_where_it_matters(leg: Leg) -> None:
    whole = run(leg, [0, length(leg)])
    middle = whole[4]
    stance = with_gap(leg, middle.strike_index + 40, 17)
    assert [s.strike_index for s in stance] == [s.strike_index for s in whole]
    assert [Doubt.GAP in s.doubt for s in stance] == [s is middle for s in whole]
    swing = with_gap(leg, round((middle.toe_off_s + 0.12) * RATE_HZ), 10)
    assert not any(Doubt.GAP in s.doubt for s in swing)
    assert swing[4].heading_rad is None


def test_an_impact_over_a_gap_is_not_measured(leg: Leg) -> None:
    middle = run(leg, [0, length(leg)])[4]
    assert middle.impact_mps2 is not None
    assert with_gap(leg, middle.strike_index + 10, 5)[4].impact_mps2 is None


def test_a_new_boot_starts_anew_and_settles_the_old_one(leg: Leg) -> None:
    n = length(leg)
    alone = run(leg, [0, n])
    detector = StrideDetector(pod_id="pod", rate_hz=RATE_HZ)
    first = detector.push(block(leg, 0, n))
    second = detector.push(block(leg, 0, n, boot_id=2)) + detector.flush()
    assert [replace(stride, boot_id=1) for stride in first + second] == alone + alone
    assert {stride.boot_id for stride in second[-5:]} == {2}


@pytest.mark.parametrize("rate_error", [-0.03, 0.03])
def test_a_rate_off_by_three_percent_biases_stance_by_less_than_a_millisecond(rate_error: float) -> None:
    source = rbds_trial("RBDS001_T35").legs[Side.RIGHT]
    true = detect(resampled(source, RATE_HZ))
    leg = resampled(source, RATE_HZ * (1.0 + rate_error))
    detector = StrideDetector(pod_id="pod", rate_hz=RATE_HZ)
    strides = [s for piece in blocks(leg, list(range(0, length(leg), 17))) for s in detector.push(piece)]
    n = min(len(strides), len(true))
    assert n >= 38
    bias_s = np.mean([s.stance_s for s in strides[:n]]) - np.mean([s.stance_s for s in true[:n]])
    assert abs(bias_s) < 0.001


@pytest.mark.parametrize("rate_hz", [100.0, 150.0, 208.0, 833.0, 1000.0])
def test_the_rate_hardly_matters_and_impact_needs_199_hz(rate_hz: float) -> None:
    source = rbds_trial("RBDS010_T35").legs[Side.LEFT]
    at_416 = detect(resampled(source, RATE_HZ))
    strides = detect(resampled(source, rate_hz))
    assert abs(len(strides) - len(at_416)) <= 1
    assert np.mean([s.stance_s for s in strides]) == pytest.approx(np.mean([s.stance_s for s in at_416]), abs=0.004)
    assert all((s.impact_mps2 is None) == (rate_hz < 199.0) for s in strides)
    assert all(s.gait is Gait.RUN for s in strides)


def test_a_clipped_stride_says_so_and_keeps_its_lower_bound(leg: Leg) -> None:
    range_mps2 = 35.0
    clipped = replace(leg, accel_mps2=np.clip(leg.accel_mps2, -range_mps2, range_mps2))
    cuts = [0, length(leg)]
    detector = StrideDetector(pod_id="pod", rate_hz=RATE_HZ, accel_range_mps2=range_mps2)
    strides = run(clipped, cuts, detector=detector)
    assert strides
    for stride, whole in zip(strides, run(leg, cuts), strict=True):
        assert Doubt.CLIPPED in stride.doubt
        assert stride.impact_mps2 is not None
        assert whole.impact_mps2 is not None
        assert stride.impact_mps2 < whole.impact_mps2
    roomy = run(leg, cuts, detector=StrideDetector(pod_id="pod", rate_hz=RATE_HZ, accel_range_mps2=320.0))
    assert not any(Doubt.CLIPPED in stride.doubt for stride in roomy)


def test_a_mounted_sensor_gives_the_same_strides_after_rotation(leg: Leg) -> None:
    def worn(values: np.ndarray) -> np.ndarray:
        return np.stack([values[:, 2], values[:, 1], -values[:, 0]], axis=1)  # shank z is the sensor's x

    turned = replace(leg, accel_mps2=worn(leg.accel_mps2), gyro_radps=worn(leg.gyro_radps))
    detector = StrideDetector(pod_id="pod", rate_hz=RATE_HZ, rotation=axis_map("-z", "y", "x"))
    assert run(turned, [0, length(leg)], detector=detector) == run(leg, [0, length(leg)])


def test_few_stamps_reach_further_and_none_give_no_stride(leg: Leg) -> None:
    def with_stamps(index: list[int]) -> list[Stride]:
        piece = block(leg, 0, length(leg))
        stamps = np.array(index, dtype=np.int64)
        detector = StrideDetector(pod_id="pod", rate_hz=RATE_HZ)
        strides = detector.push(replace(piece, stamp_index=stamps, stamp_s=stamps / RATE_HZ))
        strides += detector.flush()
        assert len(strides) + detector.untimed == len(run(leg, [0, length(leg)]))
        return strides

    assert with_stamps([]) == []
    few = with_stamps([0, 100])
    whole = run(leg, [0, length(leg)])
    assert [s.stance_s for s in few] == pytest.approx([s.stance_s for s in whole], abs=1e-9)


def test_a_bend_is_seen_in_the_heading(leg: Leg) -> None:
    straight = [s.heading_rad for s in run(leg, [0, length(leg)]) if s.heading_rad is not None]
    turning = replace(leg, gyro_radps=leg.gyro_radps + np.array([0.0, 0.1, 0.0]))  # the long axis is nearly upright
    bend = [s.heading_rad for s in run(turning, [0, length(leg)]) if s.heading_rad is not None]
    assert abs(np.mean(straight)) < 0.02
    assert 0.04 < np.mean(bend) - np.mean(straight) < 0.08


def test_what_cannot_be_used_is_refused_by_name(leg: Leg) -> None:
    detector = StrideDetector(pod_id="pod", rate_hz=RATE_HZ)
    detector.push(block(leg, 0, 500))
    bad = block(leg, 500, 600)
    cases: list[tuple[SampleBlock | Gap, str]] = [
        (block(leg, 400, 500), "in order and once"),
        (replace(bad, pod_id="other"), "other"),
        (Gap(pod_id="pod", boot_id=1, first_index=300, missing=5), "in order and once"),
        (replace(bad, accel_mps2=np.full((100, 3), np.nan)), "finite"),
        (replace(bad, stamp_index=np.array([700]), stamp_s=np.array([1.7])), "belongs to no sample"),
        (replace(bad, stamp_s=bad.stamp_s - 5.0), "does not increase"),
    ]
    for item, message in cases:
        with pytest.raises(InputError, match=message):
            detector.push(item)
    assert detector.push(block(leg, 500, length(leg))) + detector.flush() == run(leg, [0, 500, length(leg)])
    with pytest.raises(InputError, match="Hz"):
        StrideDetector(pod_id="pod", rate_hz=50.0)


def test_memory_stays_flat(leg: Leg) -> None:
    detector = StrideDetector(pod_id="pod", rate_hz=RATE_HZ)
    n, strides = length(leg), 0
    held: list[int] = []
    tracemalloc.start()
    try:
        for lap in range(30):
            piece = block(leg, 0, n, stamp_every=1)
            index = piece.stamp_index + lap * n
            strides += len(
                detector.push(replace(piece, first_index=lap * n, stamp_index=index, stamp_s=index / RATE_HZ))
            )
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert strides > 200
    assert held[-1] - held[10] < 20_000
