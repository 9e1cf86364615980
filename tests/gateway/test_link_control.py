"""Replies find their command: by opcode and token, one at a time, and never a late one the next."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest
from bleak import BleakClient
from bleak.exc import BleakError

from evenstride_gateway.air import CommandReply, GetStatus, Identify, Status
from evenstride_gateway.errors import LinkError
from evenstride_gateway.link.control import ControlPoint
from evenstride_gateway.virtual.loop import run_virtual


class Pod:
    """The other end of Control: notes what is written; `answer` says what happens then."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.control = ControlPoint(cast("BleakClient", self))
        self.answer: Callable[[bytes], None] = self.reply
        self.refused: list[bytes] = []

    async def write_gatt_char(self, uuid: str, data: bytes, *, response: bool) -> None:
        assert response
        self.written.append(data)
        asyncio.get_running_loop().call_later(0.01, self.answer, data)

    def reply(self, command: bytes) -> None:
        self.indicate(CommandReply(command=command[0], token=command[1], status=Status.OK, payload=command[2:]))

    def indicate(self, reply: CommandReply) -> None:
        if not self.control.indicated(bytes(reply)):
            self.refused.append(bytes(reply))


def test_commands_wait_for_each_other_and_get_their_own_reply() -> None:
    async def scenario() -> None:
        pod = Pod()
        asked = (pod.control.ask(bytes(Identify(token=n, duration_s=n)), timeout_s=2) for n in range(5))
        replies = [CommandReply.from_bytes(data) for data in await asyncio.gather(*asked)]
        assert [(reply.token, reply.payload[0]) for reply in replies] == [(n, n) for n in range(5)]
        assert [data[1] for data in pod.written] == [1, 2, 3, 4, 5]

    run_virtual(scenario())


def test_a_late_reply_is_not_taken_for_the_next_ones() -> None:
    async def scenario() -> None:
        pod = Pod()
        pod.answer = lambda command: None
        with pytest.raises(LinkError, match="no reply to command 0x44"):
            await pod.control.ask(bytes(GetStatus()), timeout_s=0.5)
        late = CommandReply(command=GetStatus.opcode, token=pod.written[0][1], status=Status.BUSY)

        def late_then_right(command: bytes) -> None:
            pod.indicate(late)
            pod.indicate(CommandReply(command=Identify.opcode, token=command[1], status=Status.BUSY))
            pod.reply(command)
            pod.reply(command)

        pod.answer = late_then_right
        reply = CommandReply.from_bytes(await pod.control.ask(bytes(GetStatus(token=9)), timeout_s=0.5))
        assert (reply.status, reply.token) == (Status.OK, 9)
        assert len(pod.refused) == 3  # late, of another command, and the second copy
        assert not pod.control.indicated(b"\x80")

    run_virtual(scenario())


def test_a_lost_link_ends_the_waiting_at_once() -> None:
    async def scenario() -> None:
        pod = Pod()
        pod.answer = lambda command: pod.control.lost()
        start_s = asyncio.get_running_loop().time()
        with pytest.raises(LinkError, match="lost before the reply"):
            await pod.control.ask(bytes(GetStatus()), timeout_s=60)
        assert asyncio.get_running_loop().time() - start_s < 1
        pod.control.lost()  # nobody waits: nothing happens

    run_virtual(scenario())


def test_a_write_that_fails_is_a_link_error_and_frees_the_turn() -> None:
    class Broken(Pod):
        async def write_gatt_char(self, uuid: str, data: bytes, *, response: bool) -> None:
            self.control.lost()
            raise BleakError("not connected")

    async def scenario() -> None:
        pod = Broken()
        for _ in range(2):
            with pytest.raises(LinkError, match="command 0x44 failed: not connected"):
                await pod.control.ask(bytes(GetStatus()), timeout_s=1)

    run_virtual(scenario())
