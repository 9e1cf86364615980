"""The firmware's host programs, built once a run. Without cargo: skip, say why; with CI=true fail."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

WORKSPACE = Path(__file__).resolve().parents[2] / "firmware"


@cache
def built(program: str, *, release: bool = True) -> Path:
    """One of the workspace's programs (the name of its package), optimised or quickly built."""
    if shutil.which("cargo") is None:
        reason = "no cargo: install Rust (Debian: cargo-web rustc-web) to build the pod's firmware"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    done = cargo_build(program, release=release)
    if done.returncode != 0:
        pytest.fail(f"the firmware does not build:\n{done.stderr[-4000:]}")
    return program_path(program, release=release)


def cargo_build(program: str, *, release: bool = True) -> subprocess.CompletedProcess[str]:
    # cargo itself waits for another build of the same folder, so workers of one run may all ask
    command = ["cargo", "build", "--locked", "--package", program, *(["--release"] if release else [])]
    return subprocess.run(command, cwd=WORKSPACE, capture_output=True, text=True, check=False)


def program_path(program: str, *, release: bool = True) -> Path:
    """Where `cargo build` puts it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", WORKSPACE / "target"))
    return target / ("release" if release else "debug") / program
