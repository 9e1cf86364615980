//! What the application asks of the rest of a board.

use core::future::Future;

use evenstride_protocol::ResetReason;

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
    Asleep,
}

/// Clock, battery, button, LED, watchdog.
pub trait Board {
    /// The pod counter: 32,768 Hz, 64 bits; only a reset of the processor stops it or sets it back.
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

    /// Draw as little as the counter allows until `moved` is ready, the button is pressed or something else than the cell
    /// feeds the board; why it woke. Radio, flash and LED are at rest; nobody else calls `alive` meanwhile.
    fn sleep(&self, moved: impl Future<Output = ()>) -> impl Future<Output = ResetReason>;
}

/// How a pod's life on the air ended: what the board has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The controller has failed, or the host's transport ended.
    Controller,
    /// Everything is in flash, the sensor is off: stay off until somebody charges the cell.
    Empty,
}
