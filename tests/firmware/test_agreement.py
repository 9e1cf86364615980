"""The pod's detector on the host, beside the gateway's, on the same counts."""

import struct
import subprocess

import pytest
from support.data import data_dir
from support.firmware import built

from evenstride_analysis.model import Gait, Stride

from .agreement import GOAL, LIMIT_S, SEED, Agreement, compare, trials
from .on_pod import on_gateway, on_pod
from .signals import simulated, trial_signals


def check(agreement: Agreement) -> None:
    assert agreement.share >= GOAL
    # what differs is the rounding to whole ticks of the pod clock: 15 us; one stride in a thousand may differ more
    rounding_s = 0.6 / 32_768
    assert sum(each > rounding_s for each in agreement.event_s) <= agreement.strides / 1000
    assert agreement.missing + agreement.extra <= agreement.strides / 1000
    assert agreement.doubts + agreement.unlike <= agreement.strides / 1000
    assert max(map(abs, agreement.axial_mps2)) < 0.01
    assert max(map(abs, agreement.loading)) < 0.001
    assert max(map(abs, agreement.heading_rad)) < 1e-4
    assert max(map(abs, agreement.sd_s)) < 5e-5


@pytest.mark.slow
def test_all_trials_of_runners_in_randomly_turned_sensors() -> None:
    agreement = Agreement()
    program = built("evenstride-agree")
    for path in trials(data_dir("rbds"), 1):
        compare(program, trial_signals(path, SEED), agreement)
    assert agreement.strides > 4000
    check(agreement)


def test_runs_of_the_simulator_with_walking_clipping_and_holes() -> None:
    agreement = Agreement()
    program = built("evenstride-agree")
    gaits = set[Gait]()
    for signal in simulated(30.0):
        gateway, pod = on_gateway(signal), on_pod(program, signal)
        agreement.add(gateway, pod)
        gaits |= {stride.gait for stride in pod}
    assert agreement.strides > 600
    assert gaits == set(Gait)
    check(agreement)


def test_a_stride_of_one_side_only_counts_against_the_agreement() -> None:
    program = built("evenstride-agree")
    signal = next(simulated(30.0))
    gateway, pod = on_gateway(signal), on_pod(program, signal)

    def share(one: list[Stride], other: list[Stride]) -> float:
        agreement = Agreement()
        agreement.add(one, other)
        return agreement.share

    n = len(gateway)
    assert share(gateway, pod) == 1.0
    assert share(gateway, pod[1:]) == share(gateway[1:], pod) == pytest.approx((n - 1) / n)
    assert share(gateway, []) == 0.0
    assert pytest.approx(0.002) == LIMIT_S


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\0" * 20, "no header"),
        (struct.pack("<14f", 416, 1, 1, 1, 1, *[0.0] * 9), "config: Rotation"),
        (struct.pack("<14f", 833, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1), "config: Rate"),
        (struct.pack("<14f", 416, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1) + b"\0\0\0", "a block cut short"),
    ],
)
def test_the_program_says_what_it_cannot_read(content: bytes, said: str) -> None:
    done = subprocess.run([built("evenstride-agree")], input=content, capture_output=True, check=False)
    assert done.returncode == 1
    assert said in done.stderr.decode()
