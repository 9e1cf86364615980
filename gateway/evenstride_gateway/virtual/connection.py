"""One LE connection on the virtual radio: two ends, a clock of events, and what waits to be sent."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Protocol, Self

from bumble import hci, ll

UNHEARD_EVENTS = 6  # a connection that never began is given up after so many events (Core Vol 6 Part B 4.5.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Connection parameters in the units of the air: 1.25 ms, events, 10 ms."""

    interval: int
    latency: int
    timeout: int

    @classmethod
    def of(cls, packet: ll.ConnectInd | ll.ConnectionUpdateInd) -> Self:
        return cls(interval=packet.interval, latency=packet.latency, timeout=packet.timeout)

    @property
    def interval_s(self) -> float:
        return self.interval * 1.25e-3

    @property
    def supervision_s(self) -> float:
        return self.timeout * 10e-3


@dataclass(slots=True)
class RadioStats:
    """What has happened on the air since the radio was made."""

    events: int = 0
    lost_events: int = 0
    delivered: int = 0  # data fragments
    connections: int = 0
    timeouts: int = 0  # ends of links that saw a supervision timeout


class Station(Protocol):
    """A controller as the radio and its connections know it."""

    event_loss: float
    rssi_dbm: int

    @property
    def is_listening(self) -> bool: ...
    def advertises_as(self, address: hci.Address, /) -> bool: ...
    def on_advertising_from(self, sender: "Station", packet: ll.AdvertisingPdu, /) -> None: ...
    def on_le_connect_ind(self, packet: ll.ConnectInd, /) -> None: ...
    def on_fragment(self, peer: hci.Address, boundary: int, data: bytes, /) -> None: ...
    def confirm(self, peer: hci.Address, /) -> None: ...
    def on_ll_control_pdu(self, sender: hci.Address, packet: ll.ControlPdu, /) -> None: ...
    def on_control_delivered(self, peer: hci.Address, packet: ll.ControlPdu, /) -> None: ...
    def on_link_lost(self, peer: hci.Address, reason: int, /) -> None: ...


class Air(Protocol):
    """The radio as its connections know it."""

    random: Random
    stats: RadioStats
    pdus_per_event: int
    jitter_s: float

    def reachable(self, controller: Station, /) -> bool: ...
    def loss_between(self, a: Station, b: Station, /) -> float: ...
    def anchor_after(self, t_s: float, interval_s: float, slot: int, /) -> float: ...
    def end_is_down(self, end: "End", /) -> None: ...
    def forget(self, connection: "AirConnection", /) -> None: ...


@dataclass(eq=False, slots=True)
class End:
    """One side of a link. `up`: its controller still believes in the link."""

    connection: "AirConnection"
    controller: Station
    own: hci.Address
    peer: hci.Address
    up: bool = True
    control: deque[ll.ControlPdu] = field(default_factory=deque[ll.ControlPdu])
    data: deque[tuple[int, bytes]] = field(default_factory=deque[tuple[int, bytes]])
    supervision: asyncio.TimerHandle | None = None


class AirConnection:
    """Moves PDUs at connection events; ends by a terminate PDU or, end by end, by supervision timeout."""

    def __init__(
        self,
        radio: Air,
        central: tuple[Station, hci.Address],
        peripheral: tuple[Station, hci.Address],
        parameters: Parameters,
        anchor: tuple[int, float],
        *,
        heard: bool = True,
    ) -> None:
        self.radio = radio
        self.parameters = parameters
        self.slot, self._anchor_s = anchor
        self.ends = (
            End(self, central[0], central[1], peripheral[1]),
            End(self, peripheral[0], peripheral[1], central[1]),
        )
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._done = self._next = -1  # indices of events, counted from the anchor
        self._heard_s = self._loop.time()
        self._begun = heard
        self.ends[1].up = heard  # else the CONNECT_IND went nowhere: the central finds out after six events

    @property
    def controllers(self) -> tuple[Station, Station]:
        return self.ends[0].controller, self.ends[1].controller

    # ---- what an end does ----------------------------------------------------------------------------------------

    def send_data(self, end: End, boundary: int, data: bytes) -> None:
        end.data.append((boundary, data))
        self._schedule()

    def send_control(self, end: End, packet: ll.ControlPdu) -> None:
        end.control.append(packet)
        self._schedule()

    def terminate(self, end: End, packet: ll.TerminateInd) -> None:
        """This end is through; its word for the other end still needs a connection event."""
        self._down(end)
        if self._other(end).up:
            end.control.append(packet)
        self.path_changed()

    def fall_silent(self, controller: Station) -> None:
        """This controller was reset or lost its power: no word for the other end."""
        for end in self.ends:
            if end.controller is controller:
                self._down(end)
        self.path_changed()

    # ---- range and supervision -------------------------------------------------------------------------------------

    def path_changed(self) -> None:
        """Range, stall or an end's state changed: go on, or begin to count towards the supervision timeout."""
        if not any(end.up for end in self.ends):
            self._finish()
        elif self._is_open:
            for end in self.ends:
                self._stop_supervision(end)
            self._schedule()
        else:
            patience_s = self.parameters.supervision_s if self._begun else UNHEARD_EVENTS * self.parameters.interval_s
            for end in self.ends:
                if end.up and end.supervision is None:
                    end.supervision = self._loop.call_later(patience_s, self._time_out, end)

    @property
    def _is_open(self) -> bool:
        return all(self.radio.reachable(c) for c in self.controllers) and all(e.up or e.control for e in self.ends)

    def _time_out(self, end: End) -> None:
        self.radio.stats.timeouts += 1
        reason = (
            hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
            if self._begun
            else hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR
        )
        self._down(end)
        end.controller.on_link_lost(end.peer, reason)
        self.path_changed()

    def _stop_supervision(self, end: End) -> None:
        if end.supervision is not None:
            end.supervision.cancel()
            end.supervision = None

    def _down(self, end: End) -> None:
        end.up = False
        end.data.clear()
        end.control.clear()
        self._stop_supervision(end)
        self.radio.end_is_down(end)

    def _finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for end in self.ends:
            end.control.clear()
            self._stop_supervision(end)
        self.radio.forget(self)

    def _other(self, end: End) -> End:
        return self.ends[1] if end is self.ends[0] else self.ends[0]

    # ---- events ----------------------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        """Plan the next event if something waits and none is planned. Idle events are not run: they move nothing."""
        if self._timer is not None or not self._is_open or not any(e.control or e.data for e in self.ends):
            return
        now_s, interval_s = self._loop.time(), self.parameters.interval_s
        self._next = max(int((now_s - self._anchor_s) / interval_s + 1e-6) + 1, self._done + 1)
        if now_s < self._anchor_s:
            self._next = max(0, self._done + 1)
        if self._next > self._done + 1:
            self._heard_s = now_s  # the idle events in between went well
        jitter_s = self.radio.random.uniform(0, self.radio.jitter_s) if self.radio.jitter_s else 0.0
        self._timer = self._loop.call_at(self._anchor_s + self._next * interval_s + jitter_s, self._event)

    def _event(self) -> None:
        self._timer, self._done = None, self._next
        if not self._is_open:
            return  # path_changed plans anew when the path is back
        radio = self.radio
        radio.stats.events += 1
        loss = radio.loss_between(*self.controllers)
        if loss and radio.random.random() < loss:
            radio.stats.lost_events += 1
            if self._loop.time() - self._heard_s >= self.parameters.supervision_s:
                for end in self.ends:
                    if end.up:
                        self._time_out(end)
                return
        else:
            self._heard_s = self._loop.time()
            for end in self.ends:  # the central speaks first
                self._exchange(end)
        self._schedule()

    def _exchange(self, sender: End) -> None:
        receiver = self._other(sender)
        for _ in range(self.radio.pdus_per_event):
            if sender.control:
                self._deliver_control(sender, receiver, sender.control.popleft())
            elif sender.data and sender.up and receiver.up:
                boundary, data = sender.data.popleft()
                self.radio.stats.delivered += 1
                receiver.controller.on_fragment(receiver.peer, boundary, data)
                sender.controller.confirm(sender.peer)
            else:
                return

    def _deliver_control(self, sender: End, receiver: End, packet: ll.ControlPdu) -> None:
        if not receiver.up:
            return
        if isinstance(packet, ll.TerminateInd):
            self._down(receiver)
            receiver.controller.on_link_lost(receiver.peer, packet.error_code)
            self._finish()
            return
        if isinstance(packet, ll.ConnectionUpdateInd):
            self.parameters = Parameters.of(packet)
            self._anchor_s = self.radio.anchor_after(
                self._loop.time() + self.parameters.interval_s / 2, self.parameters.interval_s, self.slot
            )
            self._done = -1
        receiver.controller.on_ll_control_pdu(sender.own, packet)
        sender.controller.on_control_delivered(receiver.own, packet)
