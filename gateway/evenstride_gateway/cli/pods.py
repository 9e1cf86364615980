"""`evenstride pods`: scan, list, assign, swap."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from rich.table import Table

from evenstride_analysis.model import Side
from evenstride_gateway.calling import ask_gateway
from evenstride_gateway.cli.common import data_dir, err, out, print_json
from evenstride_gateway.config import load_config
from evenstride_gateway.errors import LegTakenError, StoreBusyError, StoreError
from evenstride_gateway.legs import correct, other_legs, swapped
from evenstride_gateway.results import system_error
from evenstride_gateway.store import Placement, Store


def scan(*, seconds: float, adapter: str, as_json: bool) -> None:
    """Listen for pods in the air."""
    from evenstride_gateway.link.scan import scan_pods  # bleak loads the platform's Bluetooth

    with err.status(f"listening for {seconds:.0f} s"):
        found = asyncio.run(scan_pods(seconds=seconds, adapter=adapter))
    if as_json:
        print_json([{"pod": p.pod_id, "name": p.name, "address": p.address, "rssi_dbm": p.rssi_dbm} for p in found])
        return
    table = Table("pod", "name", "signal", box=None)
    for pod in found:
        table.add_row(pod.pod_id or "?", pod.name, f"{pod.rssi_dbm} dBm")
    out.print(table if found else "No pod heard. Is it charged, and awake? Shake it.")


def list_pods(*, data: Path | None, as_json: bool) -> None:
    """The pods that were met, and where they usually sit."""
    with Store.open(data_dir(data), readonly=True) as store:
        sides = {placement.pod_id: placement for placement in store.placements()}
        infos = {info.pod_id: info for info in store.pods()}
    ids = sorted(sides.keys() | infos.keys())
    if as_json:
        print_json(
            [
                {
                    "pod": pod_id,
                    "side": sides[pod_id].side.value if pod_id in sides else None,
                    "hardware": infos[pod_id].hardware if pod_id in infos else None,
                    "firmware": infos[pod_id].firmware if pod_id in infos else None,
                }
                for pod_id in ids
            ]
        )
        return
    table = Table("pod", "leg", "hardware", "firmware", box=None)
    for pod_id in ids:
        info = infos.get(pod_id)
        side = sides[pod_id].side.value if pod_id in sides else "not assigned"
        table.add_row(pod_id, side, info.hardware if info else "", info.firmware if info else "")
    out.print(table if ids else "No pod was met yet: `evenstride pods scan`.")


def assign(pod: str, leg: Literal["left", "right"], *, session: str | None, data: Path | None, as_json: bool) -> None:
    """Say on which leg a pod sits, from now on or in a stored session; a running gateway does it itself."""
    folder, side = data_dir(data), Side(leg)
    if session is not None:
        body = {"side": side.value, "session": session}
        _correct(folder, session, lambda _: {pod: side}, path=_leg_path(pod), body=body, as_json=as_json)
        return
    try:
        with Store.open(folder) as store:
            store.put_placement(Placement(pod_id=pod, side=side))
    except StoreBusyError as busy:
        ask_gateway(folder, busy, "POST", _leg_path(pod), {"side": side.value})
    with Store.open(folder, readonly=True) as store:
        others = [p.pod_id for p in store.placements() if p.side is side and p.pod_id != pod]
    if as_json:
        print_json({"pod": pod, "side": side.value, "also_on_this_side": others})
        return
    out.print(f"pod {pod} sits on the {side.value} leg")
    if others:
        out.print(f"so do {', '.join(others)}: use one of them at a time, or assign it to the other leg")


def swap(*, session: str | None, data: Path | None, as_json: bool) -> None:
    """Exchange the legs of two pods, from now on or in a stored session; a running gateway does it itself."""
    folder = data_dir(data)
    if session is not None:
        _correct(
            folder,
            session,
            lambda store: swapped(store, session),
            path="/api/pods/swap",
            body={"session": session},
            as_json=as_json,
        )
        return
    try:
        with Store.open(folder, readonly=True):
            pass  # a mistyped folder must not make a new store
        with Store.open(folder) as store:
            held = {placement.pod_id: placement.side for placement in store.placements()}
            if len(held) > len(Side):
                raise LegTakenError(f"{len(held)} pods have a leg here: say each with `evenstride pods assign`")
            sides = other_legs(held)
            for pod_id, side in sides.items():
                store.put_placement(Placement(pod_id=pod_id, side=side))
    except StoreBusyError as busy:
        sides = _sides(ask_gateway(folder, busy, "POST", "/api/pods/swap", {}))
    _tell(sides, None, as_json=as_json)


def _correct(
    folder: Path,
    session: str,
    sides_in: Callable[[Store], dict[str, Side]],
    *,
    path: str,
    body: dict[str, str],
    as_json: bool,
) -> None:
    """Other legs in a stored session, here or through the gateway that holds the store."""
    system = system_error(load_config(folder).symmetry)
    try:
        with Store.open(folder, readonly=True) as store:
            store.session(session)  # a mistyped folder or id must not make a new store
        with Store.open(folder) as store:
            if store.session(session).stopped_at is None:
                raise StoreError(
                    f"session {session} is not ended: start the gateway once, it ends what a crash left open"
                )
            sides = sides_in(store)
            correct(store, session, sides, system)
    except StoreBusyError as busy:
        sides = _sides(ask_gateway(folder, busy, "POST", path, body))
    _tell(sides, session, as_json=as_json)


def _leg_path(pod: str) -> str:
    return f"/api/pods/{quote(pod, safe='')}/leg"


def _sides(answer: dict[str, Any]) -> dict[str, Side]:
    return {pod_id: Side(side) for pod_id, side in answer["sides"].items()}


def _tell(sides: dict[str, Side], session: str | None, *, as_json: bool) -> None:
    if as_json:
        print_json({"sides": {pod_id: side.value for pod_id, side in sides.items()}, "session": session})
        return
    for pod_id, side in sides.items():
        out.print(f"pod {pod_id} {f'sat in session {session}' if session else 'sits'} on the {side.value} leg")
