"""The vectors shared with the firmware: not stale, and read and written alike."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from evenstride_gateway import air
from evenstride_gateway.decode import Unknown, decode, decode_command
from evenstride_gateway.errors import ProtocolError

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "firmware" / "vectors"
NAMES = ["messages", "commands", "advertising", "malformed", "malformed_commands", "future"]


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_vectors", ROOT / "tools" / "make_vectors.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = _generator()


def _load(name: str) -> list[dict[str, Any]]:
    return json.loads((VECTORS / f"{name}.json").read_text())


def _entries(name: str) -> list[Any]:
    return [pytest.param(entry, id=entry["name"]) for entry in _load(name)]


def test_the_committed_files_are_what_the_codec_says_now() -> None:
    texts = GENERATOR.files()
    assert sorted(texts) == sorted(f"{name}.json" for name in NAMES)
    for name, text in texts.items():
        assert (VECTORS / name).read_text() == text, f"{name} is stale: run tools/make_vectors.py"


@pytest.mark.parametrize("entry", _entries("messages"))
def test_messages_in_both_directions(entry: dict[str, Any]) -> None:
    message = decode(bytes.fromhex(entry["hex"]))
    assert not isinstance(message, Unknown)
    assert type(message).__name__ == entry["type"]
    assert GENERATOR.plain(message) == entry["fields"]
    assert bytes(message).hex() == entry["hex"]
    assert len(entry["hex"]) <= 2 * 244


@pytest.mark.parametrize("entry", _entries("commands"))
def test_commands_in_both_directions(entry: dict[str, Any]) -> None:
    command = decode_command(bytes.fromhex(entry["hex"]))
    assert not isinstance(command, Unknown)
    assert type(command).__name__ == entry["type"]
    assert GENERATOR.plain(command) == entry["fields"]
    assert bytes(command).hex() == entry["hex"]


@pytest.mark.parametrize("entry", _entries("advertising"))
def test_advertising_fills_31_bytes(entry: dict[str, Any]) -> None:
    element = bytes.fromhex(entry["hex"])
    assert len(element) == 10
    assert GENERATOR.plain(air.Advertisement.from_bytes(element)) == entry["fields"]
    assert air.Advertisement.from_payload(element[4:]) == air.Advertisement.from_bytes(element)
    whole = bytes.fromhex(entry["advertising_data"])
    assert len(whole) == 31
    assert whole[:3] == b"\x02\x01\x06"
    assert whole[3:5] == b"\x11\x07"
    assert whole[21:] == element


@pytest.mark.parametrize(("name", "read"), [("malformed", decode), ("malformed_commands", decode_command)])
def test_malformed_messages_name_what_and_where(name: str, read: Any) -> None:
    for entry in _load(name):
        with pytest.raises(ProtocolError) as error:
            read(bytes.fromhex(entry["hex"]))
        assert str(error.value).startswith(entry["error"]), entry["name"]
        assert error.value.offset == entry["offset"], entry["name"]


@pytest.mark.parametrize("entry", _entries("future"))
def test_a_newer_minor_version_is_read_or_skipped(entry: dict[str, Any]) -> None:
    message = decode(bytes.fromhex(entry["hex"]))
    read = None if isinstance(message, Unknown) else bytes(message).hex()
    assert read == entry["read_as"]
