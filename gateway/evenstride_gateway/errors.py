"""Errors of the gateway, one class per decision the caller makes; a message is one line for its reader."""

from evenstride_analysis.errors import EvenstrideError, InputError

__all__ = [
    "ConfigError",
    "EvenstrideError",
    "InputError",
    "LegTakenError",
    "LinkError",
    "ProtocolError",
    "SinkError",
    "StoreBusyError",
    "StoreError",
    "StoreNewerError",
    "StoreTroubleError",
    "UnknownError",
]


class ConfigError(EvenstrideError, ValueError):
    """A setting is unknown or out of range: names the key, its place and what is allowed."""


class LinkError(EvenstrideError):
    """A pod or an adapter cannot be reached or refuses."""


class StoreError(EvenstrideError):
    """The store cannot be read or written. Nothing already stored was changed."""


class StoreTroubleError(StoreError):
    """The disk is full or the database locked just now: the same may work later. Nothing already stored was changed."""


class StoreBusyError(StoreError):
    """Another process holds the writer lock."""


class StoreNewerError(StoreError):
    """The store was written by a newer evenstride."""


class LegTakenError(StoreError):
    """Another pod sits on that leg, or a swap finds no pod on one of them. Says what helps."""


class UnknownError(StoreError):
    """There is no such pod or session here."""


class SinkError(EvenstrideError):
    """A sink's server cannot take what it is given now; trying again may help. Nothing is lost meanwhile."""

    def __init__(self, what: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(what)
        self.retry_after_s = retry_after_s


class ProtocolError(EvenstrideError, ValueError):
    """A message that breaks firmware/PROTOCOL.md. `offset` is where reading stopped, in bytes."""

    def __init__(self, what: str, *, offset: int, data: bytes) -> None:
        super().__init__(f"{what} at byte {offset} of {len(data)}: {data[:16].hex(' ')}")
        self.offset = offset
        self.data = data
