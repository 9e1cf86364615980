"""How a pod sits on the leg: its mounting, a strap that lets it wobble, a slow turn of the pod during the run.

Wearing belongs to the leg; what the electronics add belongs to the pod (sensor.py). After a swap of the pods each leg
keeps its wearing and has the other pod's errors.
"""

import math
from dataclasses import dataclass

import numpy as np

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import FloatArray, Side

Angles = tuple[float, float, float]
UPRIGHT: Angles = (0.0, 0.0, 0.0)
_RANG_OUT = 1e-4  # what is left of a wobble where its kernel ends
_LOOSENS_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LooseStrap:
    """A pod on a spring: it follows the shank through a damped resonance, from `from_s` of the run on.

    `damping` is the ratio to critical. With `gyro` the turning follows too.
    """

    hertz: float = 15.0
    damping: float = 0.2
    from_s: float = 0.0
    gyro: bool = True

    def __post_init__(self) -> None:
        if not (5.0 <= self.hertz <= 60.0 and 0.05 <= self.damping < 1.0):
            raise InputError(f"loose strap of {self.hertz} Hz, damping {self.damping}: 5-60 Hz, 0.05-1 was expected")

    def kernel(self, rate_hz: float) -> FloatArray:
        """Response (n,) of the pod to a shock of the shank, newest sample first, sum 1: a spring moved at its foot."""
        omega = 2 * math.pi * self.hertz
        decay, ring = self.damping * omega, omega * math.sqrt(1 - self.damping**2)
        t_s = np.arange(math.ceil(-math.log(_RANG_OUT) / decay * rate_hz) + 1) / rate_hz
        wave = np.exp(-decay * t_s) * (
            2 * decay * np.cos(ring * t_s) + omega**2 * (1 - 2 * self.damping**2) / ring * np.sin(ring * t_s)
        )
        wave[0] *= 0.5
        return wave / wave.sum()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """The pod turns on the leg by `turn_rad` (about the shank's axes, rotation vector), evenly between two times."""

    turn_rad: Angles
    from_s: float
    until_s: float

    def __post_init__(self) -> None:
        if not self.until_s > self.from_s:
            raise InputError(f"slip from {self.from_s} s until {self.until_s} s: the end must come later")

    def share(self, t_s: FloatArray) -> FloatArray:
        return np.clip((t_s - self.from_s) / (self.until_s - self.from_s), 0.0, 1.0)


def rotation_about_xyz(angles_rad: Angles) -> FloatArray:
    """(3, 3) rotation about x, then y, then z of the fixed axes."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles_rad), np.sin(angles_rad)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def mounted(side: Side, *, medial: bool = True, upside_down: bool = False, round_leg_rad: float = 0.0) -> Angles:
    """The misalignment of a pod whose axes are y along the strap's up, z out of the logo, worn logo outward.

    On the inside of the left leg and the outside of the right one the logo looks to the runner's right, which is the
    shank's z. `round_leg_rad` turns the pod about the tibia from there, `upside_down` about the logo's axis.
    """
    to_the_right = (side is Side.LEFT) == medial
    return (0.0, (0.0 if to_the_right else math.pi) + round_leg_rad, math.pi if upside_down else 0.0)


class Wearing:
    """One leg's pod: shank signals (n, 6) in shank axes -> what acts on the sensor, in sensor axes."""

    def __init__(self, mounting_rad: Angles, strap: LooseStrap | None, slip: Slip | None, rate_hz: float) -> None:
        self._mounting = rotation_about_xyz(mounting_rad)
        self._strap, self._slip = strap, slip
        self._kernel = strap.kernel(rate_hz) if strap else np.ones(1)

    @property
    def history(self) -> int:
        """Samples before the first one that a wobble still remembers."""
        return len(self._kernel) - 1

    def sensor_to_shank(self, t_s: float) -> FloatArray:
        """(3, 3) at one time of the run."""
        turn = np.eye(3)
        if self._slip:
            turn = np.stack([self._slipped(np.eye(3)[k : k + 1], np.array([t_s]))[0] for k in range(3)], axis=1)
        return (self._mounting @ turn).T

    def __call__(self, t_s: FloatArray, shank: FloatArray) -> FloatArray:
        """(n, 6) at times t_s (n,) from shank signals (history + n, 6) that end at the same sample."""
        moved = self._wobble(t_s, shank)
        vectors = [moved[:, :3], moved[:, 3:]]
        if self._slip:
            vectors = [self._slipped(v, t_s) for v in vectors]
        return np.hstack([v @ self._mounting.T for v in vectors])

    def _wobble(self, t_s: FloatArray, shank: FloatArray) -> FloatArray:
        steady = shank[self.history :]
        if self._strap is None:
            return steady
        loose = np.stack([np.convolve(column, self._kernel, mode="valid") for column in shank.T], axis=1)
        share = np.clip((t_s - self._strap.from_s) / _LOOSENS_S, 0.0, 1.0)[:, None]
        moved = steady + share * (loose - steady)
        if not self._strap.gyro:
            moved[:, 3:] = steady[:, 3:]
        return moved

    def _slipped(self, vectors: FloatArray, t_s: FloatArray) -> FloatArray:
        """Rotation of vectors (n, 3) by the slip at each time (Rodrigues)."""
        assert self._slip is not None
        turn = np.array(self._slip.turn_rad)
        whole = float(np.linalg.norm(turn))
        if whole == 0.0:
            return vectors
        axis = turn / whole
        angle = (whole * self._slip.share(t_s))[:, None]
        along = (vectors @ axis)[:, None] * axis
        return along + np.cos(angle) * (vectors - along) + np.sin(angle) * np.cross(axis, vectors)
