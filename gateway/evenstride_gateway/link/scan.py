"""One look around: which pods are in the air."""

import asyncio
from dataclasses import dataclass

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

from evenstride_gateway.air.advertisement import Advertisement
from evenstride_gateway.air.uuids import COMPANY_ID, pod_id_from_name
from evenstride_gateway.errors import LinkError, ProtocolError
from evenstride_gateway.link.backend import LinkBackend
from evenstride_gateway.link.scheduler import plain_error


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSight:
    """A pod that advertises. `pod_id` is what its name says (None = the name was not heard); Info alone is certain."""

    address: str
    name: str
    pod_id: str | None
    rssi_dbm: int
    advertisement: Advertisement | None


async def scan_pods(backend: LinkBackend | None = None, seconds: float = 5.0, *, adapter: str = "") -> list[PodSight]:
    """Listen for `seconds` and return the pods heard, strongest first. Raises LinkError without an adapter."""
    found: dict[str, PodSight] = {}

    def seen(device: BLEDevice, heard: AdvertisementData) -> None:
        before = found.get(device.address)
        name = heard.local_name or device.name or (before.name if before else "")
        advertisement = before.advertisement if before else None
        if payload := heard.manufacturer_data.get(COMPANY_ID):
            try:
                advertisement = Advertisement.from_payload(payload)
            except ProtocolError:
                advertisement = None  # of a newer format: the pod is there all the same
        found[device.address] = PodSight(
            address=device.address,
            name=name,
            pod_id=pod_id_from_name(name),
            rssi_dbm=heard.rssi,
            advertisement=advertisement,
        )

    try:
        async with (backend or LinkBackend()).make_scanner(adapter, seen):
            await asyncio.sleep(seconds)
    except (BleakError, OSError) as error:
        raise LinkError(plain_error(adapter, error)) from error
    return sorted(found.values(), key=lambda pod: (-pod.rssi_dbm, pod.address))
