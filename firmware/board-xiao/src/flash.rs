//! The 2 MB flash, behind a QSPI unit that is on only while it is used.
//!
//! nRF52840's errata: 122, the unit draws 0.6 mA as long as it is on; so it is switched off, and the flash sent to deep
//! power-down, a moment after its last use. 244, transfers can be corrupted while the clock changes between crystal and
//! internal oscillator, which the radio makes it do; so the crystal is held as long as the unit is on.
//!
//! The unit says ready when it has handed a write or an erasure over, not when the flash has done it; a flash that is still
//! busy hears no command to sleep, and what a unit that was off meanwhile reads from it is nothing. So it is asked first.

use embassy_futures::select::{select, Either};
use embassy_nrf::{peripherals, qspi, Peri};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Timer};
use embedded_storage_async::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use evenstride_app::{Layout, PAGE};
use nrf_sdc::mpsl::{Hfclk, MultiprotocolServiceLayer};

use crate::Irqs;

/// After the last use. A chunk is several writes and reads within a millisecond or two of each other.
const IDLE: Duration = Duration::from_millis(4);
/// A crystal that does not start by then (it takes 0.4 ms) is not waited for: a chunk may be lost, its CRC says so.
const CRYSTAL_WITHIN: Duration = Duration::from_millis(5);
const POWER_DOWN_UNITS: u16 = 3; // of 16 us; the flash's data sheet wants 3 and 8 us
const BOUNCE: usize = 256;
const READ_STATUS: [u8; 2] = [0x05, 0x35];
const WRITE_STATUS: u8 = 0x01;
const PROTECTED: u8 = 0x7C; // of the first status register
const QUAD: u8 = 0x02; // of the second

/// Pins and peripherals, kept so that nobody else has them.
pub struct Pins {
    pub unit: Peri<'static, peripherals::QSPI>,
    pub clock: Peri<'static, peripherals::P0_21>,
    pub select: Peri<'static, peripherals::P0_25>,
    pub io: (
        Peri<'static, peripherals::P0_20>,
        Peri<'static, peripherals::P0_24>,
        Peri<'static, peripherals::P0_22>,
        Peri<'static, peripherals::P0_23>,
    ),
}

impl Pins {
    fn open(&mut self) -> qspi::Qspi<'static> {
        let mut quad = qspi::Config::default();
        quad.capacity = Layout::BYTES;
        quad.frequency = qspi::Frequency::M16;
        quad.read_opcode = qspi::ReadOpcode::Read4io;
        quad.write_opcode = qspi::WriteOpcode::Pp4o;
        quad.deep_power_down = Some(qspi::DeepPowerDownConfig {
            enter_time: POWER_DOWN_UNITS,
            exit_time: POWER_DOWN_UNITS,
        });
        let (io0, io1, io2, io3) = &self.io;
        // SAFETY: `self` owns all of them, and `Unit` has at most one driver at a time
        unsafe {
            qspi::Qspi::new(
                self.unit.clone_unchecked(),
                Irqs,
                self.clock.clone_unchecked(),
                self.select.clone_unchecked(),
                io0.clone_unchecked(),
                io1.clone_unchecked(),
                io2.clone_unchecked(),
                io3.clone_unchecked(),
                quad,
            )
        }
    }
}

/// The unit at work; dropped in this order: the crystal is held until the driver is gone.
struct On {
    driver: qspi::Qspi<'static>,
    _crystal: Option<Hfclk>,
}

/// What the unit transfers from and to: its DMA needs words in RAM, and the application's buffers are bytes.
#[repr(align(4))]
struct Bounce([u8; BOUNCE]);

struct State {
    pins: Pins,
    mpsl: &'static MultiprotocolServiceLayer<'static>,
    on: Option<On>,
    bounce: Bounce,
}

impl State {
    async fn open(&mut self) -> (&mut qspi::Qspi<'static>, &mut [u8; BOUNCE]) {
        let Self {
            pins,
            mpsl,
            on,
            bounce,
        } = self;
        let on = match on {
            Some(on) => on,
            off => {
                let crystal = mpsl.request_hfclk().await.ok();
                if crystal.is_some() {
                    let _ = select(Hfclk::wait(), Timer::after(CRYSTAL_WITHIN)).await;
                }
                off.insert(On {
                    driver: pins.open(),
                    _crystal: crystal,
                })
            }
        };
        (&mut on.driver, &mut bounce.0)
    }
}

/// The flash has done what it was asked. HAL: the unit holds a custom instruction back until it has.
async fn idle(driver: &mut qspi::Qspi<'static>) -> Result<(), qspi::Error> {
    let [opcode, _] = READ_STATUS;
    driver.custom_instruction(opcode, &[], &mut [0]).await
}

/// The unit, its clock and its pause.
pub struct Unit {
    state: Mutex<NoopRawMutex, State>,
    used: Signal<NoopRawMutex, ()>,
}

impl Unit {
    pub const fn new(pins: Pins, mpsl: &'static MultiprotocolServiceLayer<'static>) -> Self {
        Self {
            state: Mutex::new(State {
                pins,
                mpsl,
                on: None,
                bounce: Bounce([0; BOUNCE]),
            }),
            used: Signal::new(),
        }
    }

    /// Nothing protected, quad transfers allowed. Both stay in the flash, so they are written once in its life.
    pub async fn prepare(&self) -> Result<(), qspi::Error> {
        let mut state = self.state.lock().await;
        let (driver, _) = state.open().await;
        let mut status = [[0; 1]; 2];
        for (opcode, to) in READ_STATUS.iter().zip(&mut status) {
            driver.custom_instruction(*opcode, &[], to).await?;
        }
        let [[first], [second]] = status;
        if first & PROTECTED != 0 || second & QUAD == 0 {
            let wanted = [0, second | QUAD];
            driver
                .custom_instruction(WRITE_STATUS, &wanted, &mut [])
                .await?;
            idle(driver).await?;
        }
        self.used.signal(());
        Ok(())
    }

    /// Off until the next use.
    pub async fn close(&self) {
        let mut state = self.state.lock().await;
        if let Some(on) = &mut state.on {
            let _ = idle(&mut on.driver).await; // asking for a byte cannot fail
        }
        state.on = None;
    }

    /// Switch the unit off whenever it has not been used for a moment.
    pub async fn rest(&self) -> ! {
        loop {
            self.used.wait().await;
            while let Either::First(()) = select(self.used.wait(), Timer::after(IDLE)).await {}
            self.close().await;
        }
    }
}

/// The application's flash.
pub struct Flash(pub &'static Unit);

impl ErrorType for Flash {
    type Error = qspi::Error;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 4;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), qspi::Error> {
        let mut state = self.0.state.lock().await;
        let (driver, bounce) = state.open().await;
        let mut at = offset;
        for part in bytes.chunks_mut(BOUNCE) {
            let (room, _) = bounce.split_at_mut(part.len());
            driver.read(at, room).await?;
            part.copy_from_slice(room);
            at += part.len() as u32;
        }
        self.0.used.signal(());
        Ok(())
    }

    fn capacity(&self) -> usize {
        Layout::BYTES as usize
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), qspi::Error> {
        let mut state = self.0.state.lock().await;
        let (driver, _) = state.open().await;
        for page in (from..to).step_by(Self::ERASE_SIZE) {
            driver.erase(page).await?;
        }
        self.0.used.signal(());
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), qspi::Error> {
        let mut state = self.0.state.lock().await;
        let (driver, bounce) = state.open().await;
        let mut at = offset;
        for part in bytes.chunks(BOUNCE) {
            let (room, _) = bounce.split_at_mut(part.len());
            room.copy_from_slice(part);
            driver.write(at, room).await?;
            at += part.len() as u32;
        }
        self.0.used.signal(());
        Ok(())
    }
}
