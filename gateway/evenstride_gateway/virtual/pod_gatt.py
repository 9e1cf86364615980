"""The GATT table of a virtual pod: our service, Battery and Device Information (PROTOCOL.md section 2)."""

from collections.abc import Awaitable, Callable

from bumble.core import UUID
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service

from evenstride_gateway.air.uuids import CONTROL_UUID, DATA_UUID, INFO_UUID, SERVICE_UUID, TIME_UUID, pod_name
from evenstride_gateway.virtual.pod_plan import PodPlan

_BATTERY, _BATTERY_LEVEL = 0x180F, 0x2A19
_DEVICE_INFORMATION = 0x180A
_MANUFACTURER, _MODEL, _SERIAL, _HARDWARE, _FIRMWARE = 0x2A29, 0x2A24, 0x2A25, 0x2A27, 0x2A26


class PodTable:
    """Services and the characteristics that the pod itself writes to."""

    def __init__(
        self,
        *,
        info: Callable[[], bytes],
        control: Callable[[Connection, bytes], None],
        time: Callable[[Connection, bytes], Awaitable[None]],
        battery: Callable[[], int],
        plan: PodPlan,
    ) -> None:
        properties = Characteristic.Properties
        self.control = Characteristic[bytes](
            UUID(CONTROL_UUID),
            properties.WRITE | properties.INDICATE,
            Characteristic.WRITEABLE,
            CharacteristicValue[bytes](write=control),
        )
        self.data = Characteristic[bytes](UUID(DATA_UUID), properties.NOTIFY, Characteristic.Permissions(0), b"")
        self.time = Characteristic[bytes](
            UUID(TIME_UUID),
            properties.WRITE_WITHOUT_RESPONSE | properties.NOTIFY,
            Characteristic.WRITEABLE,
            CharacteristicValue[bytes](write=time),
        )
        ours = [_computed(INFO_UUID, info), self.control, self.data, self.time]
        level = _computed(_BATTERY_LEVEL, lambda: bytes([battery()]))
        texts = {
            _MANUFACTURER: "evenstride",
            _MODEL: pod_name(plan.pod_id).split()[0],
            _SERIAL: plan.pod_id,
            _HARDWARE: plan.hardware,
            _FIRMWARE: plan.firmware,
        }
        self.services = [
            Service(UUID(SERVICE_UUID), ours),
            Service(UUID.from_16_bits(_BATTERY), [level]),
            Service(UUID.from_16_bits(_DEVICE_INFORMATION), [_text(number, text) for number, text in texts.items()]),
        ]


def _uuid(name: str | int) -> UUID:
    return UUID(name) if isinstance(name, str) else UUID.from_16_bits(name)


def _computed(name: str | int, read: Callable[[], bytes]) -> Characteristic[bytes]:
    def answer(_connection: Connection) -> bytes:
        return read()

    value = CharacteristicValue[bytes](read=answer)
    return Characteristic[bytes](_uuid(name), Characteristic.Properties.READ, Characteristic.READABLE, value)


def _text(number: int, text: str) -> Characteristic[bytes]:
    return Characteristic[bytes](_uuid(number), Characteristic.Properties.READ, Characteristic.READABLE, text.encode())
