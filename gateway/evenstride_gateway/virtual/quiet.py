"""Half of Bumble's CPU time is debug text that nobody reads: it formats and colours every packet with logging off."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import bumble.att
import bumble.controller
import bumble.gatt_client
import bumble.gatt_server
import bumble.hci
import bumble.host
import bumble.l2cap

_COLOURING = (bumble.controller, bumble.gatt_client, bumble.gatt_server, bumble.hci, bumble.host, bumble.l2cap)
_DESCRIBING: tuple[type, ...] = (bumble.hci.HCI_Packet, bumble.att.ATT_PDU, bumble.l2cap.L2CAP_PDU)


@contextmanager
def quiet_bumble() -> Generator[None]:
    """Inside the block Bumble's packets have no description; for the demo, load tests and long scenarios.

    Changes Bumble for the whole process, which is why nothing does it unasked, and puts everything back at the end.
    Does nothing when somebody wants the text (logger "bumble" at DEBUG).
    """
    if logging.getLogger("bumble").isEnabledFor(logging.DEBUG):
        yield
        return
    saved: list[tuple[Any, str, Any]] = []

    def replace(owner: Any, name: str, value: Any) -> None:
        saved.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    try:
        for module in _COLOURING:
            if "color" in vars(module):
                replace(module, "color", _plain)
        for kind in _with_subclasses(_DESCRIBING):
            if "__str__" in vars(kind):
                replace(kind, "__str__", object.__repr__)
        yield
    finally:
        for owner, name, value in reversed(saved):
            setattr(owner, name, value)


def _plain(text: str, *_args: object, **_more: object) -> str:
    return text


def _with_subclasses(kinds: tuple[type, ...]) -> list[type]:
    """Each class once, parents first."""
    found: dict[type, None] = {}
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found[kind] = None
            waiting += kind.__subclasses__()
    return list(found)
