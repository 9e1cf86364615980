"""The firmware's images for boards: built by tools/firmware_board.sh, read as ELF files, and run in QEMU.

Where a tool is missing: skip, say why; with CI=true fail.
"""

import asyncio
import json
import os
import struct
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from support.firmware import WORKSPACE

_FOLDER = Path(os.environ.get("CARGO_TARGET_DIR", WORKSPACE / "target")) / "thumbv7em-none-eabihf" / "board"
_TOOLS_MISSING = 3
_LOAD, _SYMBOLS = 1, 2
_PAINT = b"\xa5\x5a\xc3\x3c"


@cache
def built_for(board: str) -> Path:
    """The folder with the images for `qemu` or `xiao`, built where they are out of date."""
    command = ["bash", str(WORKSPACE.parent / "tools" / "firmware_board.sh"), "--as-is", board]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == _TOOLS_MISSING and os.environ.get("CI") != "true":
        pytest.skip(done.stderr.strip())
    if done.returncode != 0:
        pytest.fail(f"the image for {board} does not build:\n{done.stderr[-4000:]}")
    return _FOLDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What of flash and RAM an image takes, and the addresses that are left to the stack."""

    flash_bytes: int
    static_bytes: int
    stack: range


def image_of(path: Path) -> Image:
    """From an ELF file of cortex-m-rt, whose linker script names the ends of everything."""
    elf = path.read_bytes()
    programs, sections = struct.unpack_from("<II", elf, 28)
    program_size, n_programs, section_size, n_sections = struct.unpack_from("<4H", elf, 42)
    loads = [struct.unpack_from("<5I", elf, programs + k * program_size) for k in range(n_programs)]
    tables = [struct.unpack_from("<7I", elf, sections + k * section_size) for k in range(n_sections)]
    found = dict[str, int]()
    for _, kind, _, _, offset, size, link in tables:
        names = tables[link][4]
        for at in range(offset, offset + size, 16) if kind == _SYMBOLS else ():
            name, value = struct.unpack_from("<II", elf, at)
            end = elf.index(b"\0", names + name)
            found[elf[names + name : end].decode()] = value
    return Image(
        flash_bytes=sum(size for kind, _, _, _, size in loads if kind == _LOAD),
        static_bytes=found["_stack_end"] - found["__sdata"],
        stack=range(found["_stack_end"], found["_stack_start"]),
    )


@dataclass
class Qemu:
    """A Cortex-M4F with its flash in a file of `folder` and TCP for its serial line; `kill` pulls the battery."""

    elf: Path
    folder: Path
    port: int
    process: asyncio.subprocess.Process | None = field(default=None)

    async def start(self) -> None:
        """Power on; what will be the stack is painted, so that `stack_used` can tell how deep it went."""
        stack = image_of(self.elf).stack
        paint = self.folder / "paint.bin"
        paint.write_bytes(_PAINT * (len(stack) // len(_PAINT)))
        self.process = await asyncio.create_subprocess_exec(
            *("qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none", "-qmp", "stdio"),
            *("-serial", f"tcp:127.0.0.1:{self.port},nodelay=on"),
            *("-device", f"loader,file={paint},addr={stack.start:#x},force-raw=on"),
            *("-semihosting-config", "enable=on,target=native", "-kernel", str(self.elf)),
            cwd=self.folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        await self._answer()
        await self._ask("qmp_capabilities")

    async def stack_used(self) -> int:
        """Bytes of stack that have been written since power on; the image stands still meanwhile."""
        stack, content = image_of(self.elf).stack, self.folder / "stack.bin"
        await self._ask("stop")
        await self._ask("pmemsave", val=stack.start, size=len(stack), filename=str(content))
        await self._ask("cont")
        held = content.read_bytes()
        words = range(0, len(held), len(_PAINT))
        return next((len(held) - at for at in words if held[at : at + len(_PAINT)] != _PAINT), 0)

    async def kill(self) -> None:
        if self.process is not None:
            if self.process.returncode is None:
                self.process.kill()
            await self.process.wait()
            self.process = None

    async def _ask(self, command: str, **arguments: object) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        answer = await self._answer()
        assert "return" in answer, answer

    async def _answer(self) -> dict[str, Any]:
        """The next thing that QEMU says and that is no event."""
        assert self.process is not None
        assert self.process.stdout is not None
        async with asyncio.timeout(30):
            while True:
                line = await self.process.stdout.readline()
                assert line, "QEMU has ended"
                said: dict[str, Any] = json.loads(line)
                if "event" not in said:
                    return said
