//! The cell's voltage, the charger, the chip's temperature: measured every two seconds.

use core::cell::Cell;

use embassy_nrf::gpio::{Input, Output};
use embassy_nrf::saadc::Saadc;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{with_timeout, Duration, Timer};
use evenstride_app::{behind_divider_mv, Supply};
use nrf_sdc::mpsl::MultiprotocolServiceLayer;

use crate::off::on_usb;

const EVERY: Duration = Duration::from_secs(2);
const FULL_SCALE_MV: u32 = 3600; // 0.6 V at a gain of 1/6
const STEPS: u32 = 4096;
const DIVIDER_KOHM: (u32, u32) = (1000, 510);
const READ_WITHIN: Duration = Duration::from_millis(100);
const QUARTER_DEGREE: i32 = 25; // in 0.01 °C

/// What measures, and what it found last.
pub struct Meter {
    adc: Saadc<'static, 1>,
    /// Low: the divider's lower end. Never anything else, or the tap follows the cell above what the chip stands.
    _divider: Output<'static>,
    /// Low while the charger charges.
    charging: Input<'static>,
    mpsl: &'static MultiprotocolServiceLayer<'static>,
}

impl Meter {
    pub const fn new(
        adc: Saadc<'static, 1>,
        divider: Output<'static>,
        charging: Input<'static>,
        mpsl: &'static MultiprotocolServiceLayer<'static>,
    ) -> Self {
        Self {
            adc,
            _divider: divider,
            charging,
            mpsl,
        }
    }

    /// Measure once.
    pub async fn read(&mut self) -> Supply {
        let mut counts = [0];
        self.adc.sample(&mut counts).await;
        let [counts] = counts;
        let tap_mv = u32::try_from(counts).unwrap_or(0) * FULL_SCALE_MV / STEPS;
        let (above, below) = DIVIDER_KOHM;
        let external = on_usb();
        let temperature = self.mpsl.get_temperature().raw() * QUARTER_DEGREE;
        Supply {
            battery_mv: behind_divider_mv(tap_mv, above, below),
            charging: external && self.charging.is_low(),
            external,
            temperature: i16::try_from(temperature).unwrap_or(i16::MAX),
        }
    }

    /// Measure for ever, but not asleep.
    pub async fn run(&mut self, to: &Readings) -> ! {
        self.adc.calibrate().await;
        loop {
            to.newest.set(self.read().await);
            to.come.signal(());
            Timer::after(EVERY).await;
            while to.resting.get() {
                to.wanted.wait().await;
            }
        }
    }
}

/// What the meter found last, and whether it measures.
pub struct Readings {
    newest: Cell<Supply>,
    resting: Cell<bool>,
    wanted: Signal<NoopRawMutex, ()>,
    come: Signal<NoopRawMutex, ()>,
}

impl Readings {
    pub const fn new(first: Supply) -> Self {
        Self {
            newest: Cell::new(first),
            resting: Cell::new(false),
            wanted: Signal::new(),
            come: Signal::new(),
        }
    }

    pub fn newest(&self) -> Supply {
        self.newest.get()
    }

    /// No more measurements.
    pub fn rest(&self) {
        self.resting.set(true);
    }

    /// Measurements again; a new one has come, or the meter does not answer.
    pub async fn resume(&self) {
        self.come.reset();
        self.resting.set(false);
        self.wanted.signal(());
        let _ = with_timeout(READ_WITHIN, self.come.wait()).await;
    }
}
