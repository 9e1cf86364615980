"""An image for the XIAO's bootloader: `python tools/uf2.py IMAGE.elf OUT.uf2`. It has never run on hardware.

UF2 blocks of 256 bytes for family 0xADA52840 (nRF52840), from the segments that an ELF file loads.
"""

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

FAMILY = 0xADA52840
PAYLOAD = 256
FLASH = range(0x1000, 0xF4000)  # behind the master boot record, before the bootloader
_MAGIC = 0x0A324655, 0x9E5D5157, 0x0AB16F30
_FAMILY_PRESENT = 0x2000
_LOAD = 1


def segments(elf: bytes) -> Iterator[tuple[int, bytes]]:
    """Physical address and bytes of what is loaded. ValueError: not a 32-bit little-endian ELF file."""
    if elf[:6] != b"\x7fELF\x01\x01":
        raise ValueError("not a 32-bit little-endian ELF file")
    (offset,) = struct.unpack_from("<I", elf, 28)
    size, count = struct.unpack_from("<HH", elf, 42)
    for k in range(count):
        kind, start, _, address, length = struct.unpack_from("<5I", elf, offset + k * size)
        if kind == _LOAD and length:
            yield address, elf[start : start + length]


def uf2(elf: bytes) -> bytes:
    """The whole image. ValueError: it does not lie in the application's flash."""
    pages: dict[int, bytearray] = {}
    for address, content in segments(elf):
        for k, byte in enumerate(content, start=address):
            page = k - k % PAYLOAD
            pages.setdefault(page, bytearray(b"\xff" * PAYLOAD))[k - page] = byte
    if not pages or min(pages) not in FLASH or max(pages) not in FLASH:
        raise ValueError("the image does not lie between 0x1000 and 0xF4000")
    blocks: list[bytes] = []
    for number, page in enumerate(sorted(pages)):
        head = (*_MAGIC[:2], _FAMILY_PRESENT, page, PAYLOAD, number, len(pages), FAMILY)
        blocks.append(struct.pack("<8I", *head) + pages[page].ljust(476, b"\0") + struct.pack("<I", _MAGIC[2]))
    return b"".join(blocks)


def main() -> None:
    image, out = Path(sys.argv[1]), Path(sys.argv[2])
    made = uf2(image.read_bytes())
    out.write_bytes(made)
    sys.stdout.write(
        f"{out}: {len(made) // 512} blocks, {len(made) // 512 * PAYLOAD} bytes of flash; never run on hardware\n"
    )


if __name__ == "__main__":
    main()
