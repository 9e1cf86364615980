"""Golden strides: a number that moves by a microsecond is a scientific change and needs its entry in the changelog.

Figures derived from RBDS (Fukuchi, Fukuchi & Duarte 2017, PeerJ 5:e3298, CC BY 4.0). Written by
`write` when a change is meant: see tests/golden/README.md.
"""

import json
from pathlib import Path

import pytest
from support.recordings import rbds_trial, resampled

from evenstride_analysis.accuracy import detect
from evenstride_analysis.model import Side

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
TRIALS = ("RBDS001_T25", "RBDS04_T45", "RBDS018_T35")


def rows(name: str, side: Side) -> list[list[float | str]]:
    strides = detect(resampled(rbds_trial(name).legs[side], 208.0))
    return [
        [
            round(stride.strike_s, 7),
            round(stride.toe_off_s, 7),
            round(stride.end_s, 7),
            round(stride.impact_axial_mps2 or 0.0, 4),
            round(stride.impact_mps2 or 0.0, 4),
            round(stride.loading_mps3 or 0.0, 1),
            round(stride.heading_rad or 0.0, 5),
            "|".join(stride.doubt.names),
        ]
        for stride in strides
    ]


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("name", TRIALS)
def test_strides_are_the_golden_ones(name: str, side: Side) -> None:
    golden = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))["strides"][side.value]
    found = rows(name, side)
    assert len(found) == len(golden)
    for row, expected in zip(found, golden, strict=True):
        assert row[:3] == pytest.approx(expected[:3], abs=1e-6)
        assert row[3:5] == pytest.approx(expected[3:5], abs=1e-3)
        assert row[5:6] == pytest.approx(expected[5:6], rel=1e-4)
        assert row[6:7] == pytest.approx(expected[6:7], abs=1e-4)
        assert row[7] == expected[7]


def write() -> None:
    """Write the golden files anew from what the detector gives now."""
    for name in TRIALS:
        head = {
            "source": "Fukuchi, Fukuchi & Duarte 2017, PeerJ 5:e3298, CC BY 4.0; strides found by evenstride at 208 Hz",
            "columns": "strike_s toe_off_s end_s impact_axial_mps2 impact_mps2 loading_mps3 heading_rad doubt",
        }
        strides = ",\n".join(
            f' "{side.value}": [\n  ' + ",\n  ".join(json.dumps(row) for row in rows(name, side)) + "\n ]"
            for side in Side
        )
        text = json.dumps(head, indent=1)[:-2] + ',\n "strides": {\n' + strides + "\n }\n}\n"
        (GOLDEN / f"{name}.json").write_text(text, encoding="utf-8")
