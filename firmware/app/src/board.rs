//! What the application asks of the rest of a board.

use crate::plan::Vitals;

/// What the LED says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Led {
    Advertising,
    Connected,
    Streaming,
    Identify,
    BatteryLow,
    Fault,
}

/// Clock, battery, LED.
pub trait Board {
    /// The pod counter: 32,768 Hz, 64 bits, never back within a boot.
    fn tick(&self) -> u64;

    fn vitals(&self) -> Vitals;

    /// Called whenever what the LED should say may have changed.
    fn show(&self, led: Led);
}
