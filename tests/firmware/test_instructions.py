"""The detector as Cortex-M4 code, counted by QEMU: one number on every machine, another for each compiler."""

import pytest
from support.budget import BUDGET
from support.data import data_dir
from support.images import built_for

from .instructions import CLOCK_HZ, CYCLES, GOAL, measure_m4
from .signals import trial_signals

TRIAL, SEED = "RBDS018_T35.npz", 6


@pytest.mark.slow
def test_the_detector_leaves_the_processor_to_others() -> None:
    signal = next(trial_signals(data_dir("rbds") / TRIAL, SEED))
    cost = measure_m4(built_for("qemu") / "evenstride-count-m4", signal)
    assert 1 < cost.strides_hz < 2
    assert cost.detector_hz <= BUDGET["detector"]["instructions_hz"]
    assert cost.pack <= BUDGET["packer"]["instructions_per_sample"]


def test_the_budget_keeps_the_goal_at_the_middle_of_what_an_instruction_may_take() -> None:
    cycles = sum(CYCLES) / len(CYCLES)
    assert BUDGET["detector"]["instructions_hz"] * cycles <= GOAL * CLOCK_HZ
