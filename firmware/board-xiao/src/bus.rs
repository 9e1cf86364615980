//! The sensor's I2C bus, on which a transfer may be given up.
//!
//! embassy's driver leaves the DMA running when its future is dropped, into a buffer that is somebody else's by then. The
//! application drops one whenever a boot begins anew (another rate, a silent sensor), and reading a block takes 5 ms.

use embassy_nrf::pac;
use embassy_nrf::pac::twim::vals::Enable;
use embassy_nrf::twim::{Error, Twim};
use embedded_hal_async::i2c::{ErrorType, I2c, Operation};

/// Looks at a register, more than 0.1 ms together: the byte on the wires takes 23 us, unless the sensor holds the clock.
const STOP_TRIES: u32 = 1_000;

/// TWISPI0.
pub struct Bus(pub Twim<'static>);

impl ErrorType for Bus {
    type Error = Error;
}

impl I2c for Bus {
    async fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), Error> {
        let given_up = GivenUp;
        let done = self.0.transaction(address, operations).await;
        core::mem::forget(given_up);
        done
    }
}

/// Dropped with the transfer: no byte moves after that.
struct GivenUp;

impl Drop for GivenUp {
    fn drop(&mut self) {
        let unit = pac::TWIM0;
        unit.tasks_resume().write_value(1); // one that is suspended does not stop
        unit.tasks_stop().write_value(1);
        let stopped = (0..STOP_TRIES).any(|_| unit.events_stopped().read() != 0);
        if !stopped {
            unit.enable().write(|w| w.set_enable(Enable::Disabled));
            unit.enable().write(|w| w.set_enable(Enable::Enabled));
        }
    }
}
