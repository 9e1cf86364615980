//! The chip's identity, LED, button and watchdog.

use core::cell::RefCell;
use core::future::Future;
use core::pin::pin;

use embassy_futures::select::{select3, Either3};
use embassy_nrf::gpio::{Input, Output};
use embassy_nrf::peripherals::WDT;
use embassy_nrf::wdt::{Config, Watchdog, WatchdogHandle};
use embassy_nrf::Peri;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embassy_time::{Duration, Instant, Timer};
use evenstride_app::{is_empty_mv, Board, Led, Supply};
use evenstride_protocol::{ResetReason, TICK_HZ};

use crate::flash;
use crate::off::{forget_float_exceptions, on_usb};
use crate::supply::Readings;

const WATCHDOG_TICKS: u32 = 8 * 32_768;
/// Asleep the watchdog counts on, and is fed so often; USB is looked for at the same time.
const ASLEEP_LOOK: Duration = Duration::from_secs(4);
/// The cell is looked at so often, by looks: when it is empty the pod wakes, says so, and saves itself.
const CELL_EVERY: u32 = 900;
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
    button: Mutex<NoopRawMutex, Input<'static>>,
    supply: &'static Readings,
    flash: &'static flash::Unit,
    watchdog: RefCell<Option<WatchdogHandle>>,
}

impl Xiao {
    /// `colours`: red, green, blue.
    pub const fn new(
        colours: [Output<'static>; 3],
        button: Input<'static>,
        supply: &'static Readings,
        flash: &'static flash::Unit,
        watchdog: Option<WatchdogHandle>,
    ) -> Self {
        Self {
            colours: RefCell::new(colours),
            button: Mutex::new(button),
            supply,
            flash,
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
        self.supply.newest()
    }

    fn button(&self) -> bool {
        self.button.try_lock().is_ok_and(|pin| pin.is_low())
    }

    fn alive(&self) {
        if let Some(watchdog) = &mut *self.watchdog.borrow_mut() {
            watchdog.pet();
        }
    }

    /// System ON: RTC1 counts on from the crystal, all RAM is kept, the processor waits for an interrupt. Its sources are
    /// the lines of sensor and button (PORT event), RTC0 and RTC1.
    async fn sleep(&self, moved: impl Future<Output = ()>) -> ResetReason {
        self.supply.rest();
        self.flash.close().await;
        let mut moved = pin!(moved);
        let mut button = self.button.lock().await;
        let mut looks = 0;
        let reason = loop {
            self.alive();
            forget_float_exceptions();
            let look = Timer::after(ASLEEP_LOOK);
            match select3(moved.as_mut(), button.wait_for_low(), look).await {
                Either3::First(()) => break ResetReason::Wake,
                Either3::Second(()) => break ResetReason::Button,
                Either3::Third(()) if on_usb() => break ResetReason::Wake,
                Either3::Third(()) => looks += 1,
            }
            if looks == CELL_EVERY {
                looks = 0;
                self.supply.resume().await;
                if is_empty_mv(self.supply.newest().battery_mv) {
                    break ResetReason::Wake;
                }
                self.supply.rest();
            }
        };
        drop(button);
        self.alive();
        self.supply.resume().await;
        reason
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
            Led::Asleep => [false, false, false],
        };
        for (pin, on) in self.colours.borrow_mut().iter_mut().zip(on) {
            pin.set_level((!on).into());
        }
    }
}
