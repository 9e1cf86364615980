# pyright: reportAttributeAccessIssue=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
# (Bumble's decorators hide the fields of its HCI commands from pyright.)
"""What Bumble does not put on the air: advertisements with their scan response, PHY and data length PDUs."""

import asyncio
from dataclasses import dataclass

from bumble import hci, ll
from bumble.controller import LegacyAdvertiser

from evenstride_gateway.virtual.radio import RadioLink

ADV_DELAY_S = 10e-3  # advDelay, random 0-10 ms (Core Vol 6 Part B 4.4.2.2.1)
_Reports = hci.HCI_LE_Advertising_Report_Event


@dataclass
class LegacyPdu(ll.AdvInd):
    """ADV_IND, ADV_SCAN_IND or ADV_NONCONN_IND, with what the advertiser would answer to a scan request."""

    kind: int = int(_Reports.EventType.ADV_IND)
    scan_response: bytes = b""


@dataclass
class PhyUpdateInd(ll.ControlPdu):
    """Both sides use this PHY from now on."""

    opcode = ll.ControlPdu.Opcode.LL_PHY_UPDATE_IND
    phy: int


@dataclass
class LengthReq(ll.ControlPdu):
    """Both sides may send PDUs of so many bytes from now on."""

    opcode = ll.ControlPdu.Opcode.LL_LENGTH_REQ
    octets: int
    time_us: int


class Advertiser(LegacyAdvertiser):
    """Bumble's, with the interval in its true unit, the random delay, and the scan response."""

    def _on_timer_fired(self) -> None:
        self.send_advertising_data()
        interval_s = max(self.advertising_interval_min, 0x20) * 0.625e-3
        link: RadioLink = self.controller.link  # pyright: ignore[reportAssignmentType]
        self.timer_handle = asyncio.get_running_loop().call_later(
            interval_s + link.random.uniform(0, ADV_DELAY_S), self._on_timer_fired
        )

    def send_advertising_data(self) -> None:
        kinds = hci.HCI_LE_Set_Advertising_Parameters_Command.AdvertisingType
        kind = {
            kinds.ADV_IND: _Reports.EventType.ADV_IND,
            kinds.ADV_SCAN_IND: _Reports.EventType.ADV_SCAN_IND,
            kinds.ADV_NONCONN_IND: _Reports.EventType.ADV_NONCONN_IND,
        }.get(kinds(self.advertising_type))
        if self.enabled and kind is not None:  # directed advertising is not modelled
            self.controller.send_advertising_pdu(
                LegacyPdu(self.address, self.advertising_data, int(kind), self.scan_response_data)
            )
