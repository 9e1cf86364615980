"""Where the shared recordings lie: `../shared/data`, or EVENSTRIDE_DATA. Absent: skip, say why; with CI=true fail."""

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]


def data_dir(name: str) -> Path:
    """The folder of one data set (`rbds`, `jdx_run`, `biomac_mean_stride`, `tripod_walk`)."""
    base = Path(os.environ.get("EVENSTRIDE_DATA", _ROOT.parent / "shared" / "data"))
    folder = base / name
    if folder.is_dir():
        return folder
    reason = f"recordings `{name}` are not at {base}: set EVENSTRIDE_DATA to the folder that holds them"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
