//! What the application asks of the rest of a board.

use crate::gauge::Supply;

/// What the LED says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Led {
    Advertising,
    Connected,
    Streaming,
    Identify,
    BatteryLow,
    Fault,
    BondsCleared,
}

/// Clock, battery, button, LED, watchdog.
pub trait Board {
    /// The pod counter: 32,768 Hz, 64 bits, never back within a boot.
    fn tick(&self) -> u64;

    /// The newest measurement; asked many times a second, so nothing is measured for it.
    fn supply(&self) -> Supply;

    /// Whether the button is down; false on a board without one.
    fn button(&self) -> bool {
        false
    }

    /// Called whenever what the LED should say may have changed.
    fn show(&self, led: Led);

    /// Sensor, flash, radio and application are at work: called several times a second while that is so. The board's
    /// watchdog starts the pod anew when it is not.
    fn alive(&self) {}
}

/// How a pod's life on the air ended: what the board has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The controller has failed, or the host's transport ended.
    Controller,
    /// Everything is in flash, the sensor watches for motion: sleep until it moves; that is a new boot.
    Asleep,
    /// Everything is in flash, the sensor is off: stay off until somebody charges the cell.
    Empty,
}
