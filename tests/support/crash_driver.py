"""Runs whole gateways and kills them: `python crash_driver.py` reads one JSON order a line and answers when it is done.

The process loads everything once and forks for each order, so twenty kills cost twenty runs and one start. A child
runs virtual pods, virtual radio, real bleak and the wired gateway in virtual time with a store on the real disk, and
writes facts to a file as they become true:

    begin SESSION           the session is on
    arrived POD BOOT FIRST END T    samples [FIRST, END) have reached the gateway at T seconds
    stored ID ...           strides whose commit has returned
    end                     the session was stopped in order
"""

import asyncio
import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evenstride_analysis.model import Side
from evenstride_analysis.simulate import uneven
from evenstride_gateway.air import RawFrame
from evenstride_gateway.app import running, wire
from evenstride_gateway.config import Config
from evenstride_gateway.decode import decode
from evenstride_gateway.errors import ProtocolError
from evenstride_gateway.health import Health
from evenstride_gateway.hosting import open_store
from evenstride_gateway.link.ble import BleSource
from evenstride_gateway.link.source import Chunk, LinkChange
from evenstride_gateway.store import Change
from evenstride_gateway.virtual.loop import run_virtual
from evenstride_gateway.virtual.pod_signal import NOMINAL_RATE_HZ, RecordingSource, SignalSource
from evenstride_gateway.virtual.quiet import quiet_bumble
from evenstride_gateway.virtual.world import World, virtual_world

AWAY_S = (4.0, 8.0)  # session seconds in which the left pod is out of range, where the order says so
_TABLE_S = 60.0


def signals() -> dict[Side, SignalSource]:
    """A minute of the virtual runner, again and again; rendered once, before the first fork."""
    runner = uneven(0.12, duration_s=_TABLE_S + 5).runner(1)
    tables = {side: runner.signals(side, 0, round(_TABLE_S * NOMINAL_RATE_HZ)) for side in Side}
    return {side: RecordingSource(a, g, NOMINAL_RATE_HZ, repeat=True) for side, (a, g) in tables.items()}


class Facts:
    """Lines that outlive the process: each is one write to a file."""

    def __init__(self, path: Path, begun: int) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        self._begun = begun

    def tell(self, *words: object) -> None:
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())

    def ripe(self) -> None:
        """From now on the kill may come."""
        os.write(self._begun, b"!")


async def session(order: dict[str, Any], facts: Facts, cast: dict[Side, SignalSource]) -> None:
    """One start of the gateway on the order's folder: a session of `seconds`, or until the kill."""
    folder = Path(order["folder"])
    async with open_store(folder, Config(), print) as store:
        apply = store.apply_strides

        def told(session_id: str, *args: Any, **options: Any) -> list[Change]:
            changes = apply(session_id, *args, **options)
            facts.tell("stored", *(change.entity_id for change in changes))
            return changes

        store.apply_strides = told
        async with virtual_world(cast) as world, BleSource(world.backend, rng=random.Random(1)) as source:
            gateway = wire(
                store=store, source=source, config=Config(), sides=world.sides, version="crash", health=Health()
            )
            take = gateway.intake.take

            async def arrived(item: Chunk | LinkChange) -> None:
                _note(item, facts)
                await take(item)

            gateway.intake.take = arrived
            async with running(gateway):
                session_id = await gateway.sessions.start_when_streaming("Ada", pods=2, stop=asyncio.Event())
                facts.tell("begin", session_id)
                asyncio.get_running_loop().call_later(order.get("play_first_s", 0.0), facts.ripe)
                if order.get("away"):
                    await _leave_and_return(world)
                await asyncio.sleep(order["seconds"])
                await gateway.sessions.stop()
    facts.tell("end")


def _note(item: Chunk | LinkChange, facts: Facts) -> None:
    if isinstance(item, LinkChange):
        return
    try:
        message = decode(item.data)
    except ProtocolError:
        return
    if isinstance(message, RawFrame):
        first = message.first_index
        facts.tell("arrived", item.pod_id, message.boot_id, first, first + len(message.counts), item.arrival_s)


async def _leave_and_return(world: World) -> None:
    radio: Any = world.pods[Side.LEFT].radio
    await asyncio.sleep(AWAY_S[0])
    world.link.set_away(radio.controller, True)
    await asyncio.sleep(AWAY_S[1] - AWAY_S[0])
    world.link.set_away(radio.controller, False)


def child(order: dict[str, Any], cast: dict[Side, SignalSource], begun: int) -> None:
    """Never returns."""
    code = 1
    try:
        with quiet_bumble():
            run_virtual(session(order, Facts(Path(order["facts"]), begun), cast))
        code = 0
    finally:
        sys.stdout.flush()
        os._exit(code)


def obey(order: dict[str, Any], cast: dict[Side, SignalSource]) -> int:
    """Run one order; `kill_after_s` (wall seconds after `play_first_s` of the session) ends it by SIGKILL. Returns its
    status.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        os.close(reading)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # standard output is for the answers
        child(order, cast, writing)
    os.close(writing)
    os.read(reading, 1)  # the session has played so far, or the child is dead
    os.close(reading)
    if order.get("kill_after_s") is not None:
        signal.sigtimedwait({signal.SIGCHLD}, order["kill_after_s"])
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> None:
    cast = signals()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    for line in sys.stdin:
        status = obey(json.loads(line), cast)
        while signal.sigtimedwait({signal.SIGCHLD}, 0) is not None:  # of this child, or the next one's wait ends early
            pass
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
