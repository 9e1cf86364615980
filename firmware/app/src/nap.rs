//! Sleep: radio silent, sensor on watch, the processor idle, and the counter goes on (docs/decisions/0024-power.md).

use core::cell::Cell;

use embassy_futures::select::{select, Either};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Timer};
use embedded_storage_async::nor_flash::NorFlash;

use crate::board::{Board, Led};
use crate::imu::{Imu, Rest};
use crate::power::Power;
use crate::shell::Shared;
use crate::strides::Strides;

/// The time that advertising and the sensor have to end what they do.
const SILENT_WITHIN: Duration = Duration::from_secs(3);

type Call = Signal<NoopRawMutex, ()>;

/// Between who decides to sleep and the loops that must be silent then.
#[derive(Default)]
pub(crate) struct Nap {
    wanted: Cell<bool>,
    begins: Call,
    silent: Call,
    air: Call,
    pulse: Call,
}

impl Nap {
    /// The radio is asked to be silent; whether it is.
    async fn begin(&self) -> bool {
        self.silent.reset();
        self.wanted.set(true);
        self.begins.signal(());
        let silent = select(self.silent.wait(), Timer::after(SILENT_WITHIN));
        matches!(silent.await, Either::First(()))
    }

    fn end(&self) {
        self.begins.reset();
        self.wanted.set(false);
        self.air.signal(());
        self.pulse.signal(());
    }

    pub fn is_wanted(&self) -> bool {
        self.wanted.get()
    }

    /// Until advertising has to end.
    pub async fn begun(&self) {
        self.begins.wait().await;
    }

    /// Nothing is on the air: return when something may be.
    pub async fn hold_air(&self) {
        while self.wanted.get() {
            self.silent.signal(());
            self.air.wait().await;
        }
    }

    /// Return when the controller may be asked whether it lives.
    pub async fn hold_pulse(&self) {
        while self.wanted.get() {
            self.pulse.wait().await;
        }
    }
}

/// Sleep, and wake as another boot; without a sensor that watches, or when somebody connects meanwhile, stay awake.
pub(crate) async fn sleep<I: Imu, F: NorFlash, D: Strides, B: Board>(
    imu: &mut I,
    shared: &Shared<'_, F, D, B>,
) {
    shared.pod.lock().await.write_staged().await;
    if !shared.nap.begin().await {
        return shared.nap.end();
    }
    let resting = select(imu.rest(Rest::Watch), Timer::after(SILENT_WITHIN));
    let watches = matches!(resting.await, Either::First(Ok(())));
    let mut pod = if watches {
        shared.board.show(Led::Asleep);
        let moved = async {
            let _ = imu.moved().await; // a sensor that fails wakes the pod too
        };
        let reason = shared.board.sleep(moved).await;
        let mut pod = shared.pod.lock().await;
        pod.wake(reason).await;
        *shared.power.borrow_mut() = Power::default();
        pod
    } else {
        let mut pod = shared.pod.lock().await;
        pod.sensor_failed().await;
        pod
    };
    shared.life.begin_again();
    shared.refresh(&mut pod);
    shared.nap.end();
}
