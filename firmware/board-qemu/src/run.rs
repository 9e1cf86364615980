//! The executor, which sleeps by WFI: at the WFE of embassy's own QEMU goes round and round.

use core::sync::atomic::{AtomicBool, Ordering};

use embassy_executor::{raw, Spawner};
use static_cell::StaticCell;

static PENDING: AtomicBool = AtomicBool::new(false);

// SAFETY: the name that embassy's executor calls, with its signature.
#[unsafe(export_name = "__pender")]
fn pender(_context: *mut ()) {
    PENDING.store(true, Ordering::SeqCst);
}

pub fn for_ever(begin: impl FnOnce(Spawner)) -> ! {
    static EXECUTOR: StaticCell<raw::Executor> = StaticCell::new();
    let executor = EXECUTOR.init(raw::Executor::new(core::ptr::null_mut()));
    begin(executor.spawner());
    loop {
        // SAFETY: only here, and never from an interrupt.
        unsafe { executor.poll() };
        // an interrupt that comes now ends the sleep, and runs behind it
        cortex_m::interrupt::free(|_| {
            if !PENDING.swap(false, Ordering::SeqCst) {
                cortex_m::asm::wfi();
            }
        });
    }
}
