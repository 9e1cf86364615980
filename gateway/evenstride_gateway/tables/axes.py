"""`--sensor-axes`: how a pod was mounted, said in a few characters, as the rotation from sensor to shank axes."""

import re

from evenstride_analysis.frames import Rotation, axis_map
from evenstride_analysis.model import Side
from evenstride_gateway.errors import InputError

EXAMPLE = "x=-y,y=x,z=z, or for each leg left:x=-x,y=y,z=-z;right:x=x,y=y,z=z"
_MEANING = "x points forward, y up the shin, z to the runner's right on both legs"
_PART = re.compile(r"([xyz])=([+-]?)([xyz])")


def parse_sensor_axes(text: str) -> dict[Side, Rotation]:
    """The rotation (9 numbers, row-major; shank = rotation @ sensor) of each leg that `text` names (none = both).

    `x=-y` says: the shank's x is the sensor's y turned round. Raises InputError with an example.
    """
    if ":" not in text:
        rotation = _rotation(text, text)
        return dict.fromkeys(Side, rotation)
    found: dict[Side, Rotation] = {}
    for part in text.split(";"):
        word, _, axes = part.partition(":")
        side = {s.value: s for s in Side}.get(word.strip().lower())
        if side is None or side in found:
            raise InputError(f"sensor axes {text!r}: each part names a leg once, left: or right:, as in {EXAMPLE}")
        found[side] = _rotation(axes, text)
    return found


def _rotation(axes: str, whole: str) -> Rotation:
    sensor_of: dict[str, str] = {}
    for part in axes.split(","):
        found = _PART.fullmatch(part.strip().lower().replace(" ", ""))
        if found is None or found[1] in sensor_of:
            raise InputError(f"sensor axes {whole!r} cannot be read; write them as in {EXAMPLE} ({_MEANING})")
        sensor_of[found[1]] = found[2].replace("+", "") + found[3]
    if len(sensor_of) != 3:
        raise InputError(f"sensor axes {whole!r}: each of x, y and z was expected once, as in {EXAMPLE} ({_MEANING})")
    try:
        return axis_map(sensor_of["x"], sensor_of["y"], sensor_of["z"])
    except InputError as error:
        raise InputError(f"sensor axes {whole!r}: {error}; write them as in {EXAMPLE} ({_MEANING})") from error
