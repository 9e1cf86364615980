"""Bumble without its debug text: the same radio, and Bumble as it was afterwards."""

import logging

import bumble.hci
from fakes.small_world import Inbox, small_world

from evenstride_gateway.virtual.loop import run_virtual
from evenstride_gateway.virtual.quiet import quiet_bumble


def _numbers() -> list[tuple[int, float, float, int]]:
    async def scenario() -> list[tuple[int, float, float, int]]:
        world, inbox = await small_world(), Inbox()
        await inbox.subscribe(await world.connect("pod-1"))
        await world.pods[0].stream(50, 50)
        return inbox.frames

    return run_virtual(scenario())


def test_quiet_changes_nothing_on_the_air_and_is_undone() -> None:
    packet = bumble.hci.HCI_Packet.from_bytes(bytes([1, 0x03, 0x0C, 0]))
    before, loud = str(packet), _numbers()
    with quiet_bumble():
        assert str(packet) != before
        assert _numbers() == loud
    assert str(packet) == before


def test_who_wants_the_text_gets_it() -> None:
    packet = bumble.hci.HCI_Packet.from_bytes(bytes([1, 0x03, 0x0C, 0]))
    before = str(packet)
    logger = logging.getLogger("bumble")
    logger.setLevel(logging.DEBUG)
    try:
        with quiet_bumble():
            assert str(packet) == before
    finally:
        logger.setLevel(logging.NOTSET)
