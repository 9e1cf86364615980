//! System OFF, and why the processor came back from it or from anything else.

use core::mem::MaybeUninit;
use core::ptr::{addr_of, addr_of_mut};

use embassy_nrf::pac;
use embassy_nrf::pac::gpio::vals::{Input as Connect, Pull, Sense};
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

/// Why the processor started; to be asked once and before anything else. `button`: its pin on port 0.
pub fn reset_reason(button: u32) -> ResetReason {
    let register = pac::POWER.resetreas();
    let bits = register.read().0;
    register.write(|clear| clear.0 = bits);
    let latch = pac::P0.latch();
    let sensed = latch.read().0;
    latch.write(|clear| clear.0 = sensed);
    let brown_out = was_running();
    set_running(true);
    let because = |bit: u32| bits & 1 << bit != 0;
    match bits {
        0 if brown_out => ResetReason::BrownOut,
        0 => ResetReason::PowerOn,
        _ if because(1) => ResetReason::Watchdog,
        _ if because(3) => ResetReason::Lockup,
        _ if because(2) => ResetReason::Software,
        _ if because(16) && sensed & 1 << button != 0 => ResetReason::Button,
        _ if because(16) => ResetReason::Wake,
        _ if because(20) => ResetReason::PowerOn, // USB
        _ if because(0) => ResetReason::Button,
        _ => ResetReason::Unknown,
    }
}

/// What brings the processor back besides USB and the reset button.
pub enum Wake {
    /// Port 0's pins of the sensor's line (high) and of the button (low).
    Sensed {
        motion: u32,
        button: u32,
    },
    Nothing,
}

/// Off. Pins stay as they are; no RAM is kept; the watchdog stands still.
pub fn system_off(wake: Wake) -> ! {
    set_running(false);
    cortex_m::interrupt::disable();
    let port = pac::P0;
    port.latch().write(|clear| clear.0 = u32::MAX);
    if let Wake::Sensed { motion, button } = wake {
        // whole: the sensor's driver has given its pin back
        port.pin_cnf(motion as usize).write(|cnf| {
            cnf.set_input(Connect::Connect);
            cnf.set_sense(Sense::High);
        });
        port.pin_cnf(button as usize).write(|cnf| {
            cnf.set_input(Connect::Connect);
            cnf.set_pull(Pull::Pullup);
            cnf.set_sense(Sense::Low);
        });
    }
    embassy_nrf::power::set_system_off();
    cortex_m::asm::dsb();
    loop {
        cortex_m::asm::wfe();
    }
}
