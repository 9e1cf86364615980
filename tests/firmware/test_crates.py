"""The firmware's own tests: those of every crate that needs no board."""

import os
import shutil
import subprocess

import pytest
from support.firmware import WORKSPACE

PASSED = "test result: ok."


@pytest.mark.slow
def test_the_crates_tests_pass() -> None:
    if shutil.which("cargo") is None:
        reason = "no cargo: install Rust to test the pod's firmware"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run(
        ["cargo", "test", "--locked", "--no-fail-fast"], cwd=WORKSPACE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert done.stdout.count(PASSED) >= 8
