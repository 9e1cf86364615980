"""Which leg a pod sits on and which way up, from its alignment; what is wrong with it in plain words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evenstride_analysis.frames import axis_map
from evenstride_analysis.model import Side
from evenstride_analysis.placement.alignment import Alignment

_SIDE_COSINE = math.cos(math.radians(70.0))  # the inner face of the shin looks half forward
_UP_COSINE = math.cos(math.radians(50.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class PodCase:
    """How the sensor lies in its case: the sensor axis that points to the knee when the arrow on the case does, and the
    one that points out of the face with the logo (`y`, `-z`, ...)."""

    up: str = "y"
    outward: str = "z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What one pod says of its seat on the inner side of the shin, logo outward.

    `side` None = its face looks straight forward or back: no side follows. `upside_down` None = it lies across.
    """

    side: Side | None
    upside_down: bool | None


def seat_of(alignment: Alignment, case: PodCase) -> Seat:
    """The seat that follows from the axes of a recording, as with `seat_by`."""
    return seat_by(alignment.rotation, case)


def seat_by(rotation: tuple[float, ...], case: PodCase) -> Seat:
    """The seat that follows from a rotation of sensor into shank axes, 9 numbers by rows.

    Worn on the inner (medial) face, the logo looks at the other leg: to the runner's right from the left leg, to the
    left from the right one. The functional z points to the runner's right on both legs and its sign comes from the
    swing alone, so the logo's direction along z tells the leg, whichever way up the pod is. Turned towards the leg, a
    pod looks like one on the other leg: a single pod cannot tell the two.
    """
    shank = np.array(rotation).reshape(3, 3)
    outward = float(shank[2] @ _direction(case.outward))
    upward = float(shank[1] @ _direction(case.up))
    side = None if abs(outward) < _SIDE_COSINE else Side.LEFT if outward > 0.0 else Side.RIGHT
    return Seat(side=side, upside_down=None if abs(upward) < _UP_COSINE else upward < 0.0)


def on_other_leg(seats: Mapping[str, Seat], assigned: Mapping[str, Side]) -> list[str]:
    """The pods that sit as one sits on the leg they were not assigned to, by pod id; two of them: swapped."""
    return [p for p, seat in seats.items() if p in assigned and seat.side is assigned[p].other]


def placement_words(seats: Mapping[str, Seat], assigned: Mapping[str, Side]) -> list[str]:
    """What is wrong, one sentence for each finding; nothing for what is right or cannot be told.

    `seats` and `assigned` go by pod id; a pod without a leg is told which one it sits on.
    """
    said: list[str] = []
    for pod_id, seat in seats.items():
        where = f"on the {assigned[pod_id].value} leg" if pod_id in assigned else f"{pod_id}"
        if seat.upside_down:
            said.append(f"The pod {where} sits upside down: turn it so that its arrow points to the knee.")
        elif seat.upside_down is None:
            said.append(f"The pod {where} lies across the shin: turn it so that its arrow points to the knee.")
    wrong = on_other_leg(seats, assigned)
    if len(wrong) == 2:
        first, second = sorted(wrong, key=lambda pod_id: assigned[pod_id].value)
        said.append(
            f"The pods are swapped: {first} was to be on the {assigned[first].value} leg and sits on the"
            f" {assigned[first].other.value} one, {second} the other way round."
            " `evenstride pods swap` puts that right from now on, with `--session` and its id in a stored session."
            " (Both worn on the outer side, or with the logo towards the leg, look the same.)"
        )
    elif wrong:
        side = assigned[wrong[0]]
        said.append(
            f"The pod on the {side.value} leg looks as if it sat on the {side.other.value} one: is its logo turned"
            " towards the leg? Wear it on the inner side of the shin, logo outward."
        )
    for pod_id, seat in seats.items():
        if pod_id not in assigned and seat.side is not None:
            said.append(f"The pod {pod_id} sits on the {seat.side.value} leg: `evenstride pods assign` says so.")
    return said


def expected_rotation(side: Side, case: PodCase) -> tuple[float, ...]:
    """The rotation of a pod that is worn as it should be, before anything is measured."""
    toward_right = case.outward if side is Side.LEFT else _turned(case.outward)
    y, z = _direction(case.up), _direction(toward_right)
    x = np.cross(y, z)
    name = "xyz"[int(np.argmax(np.abs(x)))]
    return axis_map(name if x.sum() > 0 else f"-{name}", case.up, toward_right)


def _turned(name: str) -> str:
    return name.removeprefix("-") if name.startswith("-") else f"-{name}"


def _direction(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    direction = np.zeros(3)
    direction["xyz".index(name[-1])] = -1.0 if name.startswith("-") else 1.0
    return direction
