//! The driver against a chip made of registers: what it writes, what it makes of the FIFO.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::pending;
use std::rc::Rc;
use std::task::Poll;

use embassy_futures::{block_on, poll_once};
use embedded_hal::digital::ErrorType as LineError;
use embedded_hal_async::digital::Wait;
use embedded_hal_async::i2c::{ErrorKind, ErrorType, I2c, Operation};
use evenstride_app::{Imu, Rest, MAX_BLOCK};
use evenstride_imu_lsm6ds3::{Fault, Lsm6ds3};

const PERIOD_Q16: u64 = 5_200_000; // 0.7 % slower than it says

#[derive(Default)]
struct Chip {
    written: HashMap<u8, u8>,
    identity: Cell<u8>,
    waiting: Cell<usize>,
    read: Cell<u32>,
    overrun: Cell<bool>,
    now_q16: Cell<u64>,
    event: Cell<bool>,
}

impl Chip {
    fn register(&self, register: u8) -> u8 {
        self.written.get(&register).copied().unwrap_or(0)
    }

    /// The chip is moved: the acceleration changes by so much from one sample to the next, along one axis.
    fn change(&self, milli_g: u32) {
        let full_scale_milli_g =
            [2000, 16_000, 4000, 8000][usize::from(self.register(0x10) >> 2 & 3)];
        let threshold = u32::from(self.register(0x5B) & 0x3F) * full_scale_milli_g / 64;
        let samples = self.register(0x10) >> 4 != 0;
        let slope = self.register(0x58) & 0x90 == 0x80;
        self.event
            .set(self.event.get() || samples && slope && milli_g > threshold);
    }

    /// INT1 as the events (not the FIFO) drive it; latched.
    fn line(&self) -> bool {
        self.event.get() && self.register(0x58) & 0x81 == 0x81 && self.register(0x5E) & 0x20 != 0
    }
}

#[derive(Clone)]
struct Bus(Rc<RefCell<Chip>>);

impl ErrorType for Bus {
    type Error = ErrorKind;
}

impl I2c for Bus {
    async fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), ErrorKind> {
        assert_eq!(address, 0x6A);
        let mut chip = self.0.borrow_mut();
        match operations {
            [Operation::Write(bytes)] => {
                chip.written.insert(bytes[0], bytes[1]);
            }
            [Operation::Write(register), Operation::Read(to)] => match register[0] {
                0x0F => to[0] = chip.identity.get(),
                0x1B => {
                    to[0] = u8::from(chip.event.replace(false)) << 3;
                }
                0x3A => {
                    let words = chip.waiting.get() * 6;
                    to.copy_from_slice(&(words as u16).to_le_bytes());
                    to[1] |= u8::from(chip.overrun.get()) << 6;
                }
                0x3E => {
                    for sample in to.chunks_exact_mut(12) {
                        let k = chip.read.replace(chip.read.get() + 1) as i16;
                        let values = [1000 + k, -2, -3, k, 5, 6]; // gyroscope first
                        for (pair, value) in sample.chunks_exact_mut(2).zip(values) {
                            pair.copy_from_slice(&value.to_le_bytes());
                        }
                    }
                    chip.waiting.set(chip.waiting.get() - to.len() / 12);
                }
                other => panic!("register {other:#x}"),
            },
            _ => panic!("unknown transaction"),
        }
        Ok(())
    }
}

/// The line goes high when 18 samples wait; time passes meanwhile.
struct Line(Rc<RefCell<Chip>>);

impl LineError for Line {
    type Error = Infallible;
}

impl Wait for Line {
    async fn wait_for_high(&mut self) -> Result<(), Infallible> {
        if self.0.borrow().register(0x0D) == 0 && !self.0.borrow().line() {
            return pending().await; // at rest
        }
        let chip = self.0.borrow();
        let missing = MAX_BLOCK.saturating_sub(chip.waiting.get());
        chip.waiting.set(chip.waiting.get() + missing);
        chip.now_q16
            .set(chip.now_q16.get() + missing as u64 * PERIOD_Q16);
        Ok(())
    }

    async fn wait_for_low(&mut self) -> Result<(), Infallible> {
        unreachable!("the driver waits for a high line only")
    }

    async fn wait_for_rising_edge(&mut self) -> Result<(), Infallible> {
        unreachable!("the driver waits for a high line only")
    }

    async fn wait_for_falling_edge(&mut self) -> Result<(), Infallible> {
        unreachable!("the driver waits for a high line only")
    }

    async fn wait_for_any_edge(&mut self) -> Result<(), Infallible> {
        unreachable!("the driver waits for a high line only")
    }
}

fn chip() -> Rc<RefCell<Chip>> {
    let chip = Chip::default();
    chip.identity.set(0x6A);
    chip.now_q16.set(1 << 40);
    Rc::new(RefCell::new(chip))
}

fn driver(chip: &Rc<RefCell<Chip>>) -> Lsm6ds3<Bus, Line, impl Fn() -> u64> {
    let clock = chip.clone();
    let tick_q16 = move || clock.borrow().now_q16.get();
    Lsm6ds3::new(Bus(chip.clone()), Line(chip.clone()), tick_q16)
}

#[test]
fn samples_in_our_order_with_the_tick_of_the_first() {
    let chip = chip();
    let mut imu = driver(&chip);
    block_on(imu.start(416_000)).unwrap();
    let written = &chip.borrow().written.clone();
    let want = [
        (0x10, 0x64),
        (0x11, 0x6C),
        (0x06, 108),
        (0x08, 0x09),
        (0x0A, 0x36),
        (0x0D, 0x08),
    ];
    for (register, value) in want {
        assert_eq!(written[&register], value, "register {register:#x}");
    }
    let settled = chip.borrow().read.get() as i16;
    let mut block = [[0; 6]; MAX_BLOCK];
    let stamp = block_on(imu.block(&mut block)).unwrap();
    assert_eq!(stamp.n, MAX_BLOCK);
    assert_eq!(block[0], [settled, 5, 6, 1000 + settled, -2, -3]);
    assert_eq!(block[17][0], settled + 17);
    let measured = i64::from(stamp.period_q16) - PERIOD_Q16 as i64;
    assert!(
        measured.unsigned_abs() < PERIOD_Q16 / 1000,
        "{}",
        stamp.period_q16
    );
    let first_q16 = chip.borrow().now_q16.get() - 17 * PERIOD_Q16;
    assert!(stamp.tick_q16.abs_diff(first_q16) < PERIOD_Q16 / 20);
}

#[test]
fn the_other_rate_other_chips_and_lost_samples() {
    let chip = chip();
    let mut imu = driver(&chip);
    block_on(imu.start(208_000)).unwrap();
    assert_eq!(chip.borrow().written[&0x10], 0x54);
    assert_eq!(block_on(imu.start(300_000)), Err(Fault::Rate(300_000)));
    chip.borrow().overrun.set(true);
    assert_eq!(
        block_on(imu.block(&mut [[0; 6]; MAX_BLOCK])),
        Err(Fault::Overrun)
    );
    chip.borrow().identity.set(0x69);
    assert_eq!(block_on(imu.start(416_000)), Err(Fault::Identity(0x69)));
}

#[test]
fn at_rest_it_watches_for_motion_with_the_accelerometer_alone() {
    let chip = chip();
    let mut imu = driver(&chip);
    block_on(imu.start(416_000)).unwrap();
    chip.borrow().event.set(true); // of settling
    block_on(imu.rest(Rest::Watch)).unwrap();
    let chip_now = chip.borrow();
    let low_power = (chip_now.register(0x10) >> 4, chip_now.register(0x15));
    assert_eq!(low_power, (1, 0x10)); // 12.5 Hz
    assert_eq!((chip_now.register(0x11), chip_now.register(0x0A)), (0, 0)); // no gyroscope, no FIFO
    assert_eq!(chip_now.register(0x0D), 0);
    assert!(!chip_now.line());
    chip_now.change(60);
    assert!(!chip_now.line());
    assert!(poll_once(imu.moved()).is_pending());
    chip_now.change(70);
    chip_now.change(0);
    assert!(chip_now.line()); // until somebody asks
    assert_eq!(poll_once(imu.moved()), Poll::Ready(Ok(())));
    drop(chip_now);
    block_on(imu.start(416_000)).unwrap();
    let chip_now = chip.borrow();
    assert!(!chip_now.line());
    assert_eq!(
        (chip_now.register(0x10), chip_now.register(0x15)),
        (0x64, 0)
    );
}

#[test]
fn off_means_that_nothing_wakes() {
    let chip = chip();
    let mut imu = driver(&chip);
    block_on(imu.start(416_000)).unwrap();
    block_on(imu.rest(Rest::Off)).unwrap();
    let chip_now = chip.borrow();
    chip_now.change(5000);
    assert!(!chip_now.line());
    assert_eq!((chip_now.register(0x10), chip_now.register(0x11)), (0, 0));
}
