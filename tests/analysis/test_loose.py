"""A pod that rings in mid-stance is loose; runners, and skin that wobbles, are not."""

import numpy as np
import pytest
from support.data import data_dir
from support.recordings import rbds_trial

from evenstride_analysis.accuracy import Leg
from evenstride_analysis.model import FloatArray, Side
from evenstride_analysis.strides import loose
from evenstride_analysis.strides.loose import is_loose, ringing
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2


def stances(leg: Leg) -> list[tuple[float, float]]:
    """(contact, toe-off) positions of the stances whose surroundings are whole."""
    n, rate_hz = len(leg.accel_mps2), leg.rate_hz
    found = [
        (ic, float(leg.tc_s[k]))
        for ic in leg.ic_s.tolist()
        if (k := int(np.sum(leg.tc_s < ic))) < len(leg.tc_s) and leg.tc_s[k] - ic < 0.5
    ]
    return [(ic * rate_hz, tc * rate_hz) for ic, tc in found if ic > 0.3 and tc < n / rate_hz - 0.3]


def rocking(leg: Leg, size_radps: float, hertz: float, decay_s: float) -> FloatArray:
    """Its gyro (n, 3) with a free damped rocking about x after every contact."""
    gyro, t_s = leg.gyro_radps.copy(), np.arange(len(leg.gyro_radps)) / leg.rate_hz
    for ic in leg.ic_s.tolist():
        tau = t_s[t_s >= ic] - ic
        gyro[t_s >= ic, 0] += size_radps * np.exp(-tau / decay_s) * np.sin(2 * np.pi * hertz * tau)
    return gyro


@pytest.mark.parametrize("name", ["RBDS018_T45", "RBDS001_T25", "RBDS015_T35"])
def test_runners_are_not_loose_pods(name: str) -> None:
    for leg in rbds_trial(name).legs.values():
        assert len(stances(leg)) > 25
        assert not any(is_loose(leg.accel_mps2, leg.gyro_radps, *at, leg.rate_hz) for at in stances(leg))


def test_visible_skin_wobble_is_not_a_loose_pod() -> None:
    with np.load(data_dir("jdx_run") / "jdx_s999_run21.npz") as data:
        for letter in "LR":
            leg = Leg(
                rate_hz=float(data["fs_imu"]),
                accel_mps2=data[f"{letter}_acc_g"] * STANDARD_GRAVITY_MPS2,
                gyro_radps=np.deg2rad(data[f"{letter}_gyr_dps"].astype(np.float64)),
                ic_s=data[f"{letter}_ic_s"],
                tc_s=data[f"{letter}_tc_s"],
            )
            assert stances(leg)
            assert not any(is_loose(leg.accel_mps2, leg.gyro_radps, *at, leg.rate_hz) for at in stances(leg))


@pytest.mark.parametrize("hertz", [12.0, 18.0, 25.0])
def test_a_pod_that_rings_after_contact_is_loose(hertz: float) -> None:
    leg = rbds_trial("RBDS001_T35").legs[Side.LEFT]
    gyro = rocking(leg, 9.0, hertz, 0.10)
    found = [is_loose(leg.accel_mps2, gyro, *at, leg.rate_hz) for at in stances(leg)]
    assert sum(found) >= 0.95 * len(found)
    tight = rocking(leg, 9.0, hertz, 0.02)  # over before the window begins
    assert not any(is_loose(leg.accel_mps2, tight, *at, leg.rate_hz) for at in stances(leg))


def test_too_little_stance_or_signal_says_nothing() -> None:
    leg = rbds_trial("RBDS001_T35").legs[Side.LEFT]
    contact, _ = stances(leg)[3]
    assert ringing(leg.accel_mps2, leg.gyro_radps, contact, contact + 0.14 * leg.rate_hz, leg.rate_hz) == (0.0, 0.0)
    assert ringing(leg.accel_mps2, leg.gyro_radps, 1.0, 40.0, leg.rate_hz) == (0.0, 0.0)


def test_compiled_and_plain_give_the_same_bits() -> None:
    leg = rbds_trial("RBDS001_T35").legs[Side.LEFT]
    signal, kernel = np.ascontiguousarray(leg.gyro_radps[:300, 2]), np.hanning(41)
    power = loose.band_power
    assert power(signal, kernel) == getattr(power, "py_func", power)(signal, kernel)
