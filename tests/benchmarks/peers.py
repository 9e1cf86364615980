"""Beside gaitmap, in one run: each has an environment of its own, processes take turns, CPU time of one thread."""

import hashlib
import json
import os
import subprocess
import venv
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from . import detector
from .figures import Figure, spread
from .material import NOMINAL_RATE_HZ, signal

PINS = ("gaitmap==2.6.0", "gaitmap-mad==2.6.0")
ENVIRONMENTS = Path(__file__).resolve().parents[2] / ".peers"
_SCRIPT = Path(__file__).with_name("peer_gaitmap.py")
_RATIO = 25.0
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def environment() -> Path:
    """The Python that has gaitmap; made at the first call. Raises CalledProcessError when it cannot be installed."""
    folder = ENVIRONMENTS / f"gaitmap-{hashlib.sha256(' '.join(PINS).encode()).hexdigest()[:8]}"
    python = folder / "bin" / "python"
    ready = folder / ".ready"
    if not ready.exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PINS], check=True)
        ready.touch()
    return python


def run(*, seconds: int = 300, rounds: int = 3) -> list[Figure]:
    python = environment()
    accel, gyro = signal(detector.SIDE, seconds)
    found = detector.detector().push(detector.whole(seconds)[0])
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    with TemporaryDirectory() as name:
        samples = Path(name) / "signal.npz"
        np.savez(
            samples,
            rate_hz=NOMINAL_RATE_HZ,
            accel=accel,
            gyro=gyro,
            contacts=np.array([stride.strike_index for stride in found]),
        )
        for _ in range(rounds):
            ours.append(detector.child(seconds, compiled=True))
            done = subprocess.run(
                [python, _SCRIPT, samples], check=True, capture_output=True, text=True, env=os.environ | _ONE_THREAD
            )
            theirs.append(json.loads(done.stdout))
    segmented = theirs[0]["complete strides"]
    how = (
        f"best of 3 in each of {rounds} processes, in turn, {seconds} s of one pod at 416 Hz; {', '.join(PINS)}."
        f" gaitmap is made for feet in walking: its template found {segmented:.0f} of {len(found)} strides here: Rampp"
        " is given ours"
    )
    return [
        *(
            _row(f"stride detector beside gaitmap's {label}, {mode}", ratio, ours, theirs, (ours_key, key), how)
            for key, label, ratio in (
                ("complete", "complete path (BarthDtw and Rampp)", _RATIO),
                ("rampp", "Rampp alone, strides given", 1.0),
            )
            for ours_key, mode in (("17", "blocks of 17"), ("whole", "whole file"))
        )
    ]


def _row(
    what: str,
    goal: float,
    ours: list[dict[str, float]],
    theirs: list[dict[str, float]],
    keys: tuple[str, str],
    how: str,
) -> Figure:
    own, other = [each[keys[0]] for each in ours], [each[keys[1]] for each in theirs]
    ratios = [a / b for a, b in zip(own, other, strict=True)]
    return Figure(
        what=what,
        goal=f"{'>=' if goal > 1.0 else '>'} {goal:g} x as fast",
        measured=f"{spread(ratios, 1, 'x')}; {median(own):,.0f} against {median(other):,.0f} x real time",
        holds=median(ratios) >= goal if goal > 1.0 else median(ratios) > goal,
        how=how,
    )
