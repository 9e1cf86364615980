"""The radio between virtual controllers: connection events, loss, range, supervision timeout, back-pressure.

Bumble's LocalLink is a perfect, instant radio. Here a PDU waits for the next connection event of its link, an event may
be lost (everything in it is sent again in the next one), a peer may go out of range without a word, and the sender
learns of a delivery only when it has happened.

Not modelled: empty PDUs of an idle link (so random loss alone never ends an idle link), air time beyond the number of
PDUs per event, interference between links, encryption.
"""

import asyncio
import math
import random

from bumble import hci, ll
from bumble.controller import Controller
from bumble.link import LocalLink

from evenstride_gateway.virtual.connection import AirConnection, End, Parameters, RadioStats, Station

ANCHOR_SLOT_S = 2.5e-3  # a central keeps the events of its links this far apart
WINDOW_OFFSET_S = 1.25e-3  # first event of a link after its CONNECT_IND (Core Vol 6 Part B 4.5.3)


class RadioLink(LocalLink):
    """All virtual controllers of one place. `event_loss`: probability that an event or an advertisement is lost."""

    def __init__(
        self, *, event_loss: float = 0.0, pdus_per_event: int = 4, jitter_s: float = 0.0, seed: int = 1
    ) -> None:
        super().__init__()
        self.event_loss = event_loss
        self.pdus_per_event = pdus_per_event
        self.jitter_s = jitter_s
        self.random = random.Random(seed)
        self.stats = RadioStats()
        # Lists, where LocalLink has a set: iteration order must not depend on addresses in memory.
        self.members: list[Station] = []
        self.connections: list[AirConnection] = []
        self._away: list[Station] = []
        self._stalls: list[Station] = []
        self._ends: dict[tuple[hci.Address, hci.Address], End] = {}

    # ---- faults ----------------------------------------------------------------------------------------------

    def set_away(self, controller: Station, away: bool = True) -> None:
        """Take a controller out of range, or back. Links end by their supervision timeout, on both sides."""
        if away and controller not in self._away:
            self._away.append(controller)
        elif not away and controller in self._away:
            self._away.remove(controller)
        self._range_changed(controller)

    def stall(self, controller: Station, duration_s: float) -> None:
        """Interference: nothing passes for a while, then everything at once."""
        self._stalls.append(controller)
        asyncio.get_running_loop().call_later(duration_s, self._end_stall, controller)
        self._range_changed(controller)

    def reachable(self, controller: Station) -> bool:
        """Whether anything passes to and from this controller now."""
        return controller in self.members and controller not in self._away and controller not in self._stalls

    def loss_between(self, a: Station, b: Station) -> float:
        """Probability that an event between two controllers is lost: the worst of the radio and of both."""
        return max(self.event_loss, a.event_loss, b.event_loss)

    def silence(self, controller: Station) -> None:
        """End all links of a controller without a word (reset, power loss): its peers see a supervision timeout."""
        for connection in [c for c in self.connections if controller in c.controllers]:
            connection.fall_silent(controller)

    def _end_stall(self, controller: Station) -> None:
        self._stalls.remove(controller)
        self._range_changed(controller)

    def _range_changed(self, controller: Station) -> None:
        for connection in [c for c in self.connections if controller in c.controllers]:
            connection.path_changed()

    # ---- what controllers call ---------------------------------------------------------------------------------

    def add_controller(self, controller: Controller) -> None:
        super().add_controller(controller)
        self.members.append(controller)  # pyright: ignore[reportArgumentType]  # only Stations join

    def remove_controller(self, controller: Controller) -> None:
        """Power loss: the controller is gone and has told nobody."""
        if controller in self.controllers:
            super().remove_controller(controller)
            self.members.remove(controller)  # pyright: ignore[reportArgumentType]
            self.silence(controller)  # pyright: ignore[reportArgumentType]

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        sender: Station = sender_controller  # pyright: ignore[reportAssignmentType]
        if isinstance(packet, ll.ConnectInd):
            self._connect(sender, packet)
            return
        if not self.reachable(sender):
            return
        loop = asyncio.get_running_loop()
        for member in self.members:
            if member is sender or not member.is_listening or not self.reachable(member):
                continue
            loss = self.loss_between(sender, member)
            if loss and self.random.random() < loss:
                continue
            loop.call_soon(member.on_advertising_from, sender, packet)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        end = self._ends.get((sender_address, receiver_address))
        if end is None:
            return
        if isinstance(packet, ll.TerminateInd):
            end.connection.terminate(end, packet)
        else:
            end.connection.send_control(end, packet)

    def send_fragment(self, own: hci.Address, peer: hci.Address, boundary: int, data: bytes) -> None:
        """Queue one ACL fragment; the sender's `confirm` is called when the peer has it. Unknown links swallow it."""
        end = self._ends.get((own, peer))
        if end is not None:
            end.connection.send_data(end, boundary, data)

    # ---- links -------------------------------------------------------------------------------------------------

    def _connect(self, central: Station, packet: ll.ConnectInd) -> None:
        own, peer = packet.initiator_address, packet.advertiser_address
        target = next((m for m in self.members if m is not central and m.advertises_as(peer)), None)
        heard = target is not None and self.reachable(central) and self.reachable(target)
        connection = AirConnection(
            self,
            (central, own),
            (target or central, peer),
            Parameters.of(packet),
            self._anchor(central, packet),
            heard=heard,
        )
        self.connections.append(connection)
        self.stats.connections += 1
        for end in connection.ends:
            if end.up:
                self._ends[end.own, end.peer] = end
        if target is not None and heard:
            target.on_le_connect_ind(packet)
        connection.path_changed()

    def _anchor(self, central: Station, packet: ll.ConnectInd) -> tuple[int, float]:
        """A free slot in the central's interval, and the first event in it, in loop time."""
        interval_s = Parameters.of(packet).interval_s
        slots = max(1, int(interval_s / ANCHOR_SLOT_S))
        taken = [c.slot for c in self.connections if c.ends[0].controller is central]
        slot = min(range(slots), key=taken.count)
        return slot, self.anchor_after(asyncio.get_running_loop().time() + WINDOW_OFFSET_S, interval_s, slot)

    @staticmethod
    def anchor_after(t_s: float, interval_s: float, slot: int) -> float:
        """The first event at or after `t_s` of a link with this interval and slot."""
        offset_s = slot * ANCHOR_SLOT_S
        return math.ceil((t_s - offset_s) / interval_s - 1e-9) * interval_s + offset_s

    def end_is_down(self, end: End) -> None:
        """Bookkeeping for AirConnection: this end cannot send any more."""
        if self._ends.get((end.own, end.peer)) is end:
            del self._ends[end.own, end.peer]

    def forget(self, connection: AirConnection) -> None:
        """Bookkeeping for AirConnection: both ends are down."""
        if connection in self.connections:
            self.connections.remove(connection)
