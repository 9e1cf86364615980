"""The coefficients in the pod's image are those of the gateway, and a pod takes them over the air."""

import dataclasses
import importlib.util
import struct
import zlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from support.firmware import built

from evenstride_analysis.strides.learned.nets import EventNets, Net
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE
from evenstride_analysis.strides.loose import DEFAULT_LOOSE
from evenstride_analysis.strides.rules import DEFAULT_RULES
from evenstride_gateway.air import TableKind, table_transfer
from evenstride_gateway.air.transfer import MAX_TABLE_SIZE

from .on_pod import on_pod
from .signals import simulated

ROOT = Path(__file__).parents[2]


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_pod_table", ROOT / "tools" / "make_pod_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = _tool()


def test_the_committed_table_is_that_of_the_gateway() -> None:
    content = TOOL.pod_table(DEFAULT_TABLE, DEFAULT_RULES, DEFAULT_LOOSE)
    assert TOOL.TABLE.read_bytes() == content, "stale: run tools/make_pod_table.py"
    assert TOOL.main(["--check"]) == 0


def test_its_weights_are_the_gateways_to_the_bit() -> None:
    content = TOOL.TABLE.read_bytes()
    magic, version, rules, length, crc = struct.unpack_from("<4sHHII", content)
    assert (magic, version, rules, length) == (b"EVST", 1, 2, len(content))
    assert crc == zlib.crc32(content[16:])
    at = 16 + 4 * 28
    for name in EventNets._fields:
        start, inputs, hidden = struct.unpack_from("<fHH", content, at)
        net = DEFAULT_TABLE.nets[name]
        assert (start, inputs, hidden) == (net.start[0], *net.first.shape)
        n = inputs * hidden + 2 * hidden + 1
        weights = np.frombuffer(content, "<f4", n, at + 8).astype(np.float64)
        expected = np.concatenate([net.first.T.ravel(), net.first_bias, net.second, net.second_bias])
        assert np.array_equal(weights, expected)
        at += 8 + 4 * n
    assert at == len(content)


def test_it_goes_over_control_in_one_transfer() -> None:
    content = TOOL.TABLE.read_bytes()
    assert len(content) <= MAX_TABLE_SIZE
    assert len(list(table_transfer(TableKind.COEFFICIENTS, 1, content))) == 2 + -(-len(content) // 238)


def test_a_table_too_long_for_a_pod_is_refused() -> None:
    wide = DEFAULT_TABLE.nets["toe_off"]
    more = np.zeros((39, 64))
    net = Net(wide.start, more, np.zeros(64), np.zeros(64), np.zeros(1))
    table = dataclasses.replace(DEFAULT_TABLE, nets={**DEFAULT_TABLE.nets, "toe_off": net})
    with pytest.raises(ValueError, match="more than the 16384 that a pod takes"):
        TOOL.pod_table(table, DEFAULT_RULES, DEFAULT_LOOSE)


def test_another_table_gives_other_strides(tmp_path: Path) -> None:
    program = built("evenstride-agree")
    signal = next(simulated(12.0))
    content = bytearray(TOOL.TABLE.read_bytes())
    struct.pack_into("<2f", content, 16, 0.004, -0.003)  # offsets of contact and toe-off, s
    struct.pack_into("<I", content, 12, zlib.crc32(content[16:]))
    other = tmp_path / "table.bin"
    other.write_bytes(content)
    before, after = on_pod(program, signal), on_pod(program, signal, ["--table", str(other)])
    assert len(before) == len(after) > 10
    for one, two in zip(before, after, strict=True):
        assert one.strike_s - two.strike_s == pytest.approx(0.004, abs=1e-4)
        assert one.toe_off_s - two.toe_off_s == pytest.approx(-0.003, abs=1e-4)
