"""`evenstride train`: what it refuses, and that a table names the recordings it was made from."""

import hashlib
from pathlib import Path

import pytest
from support.data import data_dir

from evenstride_analysis.strides.learned.table import DEFAULT_TABLE
from evenstride_gateway.cli import invoke
from evenstride_gateway.cli.common import Exit
from evenstride_gateway.cli.train import DATA, LICENCE, inputs_hash


def test_a_folder_without_recordings_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["train", "--data", str(tmp_path)]) == Exit.INPUT
    said = capsys.readouterr().err.strip()
    assert "no recordings at" in said
    assert len(said.splitlines()) == 1


def test_the_packaged_table_says_where_it_comes_from() -> None:
    provenance = DEFAULT_TABLE.provenance
    assert provenance["data"] == DATA
    assert provenance["licence"] == LICENCE
    assert provenance["command"] == "evenstride train"
    assert provenance["inputs_sha256"] == inputs_hash(sorted(data_dir("rbds").glob("*.npz")))
    assert "CC BY 4.0" in DEFAULT_TABLE.source


def test_the_hash_tells_names_and_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one.npz", tmp_path / "other.npz"
    one.write_bytes(b"a")
    other.write_bytes(b"a")
    assert inputs_hash([one]) != inputs_hash([other])
    assert inputs_hash([one]) == hashlib.sha256(b"one.npz\x001\x00a").hexdigest()
