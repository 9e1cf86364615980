"""What the pod's detector and packer cost: instructions, counted by valgrind on the host build without vector units.

python -m tests.firmware.instructions

The build is scalar, as the Cortex-M4 is: one float operation for each instruction. The M4 loads and computes in two
instructions where this machine needs one, and some of its instructions take more than one cycle: the share of 64 MHz is
an estimated range, not measured on an M4.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evenstride_gateway.errors import InputError

from .on_pod import Signal, as_input, on_pod
from .signals import NOMINAL_HZ, trial_signals

CLOCK_HZ = 64e6
GOAL = 0.02
CYCLES = (1.5, 2.5)  # of the M4 for each scalar instruction of this machine: loads apart from sums, 1-3 cycles each
_ROOT = Path(__file__).resolve().parents[2]
_TARGET = _ROOT / "firmware" / "target" / "scalar"
_TRIAL = _ROOT.parent / "shared" / "data" / "rbds" / "RBDS018_T35.npz"
_REFERENCES = re.compile(r"refs:\s+([\d,]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Instructions: of packing and of looking at one sample, and of one stride; strides in a second."""

    pack: float
    sample: float
    stride: float
    strides_hz: float

    @property
    def detector_hz(self) -> float:
        """Instructions a second for detection at 416 Hz."""
        return NOMINAL_HZ * self.sample + self.strides_hz * self.stride


def scalar_build() -> Path:
    """The program, built so that the compiler uses no vector unit. Raises InputError where a tool is missing."""
    for tool in ("cargo", "valgrind"):
        if shutil.which(tool) is None:
            raise InputError(f"{tool} is missing")
    subprocess.run(
        ["cargo", "build", "--quiet", "--release", "--locked", "--package", "evenstride-agree"],
        cwd=_ROOT / "firmware",
        env={
            **os.environ,
            "CARGO_TARGET_DIR": str(_TARGET),
            "RUSTFLAGS": "-Cno-vectorize-loops -Cno-vectorize-slp",
        },
        check=True,
    )
    return _TARGET / "release" / "evenstride-agree"


def counted(program: Path, work: str, content: bytes) -> int:
    """Instructions of one run."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(program), work]
    done = subprocess.run(command, input=content, capture_output=True, check=True)
    found = _REFERENCES.search(done.stderr.decode())
    if found is None:
        raise InputError(f"valgrind said nothing of instructions: {done.stderr.decode()[-300:]}")
    return int(found[1].replace(",", ""))


def measure(program: Path, signal: Signal) -> Cost:
    """A signal against the same one too weak for any stride, and both against what reading them costs."""
    still = replace(signal, counts=(signal.counts // 64).astype(np.int16))
    nothing = as_input(signal)[: 14 * 4]
    n, strides = len(signal.counts), len(on_pod(program, signal))
    reading = counted(program, "read", as_input(signal))
    empty = counted(program, "detect", nothing) - counted(program, "read", nothing)
    running, resting = counted(program, "detect", as_input(signal)), counted(program, "detect", as_input(still))
    return Cost(
        pack=(counted(program, "pack", as_input(signal)) - reading) / n,
        sample=(resting - reading - empty) / n,
        stride=(running - resting) / strides,
        strides_hz=strides / (n / NOMINAL_HZ),
    )


def report(cost: Cost) -> str:
    low, high = (100 * cost.detector_hz * cycles / CLOCK_HZ for cycles in CYCLES)
    return "\n".join(
        (
            f"packer: {cost.pack:.0f} instructions a sample",
            f"detector: {cost.sample:.0f} a sample, {cost.stride:,.0f} a stride, {cost.strides_hz:.2f} strides/s:"
            f" {cost.detector_hz / NOMINAL_HZ:.0f} a sample in all, {cost.detector_hz:,.0f} a second",
            f"64 MHz Cortex-M4, estimated: {low:.1f} to {high:.1f} % (goal: {100 * GOAL:.0f} %)",
        )
    )


def main() -> int:
    program = scalar_build()
    print(report(measure(program, next(trial_signals(_TRIAL, 6)))))  # noqa: T201 - what the command is for
    return 0


if __name__ == "__main__":
    sys.exit(main())
