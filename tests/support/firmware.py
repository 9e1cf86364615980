"""The firmware's host programs, built once a run. Without cargo: skip, say why; with CI=true fail."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

WORKSPACE = Path(__file__).resolve().parents[2] / "firmware"


@cache
def built(program: str) -> Path:
    """The release build of one of the workspace's programs (the name of its package)."""
    if shutil.which("cargo") is None:
        reason = "no cargo: install Rust (Debian: cargo-web rustc-web) to build the pod's firmware"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    done = cargo_build(program)
    if done.returncode != 0:
        pytest.fail(f"the firmware does not build:\n{done.stderr[-4000:]}")
    return program_path(program)


def cargo_build(program: str) -> subprocess.CompletedProcess[str]:
    # cargo itself waits for another build of the same folder, so workers of one run may all ask
    command = ["cargo", "build", "--release", "--locked", "--package", program]
    return subprocess.run(command, cwd=WORKSPACE, capture_output=True, text=True, check=False)


def program_path(program: str) -> Path:
    """Where `cargo build --release` puts it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", WORKSPACE / "target"))
    return target / "release" / program
