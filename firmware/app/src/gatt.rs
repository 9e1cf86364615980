//! The attribute table (PROTOCOL.md section 2).

use evenstride_protocol::MAX_MESSAGE;
use heapless::{String, Vec};
use trouble_host::prelude::*;

use crate::plan::Plan;

pub type Message = Vec<u8, MAX_MESSAGE>;
pub type Text = String<24>;

const NAME: &str = "evenstride";

#[gatt_server(connections_max = 1)]
pub struct Server {
    pub pod: PodService,
    pub battery: BatteryService,
    pub device: DeviceInformation,
}

#[gatt_service(uuid = "e57d0001-5e9a-4d1c-9b6e-6576656e7374")]
pub struct PodService {
    #[characteristic(uuid = "e57d0002-5e9a-4d1c-9b6e-6576656e7374", read)]
    pub info: Message,
    #[characteristic(uuid = "e57d0003-5e9a-4d1c-9b6e-6576656e7374", write, indicate)]
    pub control: Message,
    #[characteristic(uuid = "e57d0004-5e9a-4d1c-9b6e-6576656e7374", notify)]
    pub data: Message,
    #[characteristic(
        uuid = "e57d0005-5e9a-4d1c-9b6e-6576656e7374",
        write_without_response,
        notify
    )]
    pub time: Message,
}

#[gatt_service(uuid = service::BATTERY)]
pub struct BatteryService {
    #[characteristic(uuid = characteristic::BATTERY_LEVEL, read)]
    pub level: u8,
}

#[gatt_service(uuid = service::DEVICE_INFORMATION)]
pub struct DeviceInformation {
    #[characteristic(uuid = characteristic::MANUFACTURER_NAME_STRING, read)]
    pub manufacturer: Text,
    #[characteristic(uuid = characteristic::MODEL_NUMBER_STRING, read)]
    pub model: Text,
    #[characteristic(uuid = characteristic::SERIAL_NUMBER_STRING, read)]
    pub serial: Text,
    #[characteristic(uuid = characteristic::HARDWARE_REVISION_STRING, read)]
    pub hardware: Text,
    #[characteristic(uuid = characteristic::FIRMWARE_REVISION_STRING, read)]
    pub firmware: Text,
}

impl Server<'_> {
    /// The table of one pod; None when the stack has no room for it.
    pub fn of(plan: &Plan) -> Option<Self> {
        let config = GapConfig::Peripheral(PeripheralConfig {
            name: NAME,
            appearance: &appearance::UNKNOWN,
        });
        let server = Self::new_with_config(config).ok()?;
        let scan_response = evenstride_protocol::scan_response(&plan.pod_id);
        let serial = core::str::from_utf8(scan_response.get(13..)?).ok()?;
        let device = &server.device;
        let texts = [
            (&device.manufacturer, NAME),
            (&device.model, NAME),
            (&device.serial, serial),
            (&device.hardware, plan.hardware),
            (&device.firmware, plan.firmware),
        ];
        for (characteristic, text) in texts {
            server
                .set(characteristic, &Text::try_from(text).ok()?)
                .ok()?;
        }
        Some(server)
    }
}
