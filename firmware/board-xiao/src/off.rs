//! System OFF, why the processor came back from it or from anything else, and idle without a needless wake.

use core::mem::MaybeUninit;
use core::ptr::{addr_of, addr_of_mut};

use embassy_nrf::interrupt::{Interrupt, InterruptExt};
use embassy_nrf::pac;
use evenstride_protocol::ResetReason;

/// In RAM that nobody clears at the start. Still there when a reset that has no reason comes: the supply was away for a
/// moment only.
#[link_section = ".uninit.evenstride"]
static mut RUNNING: MaybeUninit<u32> = MaybeUninit::uninit();
const MARK: u32 = 0x4576_5374;

fn was_running() -> bool {
    // SAFETY: one word, read before anything else runs; any value is a valid u32
    unsafe { addr_of!(RUNNING).cast::<u32>().read_volatile() == MARK }
}

fn set_running(running: bool) {
    let mark = if running { MARK } else { 0 };
    // SAFETY: one word, written by the only thread; never read by a reference
    unsafe { addr_of_mut!(RUNNING).cast::<u32>().write_volatile(mark) }
}

/// Why the processor started; to be asked once and before anything else.
pub fn reset_reason() -> ResetReason {
    let register = pac::POWER.resetreas();
    let bits = register.read().0;
    register.write(|clear| clear.0 = bits);
    let brown_out = was_running();
    set_running(true);
    let because = |bit: u32| bits & 1 << bit != 0;
    match bits {
        0 if brown_out => ResetReason::BrownOut,
        0 => ResetReason::PowerOn,
        _ if because(1) => ResetReason::Watchdog,
        _ if because(3) => ResetReason::Lockup,
        _ if because(2) => ResetReason::Software,
        _ if because(20) => ResetReason::PowerOn, // USB
        _ if because(0) => ResetReason::Button,
        _ => ResetReason::Unknown,
    }
}

/// Whether USB feeds the board.
pub fn on_usb() -> bool {
    pac::POWER.usbregstatus().read().vbusdetect()
}

/// Before a long idle: an exception of the floating point unit that nobody has asked about keeps the processor from
/// sleeping (nRF52840, erratum 87).
pub fn forget_float_exceptions() {
    const EXCEPTIONS: u32 = 0x9F;
    // SAFETY: reads and writes one status register; what it loses are the exceptions' marks
    unsafe {
        core::arch::asm!(
            "vmrs {status}, fpscr",
            "bic {status}, {status}, {exceptions}",
            "vmsr fpscr, {status}",
            status = out(reg) _,
            exceptions = const EXCEPTIONS,
            options(nomem, nostack),
        );
    }
    Interrupt::FPU.unpend();
}

/// Off until USB is plugged in. Pins stay as they are; no RAM is kept; the watchdog and the counter stand still.
pub fn system_off() -> ! {
    set_running(false);
    cortex_m::interrupt::disable();
    embassy_nrf::power::set_system_off();
    cortex_m::asm::dsb();
    loop {
        cortex_m::asm::wfe();
    }
}
