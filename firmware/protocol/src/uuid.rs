//! Names of the air: `e57d000X-5e9a-4d1c-9b6e-6576656e7374`.

/// The service; its characteristics differ in X.
pub const SERVICE: u128 = 0xe57d_0001_5e9a_4d1c_9b6e_6576_656e_7374;
pub const INFO: u128 = 0xe57d_0002_5e9a_4d1c_9b6e_6576_656e_7374;
pub const CONTROL: u128 = 0xe57d_0003_5e9a_4d1c_9b6e_6576_656e_7374;
pub const DATA: u128 = 0xe57d_0004_5e9a_4d1c_9b6e_6576_656e_7374;
pub const TIME: u128 = 0xe57d_0005_5e9a_4d1c_9b6e_6576_656e_7374;

/// The Bluetooth SIG's identifier for tests; a product on sale needs its own.
pub const COMPANY: u16 = 0xFFFF;
/// Before the pod id in the scan response.
pub const NAME_PREFIX: &str = "evenstride ";
