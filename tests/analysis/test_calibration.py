"""A reference session gives a hardware its offset, with an interval; every stride by it says so."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from support.recordings import blocks, rbds_trial
from support.steps import made_stride

from evenstride_analysis.accuracy import Leg
from evenstride_analysis.calibration import (
    RUNNER_SD_S,
    HardwareOffset,
    OffsetFit,
    ReferenceEvents,
    fit_offsets,
    pooled,
)
from evenstride_analysis.errors import InputError
from evenstride_analysis.model import Gait, Side, Stride
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.strides.estimator import RulesEstimator
from evenstride_analysis.strides.learned.estimator import LearnedEstimator
from evenstride_analysis.strides.offset import OffsetEstimator
from evenstride_analysis.strides.rules import UNCALIBRATED

IC_S, TC_S = 0.012, -0.005


def session(
    rng: np.random.Generator, *, seconds: float = 60.0, tc_s: float = TC_S, drift: float = 0.012, jitter: float = 0.003
) -> tuple[dict[Side, list[Stride]], dict[Side, list[float]], dict[Side, ReferenceEvents]]:
    """Strides that are wrong by (IC_S, tc_s) against a reference on the same clock."""
    strides: dict[Side, list[Stride]] = {}
    times: dict[Side, list[float]] = {}
    reference: dict[Side, ReferenceEvents] = {}
    n = round(seconds / 0.7)
    base = np.cumsum(0.7 + rng.normal(0, drift, n)) + 10.0
    for side, shift in ((Side.LEFT, 0.0), (Side.RIGHT, 0.35)):
        strike = base + shift + rng.normal(0, jitter, n)
        toe_off = strike + 0.25 + rng.normal(0, 0.004, n)
        found = strike + IC_S + rng.normal(0, 0.003, n)
        stance = toe_off + tc_s + rng.normal(0, 0.003, n) - found
        strides[side] = [made_stride(t, stance_s=s) for t, s in zip(found.tolist(), stance.tolist(), strict=True)]
        times[side] = found.tolist()
        reference[side] = ReferenceEvents(strike_s=strike, toe_off_s=toe_off)
    return strides, times, reference


def moved(reference: Mapping[Side, ReferenceEvents], lag_s: float, skew: float = 0.0) -> dict[Side, ReferenceEvents]:
    return {
        side: ReferenceEvents(strike_s=(r.strike_s - lag_s) / (1 + skew), toe_off_s=(r.toe_off_s - lag_s) / (1 + skew))
        for side, r in reference.items()
    }


def test_offsets_on_one_clock() -> None:
    fit = fit_offsets(*session(np.random.default_rng(1)), shared_clock=True)
    assert fit.ic is not None
    assert fit.tc is not None
    assert fit.ic.value_s == pytest.approx(IC_S, abs=0.001)
    assert fit.tc.value_s == pytest.approx(TC_S, abs=0.001)
    assert fit.stance.value_s == pytest.approx(TC_S - IC_S, abs=0.001)
    assert fit.stance.total_high_s - fit.stance.value_s > 1.9 * RUNNER_SD_S
    assert (fit.missed, fit.gross, fit.method) == (0, 0, "rules-1")
    offset = fit.offset("xiao", 3)
    assert offset.method_of("learned-1") == "learned-1+hw:xiao.3"
    assert (offset.ic_offset_s, offset.tc_offset_s) == (fit.ic.value_s, fit.tc.value_s)


@pytest.mark.parametrize("seed", range(4))
def test_a_reference_with_a_clock_of_its_own_calibrates_the_stance(seed: int) -> None:
    strides, times, reference = session(np.random.default_rng(seed), seconds=120.0)
    fit = fit_offsets(strides, times, moved(reference, -1234.5, 40e-6), shared_clock=False)
    assert fit.ic is fit.tc is None
    assert fit.stance.value_s == pytest.approx(TC_S - IC_S, abs=0.001)
    middle_s = fit.lag_s + 1300.0 * (fit.skew_ppm - 40.0) * 1e-6
    assert middle_s == pytest.approx(-1234.5 + IC_S, abs=0.003)
    assert fit.skew_ppm == pytest.approx(40.0, abs=40.0)
    offset = fit.offset("x", 1)
    assert (offset.ic_offset_s, offset.tc_offset_s) == (0.0, fit.stance.value_s)


def test_the_scatter_interval_holds_the_planted_offset() -> None:
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        fit = fit_offsets(*session(rng, seconds=25.0), shared_clock=True)
        held += fit.stance.low_s <= TC_S - IC_S <= fit.stance.high_s
    assert 0.90 <= held / 200 <= 0.99


def test_what_is_no_reference_is_refused() -> None:
    rng = np.random.default_rng(3)
    strides, times, reference = session(rng)
    with pytest.raises(InputError, match="0 stances match"):
        fit_offsets(strides, times, moved(reference, -1000.0), shared_clock=True)
    other = session(np.random.default_rng(99), seconds=60.0, drift=0.05)[2]
    with pytest.raises(InputError, match="no lag makes half"):
        fit_offsets(strides, times, other, shared_clock=False)
    clock = session(rng, drift=0.0, jitter=0.0)
    with pytest.raises(InputError, match="at two places nearly as well"):
        fit_offsets(clock[0], clock[1], moved(clock[2], 50.0), shared_clock=False)
    with pytest.raises(InputError, match="no leg in common"):
        fit_offsets({Side.LEFT: strides[Side.LEFT]}, times, {Side.RIGHT: reference[Side.RIGHT]}, shared_clock=True)
    named = {side: [replace(s, method="rules-1+hw:x.1") for s in own] for side, own in strides.items()}
    with pytest.raises(InputError, match="without hardware offset"):
        fit_offsets(named, times, reference, shared_clock=True)
    walking = {side: [replace(s, gait=Gait.WALK) for s in own] for side, own in strides.items()}
    with pytest.raises(InputError, match="0 stances match"):
        fit_offsets(walking, times, reference, shared_clock=True)
    with pytest.raises(InputError, match="rising time"):
        ReferenceEvents(strike_s=np.array([2.0, 1.0]), toe_off_s=np.array([2.2, 1.2]))
    with pytest.raises(InputError, match="must follow"):
        ReferenceEvents(strike_s=np.array([1.0]), toe_off_s=np.array([0.9]))
    with pytest.raises(InputError, match="no offsets"):
        HardwareOffset(name="x", version=1, ic_offset_s=0.2, tc_offset_s=0.0)


def test_more_runners_make_a_narrower_total_interval() -> None:
    rng = np.random.default_rng(5)
    fits: list[OffsetFit] = []
    for _ in range(4):
        own = float(rng.normal(0, 0.002))
        fits.append(fit_offsets(*session(rng, tc_s=TC_S + own), shared_clock=True))
    joined = pooled(fits)
    assert joined.stances == sum(fit.stances for fit in fits)
    assert joined.stance.total_high_s - joined.stance.value_s < fits[0].stance.total_high_s - fits[0].stance.value_s
    assert joined.stance.value_s == pytest.approx(TC_S - IC_S, abs=0.004)
    assert pooled(fits[:1]) is fits[0]


def detected(leg: Leg, estimator: RulesEstimator | OffsetEstimator | LearnedEstimator) -> list[Stride]:
    detector = StrideDetector(pod_id="pod", rate_hz=leg.rate_hz, estimator=estimator)
    (piece,) = blocks(leg, [0, len(leg.accel_mps2)])
    return detector.push(piece) + detector.flush()


def test_the_detector_applies_it_and_names_it() -> None:
    """A real run against its force plate: the raw rules are calibrated, and then they are right on average."""
    trial = rbds_trial("RBDS001_T35")
    found = {side: detected(leg, RulesEstimator(UNCALIBRATED)) for side, leg in trial.legs.items()}
    reference: dict[Side, ReferenceEvents] = {}
    for side, leg in trial.legs.items():
        toe_off = [float(leg.tc_s[leg.tc_s > ic][0]) for ic in leg.ic_s.tolist() if leg.tc_s[-1] > ic]
        reference[side] = ReferenceEvents(strike_s=leg.ic_s[: len(toe_off)], toe_off_s=np.array(toe_off))
    times = {side: [stride.strike_s for stride in own] for side, own in found.items()}
    fit = fit_offsets(found, times, reference, shared_clock=True)
    offset = fit.offset("treadmill-rig", 2)
    again = {
        side: detected(leg, OffsetEstimator(RulesEstimator(UNCALIBRATED), offset)) for side, leg in trial.legs.items()
    }
    for side, own in again.items():
        assert {stride.method for stride in own} == {"rules-1-uncalibrated+hw:treadmill-rig.2"}
        for before, after in zip(found[side], own, strict=True):
            assert after.stance_s - before.stance_s == pytest.approx(-fit.stance.value_s, abs=1e-9)
    plain = {side: [replace(s, method="m") for s in own] for side, own in again.items()}
    times = {side: [stride.strike_s for stride in own] for side, own in plain.items()}
    assert fit_offsets(plain, times, reference, shared_clock=True).stance.value_s == pytest.approx(0.0, abs=5e-4)


def test_walking_is_left_as_it_is() -> None:
    class Walker:
        method, before_s, after_s = "m", 0.15, 0.62

        def events(self, window: object) -> None:
            del window

    assert OffsetEstimator(Walker(), HardwareOffset(name="x", version=1, ic_offset_s=0.01, tc_offset_s=0.0)).method == (
        "m+hw:x.1"
    )
