"""Virtual air: one loopback TCP port through which pods in other processes join the virtual radio.

Each connection carries HCI in H4 framing (packet type byte, then the packet) and gets a controller of its own. End of
file is power loss: the pod falls silent, and the gateway sees a supervision timeout. Real time only.
"""

import asyncio
import logging
import struct
from types import TracebackType
from typing import Self, cast

from bumble import core, hci

from evenstride_gateway.virtual.controller import RadioController
from evenstride_gateway.virtual.device import make_controller
from evenstride_gateway.virtual.radio import RadioLink

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"  # HCI has no authentication: this door never opens to a network
UNREAD_LIMIT = 1 << 20  # bytes that a pod process may leave unread before it counts as dead
_LENGTHS = {  # H4 packet type -> (offset of the length field, its format)
    hci.HCI_COMMAND_PACKET: (3, struct.Struct("<B")),
    hci.HCI_ACL_DATA_PACKET: (3, struct.Struct("<H")),
}


class AirServer:
    """`async with AirServer(link) as air:` listens on `air.port`; leaving it cuts the power of all remote pods."""

    def __init__(self, link: RadioLink, *, port: int = 0, max_pods: int = 64, acl_packets: int = 10) -> None:
        self.link = link
        self.port = port
        self.max_pods = max_pods
        self.acl_packets = acl_packets
        self.refused = 0  # connections beyond max_pods
        self.broken = 0  # connections that did not speak H4
        self._joined = 0
        self._pods: list[_RemotePod] = []
        self._server: asyncio.Server | None = None

    def __len__(self) -> int:
        """Remote pods with power."""
        return len(self._pods)

    async def __aenter__(self) -> Self:
        """OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _RemotePod(self), LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            for pod in list(self._pods):
                pod.hang_up()
            await self._server.wait_closed()
            self._server = None

    def join(self, pod: "_RemotePod") -> RadioController | None:
        """A controller for a new connection; None when all places are taken."""
        if len(self._pods) >= self.max_pods:
            self.refused += 1
            logger.warning("virtual air: %d pods are joined, no place for another", self.max_pods)
            return None
        self._pods.append(pod)
        self._joined += 1
        controller = make_controller(self.link, f"remote-{self._joined}", acl_packets=self.acl_packets)
        controller.host = pod
        return controller

    def leave(self, pod: "_RemotePod") -> None:
        self._pods.remove(pod)


class _RemotePod(asyncio.Protocol):
    """One pod in another process: bytes to HCI packets and back."""

    def __init__(self, server: AirServer) -> None:
        self._server = server
        self._received = bytearray()
        self._controller: RadioController | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._controller = self._server.join(self)
        if self._controller is None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        if self._controller is not None:
            self._controller.power_off()
            self._controller = None
            self._server.leave(self)

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def on_packet(self, packet: bytes) -> None:
        """From the controller, for the remote host."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(packet)
        if self._transport.get_write_buffer_size() > UNREAD_LIMIT:
            logger.warning("virtual air: a pod process has stopped reading; it is hung up")
            self.hang_up()

    def data_received(self, data: bytes) -> None:
        self._received += data
        try:
            while self._controller is not None and (packet := self._take_packet()):
                self._controller.on_packet(packet)
        except (core.BaseBumbleError, struct.error, ValueError, LookupError, TypeError) as error:
            self._server.broken += 1
            logger.warning("virtual air: a pod process does not speak HCI (%s); it is hung up", error)
            self.hang_up()

    def _take_packet(self) -> bytes:
        """The next complete packet, b"" when there is none yet. ValueError: not H4."""
        if not self._received:
            return b""
        where = _LENGTHS.get(self._received[0])
        if where is None:
            raise ValueError(f"packet type {self._received[0]:#04x}")
        offset, length = where
        if len(self._received) < offset + length.size:
            return b""
        end = offset + length.size + length.unpack_from(self._received, offset)[0]
        if len(self._received) < end:
            return b""
        packet = bytes(self._received[:end])
        del self._received[:end]
        return packet
