"""Commands over Control: one at a time, and a reply belongs to the command with its opcode and token."""

import asyncio
from collections.abc import Callable

from bleak import BleakClient

from evenstride_gateway.air.replies import CommandReply
from evenstride_gateway.air.uuids import CONTROL_UUID, MAX_MESSAGE
from evenstride_gateway.errors import LinkError, ProtocolError
from evenstride_gateway.link.backend import DROPPED

Hook = Callable[[CommandReply], None]


class ControlPoint:
    """The Control characteristic of one connection. Tokens are ours: a late reply is not taken for the next one's."""

    def __init__(self, client: BleakClient) -> None:
        self._client = client
        self._turn = asyncio.Lock()
        self._token = 0
        self._waiting: tuple[int, asyncio.Future[bytes], Hook | None] | None = None

    async def ask(self, message: bytes, *, timeout_s: float, at_once: Hook | None = None) -> bytes:
        """Write `message` and return the reply's bytes, with the caller's own token in it.

        `at_once` sees the reply in the radio's callback, before anything that follows it. Raises LinkError.
        """
        if not 2 <= len(message) <= MAX_MESSAGE:
            raise LinkError(f"a command has 2 to {MAX_MESSAGE} bytes, not {len(message)}")
        opcode, own_token = message[0], message[1]
        try:
            async with asyncio.timeout(timeout_s), self._turn:
                self._token = (self._token + 1) % 256
                reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
                self._waiting = (opcode, reply, at_once)
                try:
                    await self._client.write_gatt_char(
                        CONTROL_UUID, bytes((opcode, self._token)) + message[2:], response=True
                    )
                    data = await reply
                finally:
                    self._waiting = None
                    if not reply.cancel() and not reply.cancelled():
                        reply.exception()  # seen: asyncio would complain about one that nobody awaited
        except TimeoutError as error:
            raise LinkError(f"no reply to command {opcode:#04x} within {timeout_s:g} s") from error
        except DROPPED as error:
            raise LinkError(f"command {opcode:#04x} failed: {error}") from error
        return data[:2] + bytes((own_token,)) + data[3:]

    def indicated(self, data: bytes) -> bool:
        """Take an indication; False when it answers nothing that is waited for."""
        if self._waiting is None:
            return False
        opcode, future, at_once = self._waiting
        try:
            reply = CommandReply.from_bytes(data)
        except ProtocolError:
            return False
        if reply.command != opcode or reply.token != self._token or future.done():
            return False
        if at_once is not None:
            at_once(reply)
        future.set_result(data)
        return True

    def lost(self) -> None:
        """The link is gone: whoever waits gets LinkError now, not after the timeout."""
        if self._waiting is not None and not self._waiting[1].done():
            self._waiting[1].set_exception(LinkError("the link was lost before the reply"))
