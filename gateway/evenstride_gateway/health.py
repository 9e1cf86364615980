"""What an operator can see: every counter, every state, and what is wrong since when, in plain words."""

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from evenstride_analysis.model import LossCause
from evenstride_gateway.channel import Channel
from evenstride_gateway.link.source import LinkState, PodLink

MAX_EVENTS = 200
STALE_S = 3.0  # as the link's watchdog
BATTERY_LOW = 0.15
WIDE_BOUND_S = 0.02  # left and right would be ordered wrongly before this; flight is withheld long before
SERVER_CLOCK_OFF_S = 120.0
COMMIT_LATE_S = 5.0  # the store promises once a second


@dataclass(slots=True, kw_only=True)
class PodHealth:
    """One pod. Counters run since the gateway started, those of the account (`duplicates`, `reordered`, `missing`,
    `backfilled`) since the recording did; samples where not said otherwise."""

    pod_id: str
    side: str = ""
    address: str = ""
    state: str = ""
    state_since_s: float = 0.0
    refused: str = ""
    rssi_dbm: int | None = None
    mtu: int | None = None
    connections: int = 0
    losses: dict[str, int] = field(default_factory=dict[str, int])  # why the link was lost -> how often
    messages: int = 0
    inbox_dropped: int = 0  # messages that nobody took in time
    last_arrival_s: float | None = None
    frames: int = 0
    duplicates: int = 0
    reordered: int = 0  # frames that came behind a later one
    missing: dict[str, int] = field(default_factory=lambda: {cause.value: 0 for cause in LossCause})
    backfilled: int = 0
    pod_dropped: int = 0  # what the pod itself reports
    unknown: int = 0  # messages of a newer minor version
    malformed: int = 0
    last_error: str = ""
    clock_bound_s: float | None = None
    clock_skew_ppm: float | None = None
    battery_fraction: float | None = None
    charging: bool = False


@dataclass(slots=True, kw_only=True)
class StoreHealth:
    """The store. `last_commit_s` is host monotonic; `cut_at_start` says what a crash cost, in words ("" = nothing).

    `trouble`: why nothing can be stored now; `refusals` counts what the store will never take, with its last reason.
    """

    last_commit_s: float | None = None
    trouble: str = ""
    refusals: int = 0
    last_refusal: str = ""
    strides: int = 0
    cut_at_start: str = ""


class SinkState(StrEnum):
    WAITING = "nothing new"
    DELIVERING = "delivering"
    TROUBLE = "retrying"


@dataclass(slots=True, kw_only=True)
class SinkHealth:
    """What a person can see of a sink. `behind` counts changes of the store that are not yet delivered."""

    name: str
    state: SinkState = SinkState.WAITING
    delivered: int = 0  # points or messages, repetitions included
    refused: int = 0  # for good: parked in the store with the server's reason
    behind: int = 0
    retries: int = 0
    trouble: str = ""
    beside: str = ""  # what stands in the way of the messages that are no results: told while there are none
    clock_off_s: float = 0.0  # server clock minus ours
    last_delivery_s: float | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, for the log that a person reads."""

    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong now."""

    since_s: float
    text: str


class Health:
    """Holds what others report; computes nothing but ages and warnings. All times are host monotonic seconds."""

    def __init__(self) -> None:
        self.pods: dict[str, PodHealth] = {}
        self.store = StoreHealth()
        self.recording = False  # a session runs: then a late commit is a warning
        self.events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self.events_total = 0
        self.warnings: dict[str, Trouble] = {}
        self.sinks: dict[str, SinkHealth] = {}
        self._channels: dict[str, Channel[Any]] = {}

    def pod(self, pod_id: str) -> PodHealth:
        """The row of this pod, made at first mention."""
        return self.pods.setdefault(pod_id, PodHealth(pod_id=pod_id))

    def watch(self, channel: Channel[Any], name: str = "") -> None:
        """Show this channel's counters under `name` (its own name when empty)."""
        self._channels[name or channel.name] = channel

    def update_links(self, links: Mapping[str, PodLink], now_s: float) -> None:
        """Take over what the source knows; a row under an address goes once the pod has said its id."""
        addresses = {link.address for link in links.values() if link.pod_id != link.address}
        for stale in addresses & self.pods.keys():
            del self.pods[stale]
        for pod_id, link in links.items():
            row = self.pod(pod_id)
            if row.state != link.state.value:
                row.state, row.state_since_s = link.state.value, now_s
            row.address = link.address
            row.refused = link.refused
            row.rssi_dbm = link.rssi_dbm
            row.mtu = link.mtu
            row.connections = link.connections
            row.losses = dict(link.losses)
            row.messages = link.chunks
            row.inbox_dropped = link.inbox_dropped
            row.last_arrival_s = link.last_arrival_s

    def event(self, text: str, now_s: float) -> None:
        """Note what happened. The newest 200 are kept, all are counted."""
        self.events.append(Event(now_s, text))
        self.events_total += 1

    def warn(self, key: str, text: str, now_s: float) -> None:
        """Something is wrong from now on, until `clear(key)`; a changed text keeps its since-time."""
        known = self.warnings.get(key)
        self.warnings[key] = Trouble(known.since_s if known else now_s, text)
        if known is None:
            self.event(text, now_s)

    def clear(self, key: str) -> None:
        """It is no longer wrong."""
        self.warnings.pop(key, None)

    def review(self, now_s: float, *, adapters: Mapping[str, str] | None = None) -> None:
        """Set and clear the warnings that follow from the counters. `adapters`: name -> what is wrong with it."""
        wrong: dict[str, str] = {f"adapter {name}": text for name, text in (adapters or {}).items()}
        for row in self.pods.values():
            wrong.update(_pod_warnings(row, now_s))
        for name, channel in self._channels.items():
            if len(channel) >= channel.capacity:
                wrong[f"channel {name}"] = f"the queue {name!r} is full ({channel.capacity}): its reader is too slow"
        for sink in self.sinks.values():
            wrong.update(_sink_warnings(sink))
        late_s = now_s - self.store.last_commit_s if self.store.last_commit_s is not None else 0.0
        if self.store.trouble:
            wrong["store trouble"] = (
                f"Nothing can be stored now, what comes is kept in memory and tried again: {self.store.trouble}"
            )
        elif self.recording and late_s > COMMIT_LATE_S:
            wrong["store late"] = f"nothing was stored for {late_s:.0f} s: is the disk slow or full?"
        if self.store.refusals:
            wrong["store refused"] = (
                f"{self.store.refusals} results could not be stored, the recording goes on: {self.store.last_refusal}"
            )
        for key in [key for key in self.warnings if key.startswith(_REVIEWED) and key not in wrong]:
            self.clear(key)
        for key, text in wrong.items():
            self.warn(key, text, now_s)

    def snapshot(self, now_s: float) -> dict[str, Any]:
        """Everything as JSON values; ages instead of times, because a reader has another clock."""
        warnings = [
            {"key": key, "text": warning.text, "for_s": _age(now_s, warning.since_s)}
            for key, warning in self.warnings.items()
        ]
        return {
            "state": "warning" if warnings else "ok",
            "warnings": warnings,
            "pods": [self._pod_row(row, now_s) for row in self.pods.values()],
            "channels": {
                name: {
                    "received": channel.received,
                    "dropped": channel.dropped,
                    "waiting": len(channel),
                    "capacity": channel.capacity,
                    "overflow": channel.overflow.value,
                }
                for name, channel in self._channels.items()
            },
            "store": {
                "last_commit_age_s": _age(now_s, self.store.last_commit_s),
                "strides": self.store.strides,
                "cut_at_start": self.store.cut_at_start,
                "trouble": self.store.trouble,
                "refusals": self.store.refusals,
            },
            "sinks": [_sink_row(sink, now_s) for sink in self.sinks.values()],
            "events": [{"text": event.text, "age_s": _age(now_s, event.at_s)} for event in reversed(self.events)],
            "events_total": self.events_total,
        }

    def event_lines(self, now_s: float) -> list[str]:
        """The events for a terminal, newest first: "pod X lost: link lost, 2.0 s ago"."""
        return [f"{event.text}, {now_s - event.at_s:.1f} s ago" for event in reversed(self.events)]

    @staticmethod
    def _pod_row(row: PodHealth, now_s: float) -> dict[str, Any]:
        values = asdict(row)
        values["state_for_s"] = _age(now_s, values.pop("state_since_s"))
        values["last_arrival_age_s"] = _age(now_s, values.pop("last_arrival_s"))
        return values


_REVIEWED = ("adapter ", "pod ", "channel ", "sink ", "store ")


def _age(now_s: float, then_s: float | None) -> float | None:
    return None if then_s is None else round(max(0.0, now_s - then_s), 3)


def _sink_row(sink: SinkHealth, now_s: float) -> dict[str, Any]:
    values = asdict(sink)
    values["last_delivery_age_s"] = _age(now_s, values.pop("last_delivery_s"))
    return values


def _sink_warnings(sink: SinkHealth) -> dict[str, str]:
    found: dict[str, str] = {}
    if sink.trouble or sink.beside:
        waiting = f"; {sink.behind} changes wait, nothing is lost" if sink.behind else "; nothing is lost"
        found["trouble"] = (sink.trouble or sink.beside) + waiting
    if sink.refused:
        found["refused"] = (
            f"{sink.name}: {sink.refused} points were refused for good; `evenstride stack parked` tells why"
        )
    if abs(sink.clock_off_s) > SERVER_CLOCK_OFF_S:
        found["clock"] = (
            f"{sink.name}: the server's clock is {sink.clock_off_s:+.0f} s off: panels show the wrong hours"
        )
    return {f"sink {sink.name} {key}": text for key, text in found.items()}


def _pod_warnings(row: PodHealth, now_s: float) -> dict[str, str]:
    who = f"pod {row.pod_id}" + (f" ({row.side})" if row.side else "")
    found: dict[str, str] = {}
    if row.refused:
        found["refused"] = row.refused
    elif row.state == LinkState.LOST and row.connections > 0:
        why = max(row.losses, key=lambda reason: row.losses[reason], default="")
        found["lost"] = f"{who} is away" + (f" (mostly: {why})" if why else "")
    if row.state == LinkState.STREAMING and row.last_arrival_s is not None and now_s - row.last_arrival_s > STALE_S:
        found["stale"] = f"{who} is connected and sends nothing"
    if row.battery_fraction is not None and row.battery_fraction < BATTERY_LOW and not row.charging:
        found["battery"] = f"{who}: battery at {row.battery_fraction:.0%}"
    if row.clock_bound_s is not None and row.clock_bound_s > WIDE_BOUND_S:
        found["clock"] = f"{who}: its clock is known to {row.clock_bound_s * 1000:.0f} ms only; flight is withheld"
    if row.inbox_dropped:
        found["dropped"] = f"{who}: {row.inbox_dropped} messages arrived faster than they were taken and are lost"
    if row.malformed:
        found["malformed"] = f"{who}: {row.malformed} unreadable messages, the last: {row.last_error}"
    return {f"pod {row.pod_id} {key}": text for key, text in found.items()}
