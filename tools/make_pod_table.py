"""Writes firmware/strides/tables/learned_1.bin: the coefficients of `learned-1` as a pod holds them.

python tools/make_pod_table.py            # write
python tools/make_pod_table.py --check    # exit 1 when the committed file is stale

The layout is section 13.1 of firmware/PROTOCOL.md. A pod takes the same bytes over Control as table COEFFICIENTS.
"""

import struct
import sys
import zlib
from pathlib import Path

import numpy as np

from evenstride_analysis.strides.learned.nets import EventNets, Net
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE, LearnedTable
from evenstride_analysis.strides.loose import DEFAULT_LOOSE, LooseTable
from evenstride_analysis.strides.rules import DEFAULT_RULES, Rules

TABLE = Path(__file__).parent.parent / "firmware" / "strides" / "tables" / "learned_1.bin"
MAGIC = b"EVST"
LEARNED = 2  # `rules` of the records that come from such a table
LONGEST = 16_384
_HEAD = struct.Struct("<4sHHII")  # magic, version, rules, length, CRC-32 of what follows
_NET = struct.Struct("<fHH")  # start in grid steps, inputs, hidden


def pod_table(table: LearnedTable, rules: Rules, loose: LooseTable, *, version: int = 1) -> bytes:
    """The table of a pod. Raises ValueError when it is longer than a pod takes."""
    numbers = (
        table.ic_offset_s,
        table.tc_offset_s,
        rules.ic_offset_s,
        table.stance_s.low,
        table.stance_s.high,
        table.stride_s.low,
        table.stride_s.high,
        table.swing_radps.low,
        table.swing_radps.high,
        *table.stride_variance,
        *table.system_variance,
        *loose.weights,
    )
    body = _floats(numbers) + b"".join(_net(table.nets[name]) for name in EventNets._fields)
    content = _HEAD.pack(MAGIC, version, LEARNED, _HEAD.size + len(body), zlib.crc32(body)) + body
    if len(content) > LONGEST:
        raise ValueError(f"a table of {len(content)} bytes, more than the {LONGEST} that a pod takes")
    return content


def _net(net: Net) -> bytes:
    inputs, hidden = net.first.shape
    # unit by unit: a pod adds one unit's inputs in a register
    weights = (net.first.T, net.first_bias, net.second, net.second_bias)
    return _NET.pack(float(net.start[0]), inputs, hidden) + b"".join(_floats(part.ravel()) for part in weights)


def _floats(numbers: object) -> bytes:
    return np.asarray(numbers, dtype="<f4").tobytes()


def main(arguments: list[str]) -> int:
    content = pod_table(DEFAULT_TABLE, DEFAULT_RULES, DEFAULT_LOOSE)
    if "--check" in arguments:
        if TABLE.exists() and TABLE.read_bytes() == content:
            return 0
        print(f"{TABLE.name} is stale: run tools/make_pod_table.py", file=sys.stderr)
        return 1
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_bytes(content)
    print(f"{TABLE.name}: {len(content)} of {LONGEST} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
