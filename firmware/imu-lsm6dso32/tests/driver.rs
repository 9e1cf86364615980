//! The driver against a chip made of registers with a tagged FIFO: what it writes, what it makes of the words.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::future::pending;
use std::rc::Rc;
use std::task::Poll;

use embassy_futures::{block_on, poll_once};
use embedded_hal::digital::ErrorType as LineError;
use embedded_hal_async::digital::Wait;
use embedded_hal_async::i2c::{ErrorKind, ErrorType, I2c, Operation};
use evenstride_app::{Imu, Rest, MAX_BLOCK};
use evenstride_imu_lsm6ds3::Fault;
use evenstride_imu_lsm6dso32::Lsm6dso32;

const PERIOD_Q16: u64 = 5_120_000; // 0.8 % faster than it says
const WORD: usize = 7;

/// Sample k has k in its first values. A slot's two words come in either order, as the chip pleases.
#[derive(Default)]
struct Chip {
    written: HashMap<u8, u8>,
    fifo: VecDeque<[u8; WORD]>,
    taken: u64,
    now_q16: Cell<u64>,
    identity: u8,
    overrun: bool,
    event: bool,
}

fn word(whose: u8, slot: u64, values: [i16; 3]) -> [u8; WORD] {
    let [[a, b], [c, d], [e, f]] = values.map(i16::to_le_bytes);
    [(whose << 3) | ((slot % 4) as u8 * 2), a, b, c, d, e, f]
}

impl Chip {
    fn register(&self, register: u8) -> u8 {
        self.written.get(&register).copied().unwrap_or(0)
    }

    fn take_sample(&mut self) {
        let k = self.taken as i16;
        let gyro = word(1, self.taken, [1000 + k, -2, -3]);
        let accel = word(2, self.taken, [k, 5, 6]);
        let both = if self.taken % 3 == 0 {
            [accel, gyro]
        } else {
            [gyro, accel]
        };
        self.fifo.extend(both);
        self.taken += 1;
        self.now_q16.set(self.now_q16.get() + PERIOD_Q16);
    }

    /// The acceleration changes by so much from one sample to the next.
    fn change(&mut self, milli_g: u32) {
        let full_scale_milli_g =
            [4000, 32_000, 8000, 16_000][usize::from(self.register(0x10) >> 2 & 3)];
        let steps = if self.register(0x5C) & 0x10 == 0 {
            64
        } else {
            256
        };
        let threshold = u32::from(self.register(0x5B) & 0x3F) * full_scale_milli_g / steps;
        let samples = self.register(0x10) >> 4 != 0;
        let slope = self.register(0x58) & 0x80 != 0 && self.register(0x56) & 0x10 == 0;
        self.event |= samples && slope && milli_g > threshold;
    }

    /// INT1 as the events (not the FIFO) drive it.
    fn line(&self) -> bool {
        self.event
            && self.register(0x58) & 0x80 != 0
            && self.register(0x56) & 1 != 0
            && self.register(0x5E) & 0x20 != 0
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
                if bytes == &[0x0A, 0] {
                    chip.fifo.clear();
                }
                chip.written.insert(bytes[0], bytes[1]);
            }
            [Operation::Write(register), Operation::Read(to)] => match register[0] {
                0x0F => to[0] = chip.identity,
                0x1B => to[0] = u8::from(std::mem::take(&mut chip.event)) << 3,
                0x3A => {
                    to.copy_from_slice(&(chip.fifo.len() as u16).to_le_bytes());
                    to[1] |= u8::from(chip.overrun) << 6;
                }
                0x78 => {
                    for room in to.chunks_exact_mut(WORD) {
                        room.copy_from_slice(&chip.fifo.pop_front().expect("more than waits"));
                    }
                }
                other => panic!("register {other:#x}"),
            },
            _ => panic!("unknown transaction"),
        }
        Ok(())
    }
}

/// The line goes high when the watermark is reached; time passes meanwhile.
struct Line(Rc<RefCell<Chip>>);

impl LineError for Line {
    type Error = Infallible;
}

impl Wait for Line {
    async fn wait_for_high(&mut self) -> Result<(), Infallible> {
        if self.0.borrow().register(0x0D) == 0 {
            let raised = self.0.borrow().line();
            return if raised { Ok(()) } else { pending().await }; // at rest
        }
        let mut chip = self.0.borrow_mut();
        assert_eq!(chip.register(0x0A), 0x06, "the FIFO is not open");
        assert_eq!(chip.register(0x0D), 0x08, "its watermark is not on INT1");
        while chip.fifo.len() < usize::from(chip.register(0x07)) {
            chip.take_sample();
        }
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
    let chip = Chip {
        identity: 0x6C,
        now_q16: Cell::new(1 << 40),
        ..Chip::default()
    };
    Rc::new(RefCell::new(chip))
}

fn driver(chip: &Rc<RefCell<Chip>>) -> Lsm6dso32<Bus, Line, impl Fn() -> u64> {
    let clock = chip.clone();
    let tick_q16 = move || clock.borrow().now_q16.get();
    Lsm6dso32::new(Bus(chip.clone()), Line(chip.clone()), tick_q16)
}

#[test]
fn samples_in_our_order_without_holes_and_with_the_tick_of_the_first() {
    let chip = chip();
    let mut imu = driver(&chip);
    block_on(imu.start(416_000)).unwrap();
    for (register, value) in [
        (0x10, 0x64),
        (0x11, 0x6C),
        (0x09, 0x66),
        (0x07, 36),
        (0x18, 0xE2),
    ] {
        assert_eq!(chip.borrow().register(register), value, "{register:#x}");
    }
    let mut next = chip.borrow().taken as i16;
    for _ in 0..50 {
        let mut block = [[0; 6]; MAX_BLOCK];
        let stamp = block_on(imu.block(&mut block)).unwrap();
        assert_eq!(stamp.n, MAX_BLOCK);
        let first_q16 = chip.borrow().now_q16.get() - 17 * PERIOD_Q16;
        assert!(stamp.tick_q16.abs_diff(first_q16) < PERIOD_Q16 / 20);
        let off = u64::from(stamp.period_q16).abs_diff(PERIOD_Q16);
        assert!(off < PERIOD_Q16 / 500, "{}", stamp.period_q16);
        for sample in block {
            assert_eq!(sample, [next, 5, 6, 1000 + next, -2, -3]);
            next += 1;
        }
    }
}

#[test]
fn a_fifo_that_begins_or_ends_in_the_middle_of_a_slot_loses_nothing() {
    let chip = chip();
    let mut imu = driver(&chip);
    block_on(imu.start(208_000)).unwrap();
    let mut next = chip.borrow().taken as i16;
    let early = word(2, chip.borrow().taken, [next, 5, 6]); // its other half comes later
    let late = word(1, chip.borrow().taken, [1000 + next, -2, -3]);
    let mut block = [[0; 6]; MAX_BLOCK];
    {
        let mut chip = chip.borrow_mut();
        chip.fifo.push_back(early);
        chip.written.insert(0x07, 1); // the line is high with one word
    }
    assert_eq!(block_on(imu.block(&mut block)).unwrap().n, 0);
    {
        let mut chip = chip.borrow_mut();
        chip.fifo.push_back(late);
        chip.taken += 1;
        chip.written.insert(0x07, 36);
    }
    for _ in 0..3 {
        let stamp = block_on(imu.block(&mut block)).unwrap();
        assert!(stamp.n >= MAX_BLOCK - 1);
        for sample in &block[..stamp.n] {
            assert_eq!(sample[..1], [next]);
            assert_eq!(sample[3], 1000 + next);
            next += 1;
        }
    }
}

#[test]
fn what_is_lost_is_said() {
    let chip = chip();
    let mut imu = driver(&chip);
    block_on(imu.start(416_000)).unwrap();
    assert_eq!(block_on(imu.start(300_000)), Err(Fault::Rate(300_000)));
    let mut block = [[0; 6]; MAX_BLOCK];
    let alone = word(1, chip.borrow().taken + 2, [0; 3]); // of a slot whose other word never comes
    chip.borrow_mut().fifo.push_back(alone);
    assert_eq!(block_on(imu.block(&mut block)), Err(Fault::Overrun));
    block_on(imu.start(416_000)).unwrap();
    assert_eq!(block_on(imu.block(&mut block)).unwrap().n, MAX_BLOCK);
    chip.borrow_mut().overrun = true;
    assert_eq!(block_on(imu.block(&mut block)), Err(Fault::Overrun));
    chip.borrow_mut().identity = 0x6A;
    assert_eq!(block_on(imu.start(416_000)), Err(Fault::Identity(0x6A)));
}

#[test]
fn a_start_throws_away_what_the_gyroscope_has_no_half_of() {
    let chip = chip();
    let mut imu = driver(&chip);
    chip.borrow_mut().written.insert(0x07, 36);
    block_on(async {
        let starting = imu.start(416_000);
        let spoil = async {
            for slot in 0..5 {
                let alone = word(2, slot, [0; 3]);
                chip.borrow_mut().fifo.push_back(alone);
            }
        };
        let (started, ()) = embassy_futures::join::join(starting, spoil).await;
        started.unwrap();
    });
    let mut block = [[0; 6]; MAX_BLOCK];
    assert_eq!(block_on(imu.block(&mut block)).unwrap().n, MAX_BLOCK);
    assert_eq!(block[0][0] + 1000, block[0][3]);
}

#[test]
fn at_rest_it_watches_for_motion_with_the_accelerometer_alone() {
    let chip = chip();
    let mut imu = driver(&chip);
    block_on(imu.start(416_000)).unwrap();
    chip.borrow_mut().event = true; // of settling
    block_on(imu.rest(Rest::Watch)).unwrap();
    assert!(poll_once(imu.moved()).is_pending());
    {
        let mut chip = chip.borrow_mut();
        assert_eq!((chip.register(0x10) >> 4, chip.register(0x15)), (1, 0x10)); // 12.5 Hz, low power
        assert_eq!([0x11, 0x0A, 0x0D].map(|k| chip.register(k)), [0; 3]);
        assert!(!chip.line());
        chip.change(60);
        assert!(!chip.line());
        chip.change(70);
        chip.change(0);
        assert!(chip.line()); // until somebody asks
    }
    assert_eq!(poll_once(imu.moved()), Poll::Ready(Ok(())));
    block_on(imu.start(416_000)).unwrap();
    assert!(!chip.borrow().line());
    block_on(imu.rest(Rest::Off)).unwrap();
    chip.borrow_mut().change(5000);
    assert!(!chip.borrow().line());
}
