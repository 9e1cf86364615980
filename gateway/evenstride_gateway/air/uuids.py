"""Names of the air: UUIDs, versions and sizes (firmware/PROTOCOL.md sections 1, 2 and 12)."""

PROTOCOL_MAJOR = 1
PROTOCOL_MINOR = 0

SERVICE_UUID = "e57d0001-5e9a-4d1c-9b6e-6576656e7374"
INFO_UUID = "e57d0002-5e9a-4d1c-9b6e-6576656e7374"
CONTROL_UUID = "e57d0003-5e9a-4d1c-9b6e-6576656e7374"
DATA_UUID = "e57d0004-5e9a-4d1c-9b6e-6576656e7374"
TIME_UUID = "e57d0005-5e9a-4d1c-9b6e-6576656e7374"

COMPANY_ID = 0xFFFF  # the Bluetooth SIG's identifier for tests; a product on sale needs its own
NAME_PREFIX = "evenstride "

TICK_HZ = 32_768  # the nRF52840's RTC
ATT_HEADER = 3  # opcode and handle of a notification, an indication, a write
MTU = 247  # fills one link-layer packet of 251 bytes with data length extension
MIN_STREAM_MTU = 100  # five 6-axis samples a frame; below it headers outweigh samples and START is refused
MAX_MESSAGE = MTU - ATT_HEADER  # 244: no message is longer, so none is ever fragmented or cut


def pod_name(pod_id: str) -> str:
    """The name in the scan response: prefix and pod id, 27 of at most 29 bytes."""
    return NAME_PREFIX + pod_id


def pod_id_from_name(name: str | None) -> str | None:
    """The pod id (16 hex digits) that a name in the scan response carries, None when it is another device's name."""
    if name is None or not name.startswith(NAME_PREFIX):
        return None
    pod_id = name.removeprefix(NAME_PREFIX)
    if len(pod_id) != 16 or set(pod_id) - set("0123456789abcdef"):
        return None
    return pod_id
