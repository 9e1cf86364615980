//! The chip's identity, LED, button and watchdog.

use core::cell::{Cell, RefCell};

use embassy_nrf::gpio::{Input, Output};
use embassy_nrf::peripherals::WDT;
use embassy_nrf::wdt::{Config, Watchdog, WatchdogHandle};
use embassy_nrf::Peri;
use embassy_time::Instant;
use evenstride_app::{Board, Led, Supply};
use evenstride_protocol::TICK_HZ;

const WATCHDOG_TICKS: u32 = 8 * 32_768;
const _: () = assert!(embassy_time::TICK_HZ == TICK_HZ as u64);

/// FICR DEVICEID, in the order of its bytes.
pub fn pod_id() -> [u8; 8] {
    let ficr = embassy_nrf::pac::FICR;
    let [a, b, c, d] = ficr.deviceid(0).read().to_le_bytes();
    let [e, f, g, h] = ficr.deviceid(1).read().to_le_bytes();
    [a, b, c, d, e, f, g, h]
}

/// The chip's own static random address, little-endian.
pub fn address() -> [u8; 6] {
    let ficr = embassy_nrf::pac::FICR;
    let [a, b, c, d] = ficr.deviceaddr(0).read().to_le_bytes();
    let [e, f, ..] = ficr.deviceaddr(1).read().to_le_bytes();
    [a, b, c, d, e, f | 0xC0]
}

/// Running from here on; None when a bootloader has set it otherwise.
pub fn watchdog(wdt: Peri<'static, WDT>) -> Option<WatchdogHandle> {
    let mut config = Config::default();
    config.timeout_ticks = WATCHDOG_TICKS;
    let (_, [handle]) = Watchdog::try_new::<_, 1>(wdt, config).ok()?;
    Some(handle)
}

/// LED (each colour on when low), button (down when low), watchdog, and what the meter found last.
pub struct Xiao {
    colours: RefCell<[Output<'static>; 3]>,
    button: Input<'static>,
    supply: &'static Cell<Supply>,
    watchdog: RefCell<Option<WatchdogHandle>>,
}

impl Xiao {
    /// `colours`: red, green, blue.
    pub const fn new(
        colours: [Output<'static>; 3],
        button: Input<'static>,
        supply: &'static Cell<Supply>,
        watchdog: Option<WatchdogHandle>,
    ) -> Self {
        Self {
            colours: RefCell::new(colours),
            button,
            supply,
            watchdog: RefCell::new(watchdog),
        }
    }

    /// No light.
    pub fn dark(&self) {
        for pin in self.colours.borrow_mut().iter_mut() {
            pin.set_high();
        }
    }
}

impl Board for Xiao {
    fn tick(&self) -> u64 {
        Instant::now().as_ticks()
    }

    fn supply(&self) -> Supply {
        self.supply.get()
    }

    fn button(&self) -> bool {
        self.button.is_low()
    }

    fn alive(&self) {
        if let Some(watchdog) = &mut *self.watchdog.borrow_mut() {
            watchdog.pet();
        }
    }

    fn show(&self, led: Led) {
        let ticks = Instant::now().as_ticks();
        let phase = (ticks & u64::from(TICK_HZ - 1)) as u32;
        let brief = phase < TICK_HZ / 16; // once a second
        let fast = phase & (TICK_HZ / 8) != 0; // four times a second
        let on = match led {
            Led::Advertising => [false, false, brief],
            Led::Connected => [false, false, true],
            Led::Streaming => [false, brief, false],
            Led::Identify => [fast, fast, fast],
            Led::BatteryLow => [brief, false, false],
            Led::Fault => [true, false, false],
            Led::BondsCleared => [true, true, true],
        };
        for (pin, on) in self.colours.borrow_mut().iter_mut().zip(on) {
            pin.set_level((!on).into());
        }
    }
}
