"""`evenstride pods`: scan, list, assign."""

import asyncio
from pathlib import Path
from typing import Literal

from rich.table import Table

from evenstride_analysis.model import Side
from evenstride_gateway.cli.common import data_dir, err, out, print_json
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


def assign(pod: str, leg: Literal["left", "right"], *, data: Path | None, as_json: bool) -> None:
    """Say on which leg a pod sits, from the next session on."""
    side = Side(leg)
    with Store.open(data_dir(data)) as store:
        store.put_placement(Placement(pod_id=pod, side=side))
        others = [p.pod_id for p in store.placements() if p.side is side and p.pod_id != pod]
    if as_json:
        print_json({"pod": pod, "side": side.value, "also_on_this_side": others})
        return
    out.print(f"pod {pod} sits on the {side.value} leg")
    if others:
        out.print(f"so do {', '.join(others)}: use one of them at a time, or assign it to the other leg")
