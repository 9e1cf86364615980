"""The versioned table behind the method `learned-1`: networks, what their errors are, where they come from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, cast

import numpy as np

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import FloatArray
from evenstride_analysis.strides.learned.nets import EventNets, Net
from evenstride_analysis.strides.learned.windows import GRID_S

NETS = EventNets._fields
LIVE_NETS = ("live_toe_off_coarse", "live_toe_off")
PROVENANCE = ("data", "licence", "seed", "command", "inputs_sha256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Half-open bounds outside of which the method was not trained."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value < self.high


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LearnedTable:
    """What the learned estimator knows that is not in the signal. Weights are 32-bit floats: a pod holds the same ones.

    `stride_variance` and `system_variance` (5,) give the error variance of one stance, and the part of it that stays
    with a leg for a whole run: a + sum of b check^2, s^2, checks in the order contact self, toe-off self, contact
    check, toe-off check. `stance_sd_s` and `si_error_sd` are out-of-fold errors (runner left out): per stride, and of
    a run's symmetry index. Offsets of a hardware version, s, are subtracted from the events.
    """

    method: str
    nets: Mapping[str, Net]
    stride_variance: tuple[float, ...]
    system_variance: tuple[float, ...]
    stance_sd_s: float
    si_error_sd: float
    stance_s: Range
    stride_s: Range
    swing_radps: Range
    provenance: Mapping[str, str]
    ic_offset_s: float = 0.0
    tc_offset_s: float = 0.0

    def __post_init__(self) -> None:
        if not (abs(self.ic_offset_s) < 0.1 and abs(self.tc_offset_s) < 0.1):
            raise InputError(f"{self.method}: offsets of 100 ms or more are no offsets")
        if not (0.0 < self.stance_sd_s < 1.0 and 0.0 < self.si_error_sd < 1.0):
            raise InputError(f"{self.method}: stance_sd_s and si_error_sd must lie between 0 and 1")

    @property
    def source(self) -> str:
        return f"{self.provenance['data']} ({self.provenance['licence']})"


def load_table(text: str) -> LearnedTable:
    """A table from its JSON text. Raises InputError that names the key that is missing or wrong."""
    try:
        table = json.loads(text)
    except ValueError as error:
        raise InputError(f"not a table of coefficients: {error}") from error
    if not isinstance(table, dict):
        raise InputError("not a table of coefficients: a JSON object was expected")
    reader = _Reader(cast("dict[str, Any]", table))
    nets = reader.inner("nets")
    return LearnedTable(
        method=reader.text("method"),
        nets={name: _net(nets, name) for name in (*NETS, *(n for n in LIVE_NETS if n in nets.values))},
        stride_variance=reader.coefficients("stride_variance_s2"),
        system_variance=reader.coefficients("system_variance_s2"),
        stance_sd_s=reader.number("stance_sd_s"),
        si_error_sd=reader.number("si_error_sd"),
        stance_s=reader.range("stance_s"),
        stride_s=reader.range("stride_s"),
        swing_radps=reader.range("swing_radps"),
        ic_offset_s=reader.number("ic_offset_s"),
        tc_offset_s=reader.number("tc_offset_s"),
        provenance={name: reader.inner("provenance").text(name) for name in PROVENANCE},
    )


def dump_table(table: LearnedTable) -> str:
    """The JSON text of a table; `load_table` gives the same numbers back."""
    nets = ",\n".join(
        f'  "{name}": {{\n' + ",\n".join(f'   "{key}": {text}' for key, text in _parts(net).items()) + "\n  }"
        for name, net in ((name, table.nets[name]) for name in (*NETS, *LIVE_NETS) if name in table.nets)
    )
    head = {
        "method": table.method,
        "provenance": {name: table.provenance[name] for name in PROVENANCE},
        "stance_sd_s": table.stance_sd_s,
        "si_error_sd": table.si_error_sd,
        "ic_offset_s": table.ic_offset_s,
        "tc_offset_s": table.tc_offset_s,
        "stance_s": [table.stance_s.low, table.stance_s.high],
        "stride_s": [table.stride_s.low, table.stride_s.high],
        "swing_radps": [table.swing_radps.low, table.swing_radps.high],
        "stride_variance_s2": list(table.stride_variance),
        "system_variance_s2": list(table.system_variance),
    }
    return json.dumps(head, indent=1)[:-2] + ',\n "nets": {\n' + nets + "\n }\n}\n"


def rounded(net: Net) -> Net:
    """The same network with its weights rounded to 32-bit floats (offsets stay what they are)."""
    parts = (np.asarray(part, dtype=np.float32).astype(np.float64) for part in net[1:])
    return Net(net.start, *parts)


def _parts(net: Net) -> dict[str, str]:
    return {
        "start_s": f"{net.start[0] * GRID_S:.4f}",
        "first": _numbers(net.first),
        "first_bias": _numbers(net.first_bias),
        "second": _numbers(net.second),
        "second_bias": _numbers(net.second_bias),
    }


def _numbers(values: FloatArray) -> str:
    """JSON of an array; each number is the shortest text that gives its 32-bit float back."""
    if values.ndim == 2:
        return "[\n    " + ",\n    ".join(_numbers(row) for row in values) + "\n   ]"
    return "[" + ", ".join(np.format_float_positional(np.float32(v), trim="-") if v else "0" for v in values) + "]"


@dataclass(frozen=True, slots=True)
class _Reader:
    """One JSON object; every error names the key."""

    values: dict[str, Any]
    where: str = ""

    def get(self, key: str) -> Any:
        if key not in self.values:
            raise InputError(f"table of coefficients: {self.where}{key} is missing")
        return self.values[key]

    def inner(self, key: str) -> "_Reader":
        value = self.get(key)
        if not isinstance(value, dict):
            raise InputError(f"table of coefficients: {self.where}{key} must be an object")
        return _Reader(cast("dict[str, Any]", value), f"{self.where}{key}.")

    def text(self, key: str) -> str:
        value = self.get(key)
        if not isinstance(value, str) or not value:
            raise InputError(f"table of coefficients: {self.where}{key} must be a text")
        return value

    def array(self, key: str, *, axes: int = 1) -> FloatArray:
        value = self.get(key)
        try:
            array = np.array(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"table of coefficients: {self.where}{key} must be numbers in rows of one length"
            ) from error
        if array.ndim != axes or array.size == 0 or not bool(np.isfinite(array).all()):
            raise InputError(f"table of coefficients: {self.where}{key} must hold finite numbers, {axes} axes of them")
        return array

    def number(self, key: str) -> float:
        return float(self.array(key, axes=0))

    def range(self, key: str) -> Range:
        bounds = self.array(key)
        if len(bounds) != 2 or not bounds[0] < bounds[1]:
            raise InputError(f"table of coefficients: {self.where}{key} must be a lower and a higher bound")
        return Range(low=float(bounds[0]), high=float(bounds[1]))

    def coefficients(self, key: str) -> tuple[float, ...]:
        values = self.array(key)
        if len(values) != 5 or bool((values < 0.0).any()) or not values[0] > 0.0:
            raise InputError(f"table of coefficients: {self.where}{key} must be five numbers of zero or more")
        return tuple(float(v) for v in values)


def _net(nets: _Reader, name: str) -> Net:
    reader = nets.inner(name)
    first, first_bias, second, last = (
        reader.array(key, axes=2 if key == "first" else 1) for key in ("first", "first_bias", "second", "second_bias")
    )
    inputs, hidden = first.shape
    for key, wrong in (
        ("first", inputs % 3 != 0),
        ("first_bias", len(first_bias) != hidden),
        ("second", len(second) != hidden),
        ("second_bias", len(last) != 1),
    ):
        if wrong:
            raise InputError(f"table of coefficients: {reader.where}{key} has another size than its network needs")
    start = np.array([round(reader.number("start_s") / GRID_S, 3)])
    net = rounded(Net(start, first, first_bias, second, last))
    for part in net:
        part.setflags(write=False)
    return net


DEFAULT_TABLE = load_table(
    (resources.files("evenstride_analysis.strides.learned") / "learned_1.json").read_text("utf-8")
)
