# Bumble's decorators hide the fields of its HCI commands from pyright, and its enums are ints on the wire.
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyright: reportMissingTypeArgument=false, reportUnknownVariableType=false, reportArgumentType=false
"""A virtual BLE controller for RadioLink: Bumble's, with its gaps repaired.

Repaired against Bumble 0.0.236: connect-cancel; ACL length 251; scan response data; completed packets reported when the
peer has them; an answer to unknown asynchronous commands (else the host's one command credit is gone); LE Set PHY and
LE Set Data Length; true connection parameters for the peripheral; connection update at a connection event; HCI reset;
advertising interval in units of 0.625 ms. Extended advertising is off: pods advertise with ADV_IND of at most 31 bytes.
"""

import asyncio
import struct

from bumble import hci, ll
from bumble.controller import Connection, Controller
from bumble.core import PhysicalTransport
from bumble.transport.common import TransportSink

from evenstride_gateway.virtual.connection import Station
from evenstride_gateway.virtual.pdus import Advertiser, LegacyPdu, LengthReq, PhyUpdateInd
from evenstride_gateway.virtual.radio import RadioLink

ACL_LENGTH = 251  # one notification of MTU 247 in one packet: data length extension agreed
MAX_TX_TIME_US = 2120
LEGACY_ADVERTISING_MAX = 31
VENDOR_GROUP = 0x3F  # OGF of vendor specific commands
NOT_EMULATED = ("HCI_LE_SET_EXTENDED_", "HCI_LE_SET_PERIODIC_", "HCI_LE_SET_ADVERTISING_SET_")  # Bumble would say yes
NO_RANDOM_ADDRESS = hci.Address("00:00:00:00:00:00")
_ACL_HEADER = struct.Struct("<BHH")
_Reports = hci.HCI_LE_Advertising_Report_Event


class RadioController(Controller):
    """One controller on a RadioLink; `event_loss`, `rssi_dbm`, `acl_packets` (buffers) are its own radio conditions."""

    link: RadioLink

    def __init__(
        self, name: str, link: RadioLink, *, host_sink: TransportSink | None = None, acl_packets: int = 10
    ) -> None:
        super().__init__(name, host_sink=host_sink, link=link)
        self.event_loss = 0.0
        self.rssi_dbm = -50
        self.acl_data_packet_length = self.le_acl_data_packet_length = ACL_LENGTH
        self.total_num_le_acl_data_packets = self.total_num_acl_data_packets = acl_packets
        self.supported_max_tx_octets = self.supported_max_rx_octets = ACL_LENGTH
        self.suggested_max_tx_octets = ACL_LENGTH
        self.supported_max_tx_time = self.supported_max_rx_time = self.suggested_max_tx_time = MAX_TX_TIME_US
        self.le_features = self.le_features & ~(
            hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
        )
        self.le_legacy_advertiser = Advertiser(self)
        self._phy: dict[int, int] = {}

    # ---- what the radio asks -----------------------------------------------------------------------------------

    @property
    def is_listening(self) -> bool:
        """Whether advertisements matter to it now: it scans, or waits to connect."""
        return self.le_scan_enable or self.pending_le_connection is not None

    def advertises_as(self, address: hci.Address) -> bool:
        """Whether a CONNECT_IND for `address` is for this controller and welcome."""
        advertiser = self.le_legacy_advertiser
        connectable = advertiser.advertising_type == int(_Reports.EventType.ADV_IND)
        return advertiser.enabled and connectable and advertiser.address == address

    def power_off(self) -> None:
        """Power loss: silent on the air, deaf to its host, for ever."""
        self._clear()
        self.host = None
        self.link.remove_controller(self)

    def _clear(self) -> None:
        self.le_legacy_advertiser.stop()
        self.le_scan_enable = False
        self.pending_le_connection = None
        self.le_connections.clear()
        self._phy.clear()

    # ---- HCI transport -----------------------------------------------------------------------------------------

    def on_packet(self, packet: bytes) -> None:
        """From the host. ACL data goes straight to the air; everything else is parsed."""
        if packet[0] == hci.HCI_COMMAND_PACKET and packet[2] >> 2 == VENDOR_GROUP:
            # Not parsed: Bumble knows other makers' commands by the same numbers.
            opcode = int.from_bytes(packet[1:3], "little")
            self._send_hci_command_status(hci.HCI_ErrorCode.UNKNOWN_HCI_COMMAND_ERROR, opcode)
            return
        if packet[0] != hci.HCI_ACL_DATA_PACKET:
            self.on_hci_packet(hci.HCI_Packet.from_bytes(packet))
            return
        _, handle_and_flags, _ = _ACL_HEADER.unpack_from(packet)
        connection = self.find_le_connection_by_handle(handle_and_flags & 0xFFF)
        if connection is not None:
            self.link.send_fragment(
                connection.self_address, connection.peer_address, handle_and_flags >> 12 & 3, packet[_ACL_HEADER.size :]
            )

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        self._to_host(bytes(packet))  # without Bumble's debug line, which costs as much as the packet

    def _to_host(self, packet: bytes) -> None:
        if self.host is not None:
            asyncio.get_running_loop().call_soon(self.host.on_packet, packet)

    def on_hci_command_packet(self, command: hci.HCI_Command) -> None:
        known = getattr(self, f"on_{command.name.lower()}", None) is not None
        if isinstance(command, hci.HCI_SyncCommand):
            if command.name.startswith(NOT_EMULATED):
                status = hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.UNKNOWN_HCI_COMMAND_ERROR)
                self.send_hci_packet(hci.HCI_Command_Complete_Event(1, command.op_code, status))
            else:
                super().on_hci_command_packet(command)
        elif not known:
            self._send_hci_command_status(hci.HCI_ErrorCode.UNKNOWN_HCI_COMMAND_ERROR, command.op_code)
        else:
            super().on_hci_command_packet(command)

    # ---- data --------------------------------------------------------------------------------------------------

    def on_fragment(self, peer: hci.Address, boundary: int, data: bytes) -> None:
        """An ACL fragment has arrived from `peer`."""
        connection = self.le_connections.get(peer)
        if connection is not None:
            first = boundary != hci.HCI_ACL_PB_CONTINUATION
            flag = hci.HCI_ACL_PB_FIRST_FLUSHABLE if first else hci.HCI_ACL_PB_CONTINUATION
            header = _ACL_HEADER.pack(hci.HCI_ACL_DATA_PACKET, connection.handle | flag << 12, len(data))
            self._to_host(header + data)

    def confirm(self, peer: hci.Address) -> None:
        """The peer has the oldest fragment: Number Of Completed Packets."""
        connection = self.le_connections.get(peer)
        if connection is not None:
            self._to_host(struct.pack("<BBBBHH", hci.HCI_EVENT_PACKET, 0x13, 5, 1, connection.handle, 1))

    # ---- advertising and scanning ------------------------------------------------------------------------------

    def on_advertising_from(self, sender: Station, packet: ll.AdvertisingPdu) -> None:
        """An advertisement was heard: report it (with the scan response when scanning actively), or connect."""
        if not isinstance(packet, LegacyPdu):
            return
        if self.le_scan_enable:
            self._report(packet.kind, packet.advertiser_address, packet.data, sender.rssi_dbm)
            if self.le_scan_type == 1 and packet.kind != _Reports.EventType.ADV_NONCONN_IND:
                scan_rsp = int(_Reports.EventType.SCAN_RSP)
                self._report(scan_rsp, packet.advertiser_address, packet.scan_response, sender.rssi_dbm)
        pending = self.pending_le_connection
        if (
            pending is not None
            and pending.peer_address == packet.advertiser_address
            and packet.kind == _Reports.EventType.ADV_IND
            and packet.advertiser_address not in self.le_connections
        ):
            self.create_le_connection(packet.advertiser_address)

    def _report(self, kind: int, address: hci.Address, data: bytes, rssi_dbm: int) -> None:
        report = _Reports.Report(
            event_type=kind, address_type=address.address_type, address=address, data=data, rssi=rssi_dbm
        )
        self.send_hci_packet(_Reports([report]))

    def on_hci_le_set_advertising_data_command(
        self, command: hci.HCI_LE_Set_Advertising_Data_Command
    ) -> hci.HCI_StatusReturnParameters:
        if len(command.advertising_data) > LEGACY_ADVERTISING_MAX:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.INVALID_COMMAND_PARAMETERS_ERROR)
        return super().on_hci_le_set_advertising_data_command(command)

    def on_hci_le_set_scan_response_data_command(
        self, command: hci.HCI_LE_Set_Scan_Response_Data_Command
    ) -> hci.HCI_StatusReturnParameters:
        if len(command.scan_response_data) > LEGACY_ADVERTISING_MAX:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.INVALID_COMMAND_PARAMETERS_ERROR)
        return super().on_hci_le_set_scan_response_data_command(command)

    # ---- links -------------------------------------------------------------------------------------------------

    def on_le_connect_ind(self, packet: ll.ConnectInd) -> None:
        """A central connects to us (the radio has asked `advertises_as`)."""
        peer = packet.initiator_address
        connection = Connection(
            controller=self,
            handle=self.allocate_connection_handle(),
            role=hci.Role.PERIPHERAL,
            self_address=packet.advertiser_address,
            peer_address=peer,
            link=self.link,
            transport=PhysicalTransport.LE,
            link_type=hci.HCI_Connection_Complete_Event.LinkType.ACL,
        )
        self.le_connections[peer] = connection
        self.le_legacy_advertiser.stop()
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.SUCCESS,
                connection_handle=connection.handle,
                role=connection.role,
                peer_address_type=peer.address_type,
                peer_address=peer,
                connection_interval=packet.interval,
                peripheral_latency=packet.latency,
                supervision_timeout=packet.timeout,
                central_clock_accuracy=0,
            )
        )

    def on_link_lost(self, peer: hci.Address, reason: int) -> None:
        """The link ended: supervision timeout, or the peer's word."""
        connection = self.le_connections.get(peer)
        if connection is not None:
            self.on_le_disconnected(connection, reason)

    def on_le_disconnected(self, connection: Connection, reason: int) -> None:
        self._phy.pop(connection.handle, None)
        super().on_le_disconnected(connection, reason)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        asyncio.get_running_loop().call_soon(  # after the command's own Command Complete
            self.send_hci_packet,
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address.address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            ),
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_disconnect_command(self, command: hci.HCI_Disconnect_Command) -> None:
        connection = self._connection_or_status(command, command.connection_handle)
        if connection is not None:
            connection.send_ll_control_pdu(ll.TerminateInd(command.reason))
            self.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR)

    def on_hci_reset_command(self, _command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        self._clear()
        self.random_address = NO_RANDOM_ADDRESS
        self.link.silence(self)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_le_rand_command(self, _command: hci.HCI_LE_Rand_Command) -> hci.HCI_LE_Rand_ReturnParameters:
        number = self.link.random.getrandbits(64)  # Bumble's own can draw 2**64, which does not fit
        return hci.HCI_LE_Rand_ReturnParameters(
            status=hci.HCI_ErrorCode.SUCCESS, random_number=number.to_bytes(8, "little")
        )

    # ---- link procedures ---------------------------------------------------------------------------------------

    def on_hci_le_connection_update_command(self, command: hci.HCI_LE_Connection_Update_Command) -> None:
        connection = self._connection_or_status(command, command.connection_handle)
        if connection is not None:
            connection.send_ll_control_pdu(
                ll.ConnectionUpdateInd(
                    interval=command.connection_interval_max,
                    latency=command.max_latency,
                    timeout=command.supervision_timeout,
                )
            )

    def on_hci_le_set_phy_command(self, command: hci.HCI_LE_Set_PHY_Command) -> None:
        connection = self._connection_or_status(command, command.connection_handle)
        if connection is not None:
            wants_2m = bool(int(command.tx_phys) & 2) and not int(command.all_phys) & 1
            connection.send_ll_control_pdu(PhyUpdateInd(int(hci.Phy.LE_2M if wants_2m else hci.Phy.LE_1M)))

    def on_hci_le_read_phy_command(self, command: hci.HCI_LE_Read_PHY_Command) -> hci.HCI_LE_Read_PHY_ReturnParameters:
        phy = self._phy.get(command.connection_handle, int(hci.Phy.LE_1M))
        return hci.HCI_LE_Read_PHY_ReturnParameters(
            status=hci.HCI_ErrorCode.SUCCESS, connection_handle=command.connection_handle, tx_phy=phy, rx_phy=phy
        )

    def on_hci_le_set_data_length_command(
        self, command: hci.HCI_LE_Set_Data_Length_Command
    ) -> hci.HCI_StatusAndConnectionHandleReturnParameters:
        connection = self.find_le_connection_by_handle(command.connection_handle)
        status = hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR
        if connection is not None:
            status = hci.HCI_ErrorCode.SUCCESS
            octets, time_us = min(command.tx_octets, ACL_LENGTH), min(command.tx_time, MAX_TX_TIME_US)
            connection.send_ll_control_pdu(LengthReq(octets, time_us))
        return hci.HCI_StatusAndConnectionHandleReturnParameters(
            status=status, connection_handle=command.connection_handle
        )

    def on_ll_control_pdu(self, sender_address: hci.Address, packet: ll.ControlPdu) -> None:
        if isinstance(packet, ll.ConnectionUpdateInd | PhyUpdateInd | LengthReq):
            self.on_control_delivered(sender_address, packet)
        else:
            super().on_ll_control_pdu(sender_address, packet)

    def on_control_delivered(self, peer: hci.Address, packet: ll.ControlPdu) -> None:
        """A procedure has taken effect on both sides: tell the host."""
        connection = self.le_connections.get(peer)
        if connection is None:
            return
        handle = connection.handle
        match packet:
            case ll.ConnectionUpdateInd(interval, latency, timeout):
                self.send_hci_packet(
                    hci.HCI_LE_Connection_Update_Complete_Event(
                        status=hci.HCI_ErrorCode.SUCCESS,
                        connection_handle=handle,
                        connection_interval=interval,
                        peripheral_latency=latency,
                        supervision_timeout=timeout,
                    )
                )
            case PhyUpdateInd(phy):
                self._phy[handle] = phy
                success = hci.HCI_ErrorCode.SUCCESS
                self.send_hci_packet(
                    hci.HCI_LE_PHY_Update_Complete_Event(
                        status=success, connection_handle=handle, tx_phy=phy, rx_phy=phy
                    )
                )
            case LengthReq(octets, time_us):
                self.send_hci_packet(
                    hci.HCI_LE_Data_Length_Change_Event(
                        connection_handle=handle,
                        max_tx_octets=octets,
                        max_tx_time=time_us,
                        max_rx_octets=octets,
                        max_rx_time=time_us,
                    )
                )
            case _:
                pass  # answered by the peer with a PDU of its own

    def _connection_or_status(self, command: hci.HCI_Command, handle: int) -> Connection | None:
        """Command Status: pending when the link exists, else the error; then the link."""
        connection = self.find_le_connection_by_handle(handle)
        unknown = hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR
        self._send_hci_command_status(hci.HCI_COMMAND_STATUS_PENDING if connection else unknown, command.op_code)
        return connection
