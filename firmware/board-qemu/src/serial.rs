//! CMSDK UART 0, polled: QEMU puts it on a TCP connection.

use core::convert::Infallible;

use embedded_io::ErrorType;
use embedded_io_async::{Read, Write};

const UART: *mut u32 = 0x4000_4000 as *mut u32;
const STATE: usize = 1;
const CONTROL: usize = 2;
const BAUD: usize = 4;
const TX_FULL: u32 = 1;
const RX_FULL: u32 = 2;

pub struct Receiver;
pub struct Sender;

fn state() -> u32 {
    // SAFETY: a register of the UART, read by this module only.
    unsafe { UART.add(STATE).read_volatile() }
}

/// Once, before anything is read or written.
pub fn start() {
    // SAFETY: registers of the UART, used by this module only.
    unsafe {
        UART.add(BAUD).write_volatile(16);
        UART.add(CONTROL).write_volatile(3);
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
        while state() & RX_FULL == 0 {
            embassy_futures::yield_now().await;
        }
        let mut n = 0;
        for byte in to {
            if state() & RX_FULL == 0 {
                break;
            }
            // SAFETY: the data register, and a byte waits in it.
            *byte = unsafe { UART.read_volatile() } as u8;
            n += 1;
        }
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
