"""What the pod's detector and packer cost, in instructions.

python -m tests.firmware.instructions

On the host valgrind counts a build without vector units (the Cortex-M4 has none). As Cortex-M4 code QEMU counts
(machine mps2-an386, `-icount`), built as the images for boards are, by tools/firmware_board.sh. Neither knows cycles:
the share of 64 MHz is given for 1.3 to 1.8 cycles for each instruction (a load takes two, most others one).
"""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evenstride_gateway.errors import InputError

from .on_pod import Signal, as_input, on_pod
from .signals import NOMINAL_HZ, trial_signals

CLOCK_HZ = 64e6
GOAL = 0.02
CYCLES = (1.3, 1.8)
_ROOT = Path(__file__).resolve().parents[2]
_TARGET = _ROOT / "firmware" / "target" / "scalar"
_TRIAL = _ROOT.parent / "shared" / "data" / "rbds" / "RBDS018_T35.npz"
_IMAGE = _ROOT / "firmware" / "target" / "thumbv7em-none-eabihf" / "board" / "evenstride-count-m4"
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
    nothing = as_input(signal)[: 14 * 4]
    n, strides = len(signal.counts), len(on_pod(program, signal))
    reading = counted(program, "read", as_input(signal))
    empty = counted(program, "detect", nothing) - counted(program, "read", nothing)
    running, resting = counted(program, "detect", as_input(signal)), counted(program, "detect", as_input(still(signal)))
    return Cost(
        pack=(counted(program, "pack", as_input(signal)) - reading) / n,
        sample=(resting - reading - empty) / n,
        stride=(running - resting) / strides,
        strides_hz=strides / (n / NOMINAL_HZ),
    )


def m4_build() -> Path:
    """The image that counts. Raises InputError where it cannot be built."""
    command = ["bash", str(_ROOT / "tools" / "firmware_board.sh"), "--as-is", "qemu"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InputError(done.stderr[-300:].strip())
    return _IMAGE


def on_m4(image: Path, signal: Signal) -> dict[str, int]:
    """The sums that the image for QEMU prints for a signal."""
    content = as_input(signal)
    with tempfile.NamedTemporaryFile() as file:
        file.write(struct.pack("<I", len(content)) + content)
        file.flush()
        loader = f"loader,file={file.name},addr=0x21000000,force-raw=on"
        machine = ("-machine", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "null", "-icount", "shift=0")
        files = ("-semihosting-config", "enable=on,target=native", "-device", loader, "-kernel", str(image))
        done = subprocess.run(
            ["qemu-system-arm", *machine, *files],
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
    words = (done.stdout + done.stderr).split()
    return {name: int(value) for name, value in zip(words[::2], words[1::2], strict=True)}


def measure_m4(image: Path, signal: Signal) -> Cost:
    """As `measure`, on Cortex-M4 code."""
    running, resting = on_m4(image, signal), on_m4(image, still(signal))
    n, reading = running["samples"], running["reading"]
    return Cost(
        pack=(running["packing"] - reading) / n,
        sample=(resting["detecting"] - reading) / n,
        stride=(running["detecting"] - resting["detecting"]) / running["strides"],
        strides_hz=running["strides"] / (n / NOMINAL_HZ),
    )


def still(signal: Signal) -> Signal:
    """The same signal, too weak for any stride."""
    return replace(signal, counts=(signal.counts // 64).astype(np.int16))


def report(cost: Cost) -> str:
    return "\n".join(
        (
            f"packer: {cost.pack:.0f} instructions a sample",
            f"detector: {cost.sample:.0f} a sample, {cost.stride:,.0f} a stride, {cost.strides_hz:.2f} strides/s:"
            f" {cost.detector_hz / NOMINAL_HZ:.0f} a sample in all, {cost.detector_hz:,.0f} a second",
        )
    )


def main() -> int:
    signal = next(trial_signals(_TRIAL, 6))
    for name, count in (
        ("host, scalar", lambda: measure(scalar_build(), signal)),
        ("M4", lambda: measure_m4(m4_build(), signal)),
    ):
        try:
            cost = count()
        except InputError as error:
            print(f"{name}: not counted: {error}")  # noqa: T201 - what the command is for
            continue
        low, high = (100 * cost.detector_hz * cycles / CLOCK_HZ for cycles in CYCLES)
        share = f"64 MHz: {low:.1f} to {high:.1f} % (goal: {100 * GOAL:.0f} %)" if name == "M4" else ""
        print(f"{name}\n{report(cost)}\n{share}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
