"""The file for the XIAO's bootloader, made from a small ELF file."""

import importlib.util
import struct
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("uf2", ROOT / "tools" / "uf2.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


UF2 = _tool()


def elf(address: int, content: bytes) -> bytes:
    """One loaded segment, and one that is not."""
    header = b"\x7fELF\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIIIIIHHHHHH", 2, 40, 1, 0, 52, 0, 0, 52, 32, 2, 0, 0, 0
    )
    load = struct.pack("<8I", 1, 116, 0, address, len(content), len(content), 5, 4)
    note = struct.pack("<8I", 4, 0, 0, 0, 16, 16, 4, 4)
    return header + load + note + content


def test_every_byte_is_at_its_address() -> None:
    content = bytes(range(256)) * 2 + b"end"
    made: bytes = UF2.uf2(elf(0x27010, content))
    assert len(made) == 3 * 512
    image = dict[int, int]()
    for number in range(3):
        block = made[512 * number : 512 * (number + 1)]
        first, second, flags, address, size, k, total, family = struct.unpack_from("<8I", block)
        assert (first, second, flags, size) == (0x0A324655, 0x9E5D5157, 0x2000, 256)
        assert (k, total, family) == (number, 3, 0xADA52840)
        assert block[508:] == bytes.fromhex("306fb10a")
        image |= dict(enumerate(block[32:288], start=address))
    assert bytes(image[0x27010 + k] for k in range(len(content))) == content
    assert image[0x27000] == 0xFF


@pytest.mark.parametrize("address", [0x0, 0xF4000, 0xF3F80])
def test_nothing_is_written_over_the_bootloader(address: int) -> None:
    with pytest.raises(ValueError, match="0xF4000"):
        UF2.uf2(elf(address, bytes(256)))


def test_only_elf_files() -> None:
    with pytest.raises(ValueError, match="ELF"):
        UF2.uf2(b"\x7fELF\x02\x01" + bytes(60))
