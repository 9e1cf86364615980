//! What the radio holds: a controller that is watched, so that the pod knows which of its notifications have arrived.
//!
//! The host stack tells how many ACL packets the controller has delivered, not which. Here every packet that goes to the
//! controller is noted in order, and whether it completes a notification on Data.

use core::cell::{Cell, RefCell};

use bt_hci::cmd::{AsyncCmd, SyncCmd};
use bt_hci::controller::{Controller, ControllerCmdAsync, ControllerCmdSync};
use bt_hci::data::{AclPacket, AclPacketBoundary, IsoPacket, SyncPacket};
use bt_hci::ControllerToHostPacket;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embedded_io::ErrorType;
use heapless::Deque;
use trouble_host::prelude::EventHandler;

use crate::guard::is_sound;

const PACKETS: usize = 32; // more than any controller's buffers
const L2CAP_HEADER: usize = 4;
const ATT_CHANNEL: u16 = 4;
const ATT_NOTIFICATION: u8 = 0x1B;

/// See the module. One link at a time.
#[derive(Default)]
pub struct Flight {
    packets: RefCell<Deque<bool, PACKETS>>,
    data_handle: Cell<u16>,
    /// Bytes of the present L2CAP message still to come, and whether it is a notification on Data.
    rest: Cell<(usize, bool)>,
    confirmed: Cell<usize>,
    /// Something has arrived: there is room for more.
    pub moved: Signal<NoopRawMutex, ()>,
}

impl Flight {
    /// Which attribute is Data.
    pub fn watch(&self, data_handle: u16) {
        self.data_handle.set(data_handle);
    }

    /// A new link begins, nothing of an old one will be confirmed.
    pub fn begin(&self) {
        self.packets.borrow_mut().clear();
        self.rest.set((0, false));
        self.confirmed.set(0);
    }

    /// Notifications on Data delivered since this was last asked.
    pub fn take_confirmed(&self) -> usize {
        self.confirmed.take()
    }

    fn sent(&self, packet: &AclPacket<'_>) {
        let data = packet.data();
        if !matches!(packet.boundary_flag(), AclPacketBoundary::Continuing) {
            let Some(&[l0, l1, c0, c1, opcode, h0, h1]) = data.first_chunk() else {
                self.note(false);
                return;
            };
            let ours = u16::from_le_bytes([c0, c1]) == ATT_CHANNEL
                && opcode == ATT_NOTIFICATION
                && u16::from_le_bytes([h0, h1]) == self.data_handle.get();
            let size = usize::from(u16::from_le_bytes([l0, l1])) + L2CAP_HEADER;
            self.rest.set((size, ours));
        }
        let (size, ours) = self.rest.get();
        let rest = size.saturating_sub(data.len());
        self.rest.set((rest, ours));
        self.note(ours && rest == 0);
    }

    fn note(&self, data: bool) {
        // full cannot be: a controller has fewer buffers; if it were, a delivery would pass for none
        let _ = self.packets.borrow_mut().push_back(data);
    }
}

impl EventHandler for Flight {
    fn on_packets_completed(&self, completed: usize) {
        let mut packets = self.packets.borrow_mut();
        for _ in 0..completed {
            if packets.pop_front() == Some(true) {
                self.confirmed.set(self.confirmed.get() + 1);
            }
        }
        self.moved.signal(());
    }
}

fn may_be_read(packet: &AclPacket<'_>) -> bool {
    matches!(packet.boundary_flag(), AclPacketBoundary::Continuing) || is_sound(packet.data())
}

/// A controller whose outgoing packets are noted in a `Flight`, and whose incoming ones are looked at by `guard`.
pub struct Watched<'f, C> {
    inner: C,
    flight: &'f Flight,
}

impl<'f, C> Watched<'f, C> {
    pub const fn new(inner: C, flight: &'f Flight) -> Self {
        Self { inner, flight }
    }
}

impl<C: ErrorType> ErrorType for Watched<'_, C> {
    type Error = C::Error;
}

impl<C: Controller> Controller for Watched<'_, C> {
    type Buffer<'a> = C::Buffer<'a>;

    fn alloc_buf(&self) -> Result<Self::Buffer<'_>, Self::Error> {
        self.inner.alloc_buf()
    }

    async fn write_acl_data(&self, packet: &AclPacket<'_>) -> Result<(), Self::Error> {
        self.flight.sent(packet);
        self.inner.write_acl_data(packet).await
    }

    async fn write_sync_data(&self, packet: &SyncPacket<'_>) -> Result<(), Self::Error> {
        self.inner.write_sync_data(packet).await
    }

    async fn write_iso_data(&self, packet: &IsoPacket<'_>) -> Result<(), Self::Error> {
        self.inner.write_iso_data(packet).await
    }

    async fn read<'a>(
        &self,
        buf: &'a mut Self::Buffer<'_>,
    ) -> Result<ControllerToHostPacket<'a>, Self::Error> {
        let packet = self.inner.read(buf).await?;
        match packet {
            ControllerToHostPacket::Acl(acl) if !may_be_read(&acl) => {
                Ok(ControllerToHostPacket::Acl(AclPacket::new(
                    acl.handle(),
                    acl.boundary_flag(),
                    acl.broadcast_flag(),
                    &[], // which the stack refuses
                )))
            }
            packet => Ok(packet),
        }
    }
}

impl<C: ControllerCmdSync<X>, X: SyncCmd + ?Sized> ControllerCmdSync<X> for Watched<'_, C> {
    async fn exec(&self, cmd: &X) -> Result<X::Return, bt_hci::cmd::Error<Self::Error>> {
        self.inner.exec(cmd).await
    }
}

impl<C: ControllerCmdAsync<X>, X: AsyncCmd + ?Sized> ControllerCmdAsync<X> for Watched<'_, C> {
    async fn exec(&self, cmd: &X) -> Result<(), bt_hci::cmd::Error<Self::Error>> {
        self.inner.exec(cmd).await
    }
}

#[cfg(test)]
mod tests {
    use bt_hci::data::AclBroadcastFlag;
    use bt_hci::param::ConnHandle;

    use super::*;

    const DATA: u16 = 0x0015;

    fn l2cap(channel: u16, att: &[u8]) -> heapless::Vec<u8, 64> {
        let mut message = heapless::Vec::new();
        message
            .extend_from_slice(&(att.len() as u16).to_le_bytes())
            .unwrap();
        message.extend_from_slice(&channel.to_le_bytes()).unwrap();
        message.extend_from_slice(att).unwrap();
        message
    }

    fn hand(flight: &Flight, boundary: AclPacketBoundary, data: &[u8]) {
        let handle = ConnHandle::new(1);
        flight.sent(&AclPacket::new(
            handle,
            boundary,
            AclBroadcastFlag::PointToPoint,
            data,
        ));
    }

    #[test]
    fn only_whole_notifications_on_data_count_and_in_order() {
        let flight = Flight::default();
        flight.watch(DATA);
        let first = AclPacketBoundary::FirstNonFlushable;
        let data = l2cap(4, &[0x1B, 0x15, 0, 1, 2, 3, 4, 5]);
        hand(&flight, first, &l2cap(4, &[0x13])); // a write response
        hand(&flight, first, &data);
        hand(&flight, first, &l2cap(4, &[0x1B, 0x18, 0, 9])); // a pong
        hand(&flight, first, &l2cap(6, &[0x1B, 0x15, 0, 9])); // pairing
        hand(&flight, first, &data[..8]);
        hand(&flight, AclPacketBoundary::Continuing, &data[8..]);
        let delivered: heapless::Vec<usize, 8> = (0..6)
            .map(|_| {
                flight.on_packets_completed(1);
                flight.take_confirmed()
            })
            .collect();
        assert_eq!(delivered, [0, 1, 0, 0, 0, 1]);
    }

    #[test]
    fn a_new_link_knows_nothing_of_the_old_one() {
        let flight = Flight::default();
        flight.watch(DATA);
        let data = l2cap(4, &[0x1B, 0x15, 0, 1]);
        hand(&flight, AclPacketBoundary::FirstNonFlushable, &data);
        flight.begin();
        flight.on_packets_completed(1);
        assert_eq!(flight.take_confirmed(), 0);
    }
}
