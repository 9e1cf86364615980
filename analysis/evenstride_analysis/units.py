"""Conversions at the edges. Inside, everything is SI."""

import math

STANDARD_GRAVITY_MPS2 = 9.80665


def mps2_from_g(value_g: float) -> float:
    return value_g * STANDARD_GRAVITY_MPS2


def g_from_mps2(value_mps2: float) -> float:
    return value_mps2 / STANDARD_GRAVITY_MPS2


def ms_from_s(value_s: float) -> float:
    return value_s * 1e3


def percent_from_fraction(fraction: float) -> float:
    return fraction * 100.0


def balance_percent(index: float) -> float:
    """Share of the left leg in percent, 50 = even, from the symmetry index (a fraction)."""
    return 50.0 + 25.0 * index


def radps_from_dps(value_dps: float) -> float:
    return math.radians(value_dps)


def dps_from_radps(value_radps: float) -> float:
    return math.degrees(value_radps)
