"""Recordings of others through detector and pairing: running, walking, one leg, gaps, mounted otherwise."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from support.data import data_dir

from evenstride_analysis.model import Doubt, Gait, Side
from evenstride_gateway.errors import InputError
from evenstride_gateway.tables.analyse import analyse_recording
from evenstride_gateway.tables.axes import parse_sensor_axes
from evenstride_gateway.tables.importers import read_foreign
from evenstride_gateway.tables.recording import LegSamples, Recording


@pytest.fixture(scope="module")
def run() -> Recording:
    return read_foreign(data_dir("rbds") / "RBDS001_T35.npz").recording


def test_a_run_becomes_rows_in_time_order(run: Recording) -> None:
    seen: list[tuple[int, int]] = []
    rows = analyse_recording(run, progress=lambda done, samples: seen.append((done, samples)))
    assert seen[-1] == (9000, 9000)
    strikes = [row.stride.strike_s for row in rows]
    assert strikes == sorted(strikes)
    assert {row.gait for row in rows} == {Gait.RUN}
    sides = [row.side for row in rows]
    assert all(a is not b for a, b in pairwise(sides))
    with np.load(data_dir("rbds") / "RBDS001_T35.npz") as data:
        truth = data["L_ic_s"]
    middle = [row.stride.strike_s for row in rows if row.side is Side.LEFT and 2 < row.stride.strike_s < 27]
    assert len(middle) == np.count_nonzero((truth > 2) & (truth < 27))
    assert all(abs(truth - strike).min() < 0.05 for strike in middle)
    # 150 Hz is below what impact needs
    assert all(row.stride.impact_mps2 is None for row in rows)


def test_a_leg_alone_gives_the_same_strides_without_doubting_them(run: Recording) -> None:
    both = [row.stride for row in analyse_recording(run) if row.side is Side.LEFT]
    alone = analyse_recording(replace(run, legs={Side.LEFT: run.legs[Side.LEFT]}))
    assert [row.stride for row in alone] == both
    assert not any(Doubt.ALTERNATION in row.doubt for row in alone)


def test_the_same_run_mounted_otherwise_needs_only_its_axes(run: Recording) -> None:
    turned = {
        side: LegSamples(
            t_s=leg.t_s,
            accel_mps2=leg.accel_mps2[:, [1, 0, 2]] * (1, -1, 1),
            gyro_radps=leg.gyro_radps[:, [1, 0, 2]] * (1, -1, 1),
        )
        for side, leg in run.legs.items()
    }
    rows = analyse_recording(replace(run, legs=turned), rotations=parse_sensor_axes("x=-y,y=x,z=z"))
    assert [row.stride.strike_s for row in rows] == pytest.approx([r.stride.strike_s for r in analyse_recording(run)])


def test_a_hole_costs_only_the_strides_around_it(run: Recording) -> None:
    leg = run.legs[Side.LEFT]
    keep = (leg.t_s < 12.0) | (leg.t_s > 13.0)
    holed = LegSamples(t_s=leg.t_s[keep], accel_mps2=leg.accel_mps2[keep], gyro_radps=leg.gyro_radps[keep])
    rows = analyse_recording(replace(run, legs={**run.legs, Side.LEFT: holed}))
    whole = {row.stride.strike_index: row.stride for row in analyse_recording(run) if row.side is Side.LEFT}
    left = [row.stride for row in rows if row.side is Side.LEFT]
    assert len(whole) - 5 <= len(left) < len(whole)
    assert all(whole[stride.strike_index] == stride for stride in left if not 9 < stride.strike_s < 24)


def test_walking_is_walking() -> None:
    rows = analyse_recording(read_foreign(data_dir("tripod_walk") / "PWS_Lshank.csv.gz").recording)
    assert sum(row.gait is Gait.WALK for row in rows) >= 0.98 * len(rows) > 100


def test_a_rate_too_low_for_strides_is_refused(tmp_path: Path) -> None:
    t_s = np.arange(500) / 50
    still = LegSamples(t_s=t_s, accel_mps2=np.full((500, 3), 6.0), gyro_radps=np.zeros((500, 3)))
    with pytest.raises(InputError, match="50 Hz"):
        analyse_recording(Recording(source="slow.csv", legs={Side.LEFT: still}))
