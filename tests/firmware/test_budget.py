"""The images for the XIAO: linked, wrapped up for its bootloader, within their budget. Nobody has run them."""

import struct
from pathlib import Path

import pytest
from support.budget import BUDGET, check
from support.firmware import WORKSPACE
from support.images import built_for, image_of

OUT = WORKSPACE.parent / "out"
FAMILY = 0xADA52840
BLOCK = struct.Struct("<8I")


@pytest.mark.slow
def test_flash_and_memory_of_the_image_for_the_xiao() -> None:
    image = image_of(built_for("xiao") / "board-xiao")
    check("flash", image.flash_bytes, BUDGET["flash"]["image"], tolerance=0.05)
    check("static RAM", image.static_bytes, BUDGET["ram"]["static"], tolerance=0.05)
    assert image.static_bytes + len(image.stack) == pytest.approx(BUDGET["ram"]["whole"], abs=8)
    assert len(image.stack) >= sum(BUDGET["stack"].values()), "the stack's budget is not left"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "begins"), [("xiao", 0x27000), ("xiao-b", 0x27000), ("xiao-no-softdevice", 0x1000)])
def test_the_files_for_the_bootloader_say_that_they_never_ran(name: str, begins: int) -> None:
    built_for("xiao")
    content = (OUT / f"never-run-on-hardware-{name}.uf2").read_bytes()
    blocks = [BLOCK.unpack_from(content, at) for at in range(0, len(content), 512)]
    assert blocks[0][3] == begins
    assert {block[7] for block in blocks} == {FAMILY}
    assert 256 * len(blocks) <= BUDGET["flash"]["image"]


def test_the_budget_fits_the_chip() -> None:
    budget = BUDGET
    assert budget["ram"]["static"] + sum(budget["stack"].values()) <= budget["ram"]["whole"]
    main = Path(WORKSPACE / "board-xiao" / "build.rs").read_text(encoding="utf-8")
    assert "LENGTH = 256K - 8" in main
    assert budget["ram"]["whole"] == 256 * 1024 - 8
