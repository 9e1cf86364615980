//! CMSDK UART 0, read by interrupt: QEMU puts it on a TCP connection.

use core::convert::Infallible;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::pipe::Pipe;
use embedded_io::ErrorType;
use embedded_io_async::{Read, Write};

const UART: *mut u32 = 0x4000_4000 as *mut u32;
const STATE: usize = 1;
const CONTROL: usize = 2;
const INTERRUPT: usize = 3;
const BAUD: usize = 4;
const TX_FULL: u32 = 1;
const RX_FULL: u32 = 2;
const ENABLE: u32 = 1 | 2 | 8; // both directions, and an interrupt for what comes
const RECEIVED: u32 = 2;

static COME: Pipe<CriticalSectionRawMutex, 1024> = Pipe::new();

#[derive(Clone, Copy)]
struct Line;

// SAFETY: receive interrupt of UART 0 on mps2 machines.
unsafe impl InterruptNumber for Line {
    fn number(self) -> u16 {
        0
    }
}

pub struct Receiver;
pub struct Sender;

fn state() -> u32 {
    // SAFETY: a register of the UART, read by this module only.
    unsafe { UART.add(STATE).read_volatile() }
}

fn listen() {
    // SAFETY: the handler below is there, and no critical section relies on the mask.
    unsafe { NVIC::unmask(Line) };
}

/// Once, before anything is read or written.
pub fn start() {
    // SAFETY: registers of the UART, used by this module only.
    unsafe {
        UART.add(BAUD).write_volatile(16);
        UART.add(CONTROL).write_volatile(ENABLE);
    }
    listen();
}

/// Only the UART's receive interrupt is ever unmasked. While the pipe is full QEMU waits with the next byte.
#[cortex_m_rt::exception]
unsafe fn DefaultHandler(_number: i16) {
    // SAFETY: registers of the UART; the data register is read only when a byte waits in it.
    unsafe {
        UART.add(INTERRUPT).write_volatile(RECEIVED);
        while state() & RX_FULL != 0 {
            if COME.is_full() {
                return NVIC::mask(Line);
            }
            let _ = COME.try_write(&[UART.read_volatile() as u8]);
        }
    }
}

impl ErrorType for Receiver {
    type Error = Infallible;
}

impl ErrorType for Sender {
    type Error = Infallible;
}

impl Read for Receiver {
    async fn read(&mut self, to: &mut [u8]) -> Result<usize, Infallible> {
        let n = COME.read(to).await;
        if state() & RX_FULL != 0 {
            NVIC::pend(Line); // what the handler had to leave
        }
        listen();
        Ok(n)
    }
}

impl Write for Sender {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        for byte in bytes {
            while state() & TX_FULL != 0 {
                embassy_futures::yield_now().await;
            }
            // SAFETY: the data register, and it is free.
            unsafe { UART.write_volatile(u32::from(*byte)) };
        }
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
