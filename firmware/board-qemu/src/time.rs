//! Time for embassy: SysTick at 1 kHz, microseconds from its counter.

use core::cell::RefCell;
use core::sync::atomic::{AtomicU32, Ordering};
use core::task::Waker;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::SYST;
use critical_section::Mutex;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

const CLOCK_HZ: u32 = 25_000_000;
const PER_MS: u32 = CLOCK_HZ / 1000;

struct SysTime {
    ms: AtomicU32,
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static TIME: SysTime = SysTime {
    ms: AtomicU32::new(0),
    queue: Mutex::new(RefCell::new(Queue::new())),
});

impl Driver for SysTime {
    fn now(&self) -> u64 {
        loop {
            let ms = self.ms.load(Ordering::SeqCst);
            let counter = SYST::get_current();
            if ms == self.ms.load(Ordering::SeqCst) {
                let us = (PER_MS - 1 - counter) / (CLOCK_HZ / 1_000_000);
                return u64::from(ms) * 1000 + u64::from(us);
            }
        }
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            self.queue.borrow_ref_mut(cs).schedule_wake(at, waker);
        });
    }
}

#[cortex_m_rt::exception]
fn SysTick() {
    TIME.ms.fetch_add(1, Ordering::SeqCst);
    let now = TIME.now();
    critical_section::with(|cs| {
        TIME.queue.borrow_ref_mut(cs).next_expiration(now);
    });
}

/// Once, before anything waits.
pub fn start() {
    // SAFETY: nobody else has taken the peripherals, and only SysTick is used.
    let mut systick = unsafe { cortex_m::Peripherals::steal() }.SYST;
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(PER_MS - 1);
    systick.clear_current();
    systick.enable_counter();
    systick.enable_interrupt();
}
