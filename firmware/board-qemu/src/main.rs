//! The pod as ARM code in QEMU (mps2-an386, Cortex-M4F): the image whose behaviour the tests look at.
//!
//! HCI in H4 framing over the first serial line; flash is `flash.bin` in QEMU's working directory, written through by
//! semihosting; samples are those of `recording.bin` there (six counts of 16 bits each), and when it ends those of a leg
//! that stands still.
#![no_std]
#![no_main]

mod flash;
mod run;
mod serial;
mod time;

use core::future::Future;

use bt_hci::controller::ExternalController;
use bt_hci_serial::SerialTransport;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_time::{Duration, Instant, Timer};
use evenstride_app::{
    nominal_period_q16, run, Board, Counts, Imu, Layout, Led, OnPod, Plan, Pod, Rest, Stamp,
    Supply, MAX_BLOCK,
};
use evenstride_protocol::{ResetReason, TICK_HZ};
use static_cell::{ConstStaticCell, StaticCell};

const POD_ID: [u8; 8] = [0xE5, 0xE5, 0, 0, 0, 0, 0, 0xC3];
const ADDRESS: [u8; 6] = [0xC3, 0, 0, 0, 0xDE, 0xC0];
const BLOCK: u32 = 9;
const SAMPLE: usize = 12;
const STILL: Counts = [0, 2048, 0, 0, 0, 0];
const COMMAND_SLOTS: usize = 10;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    cortex_m::asm::udf()
}

fn tick_q16() -> u64 {
    Instant::now().as_micros() * u64::from(TICK_HZ) / 15_625 * 1024 // 65,536 / 1,000,000
}

struct Qemu;

impl Board for Qemu {
    fn tick(&self) -> u64 {
        tick_q16() >> 16
    }

    fn supply(&self) -> Supply {
        Supply::default()
    }

    fn show(&self, _led: Led) {}

    async fn sleep(&self, moved: impl Future<Output = ()>) -> ResetReason {
        moved.await;
        ResetReason::Wake
    }
}

/// A sensor that feels what a file says.
struct Recorded {
    file: Option<flash::File>,
    began_q16: u64,
    period_q16: u32,
    taken: u32,
}

impl Recorded {
    fn counts(&self, first: u32) -> [Counts; BLOCK as usize] {
        let mut bytes = [[0; SAMPLE]; BLOCK as usize];
        let held = self
            .file
            .as_ref()
            .is_some_and(|file| file.fill(first * SAMPLE as u32, bytes.as_flattened_mut()));
        if !held {
            return [STILL; BLOCK as usize];
        }
        bytes.map(|sample| {
            let mut counts = STILL;
            for (count, two) in counts.iter_mut().zip(sample.chunks_exact(2)) {
                *count = i16::from_le_bytes([two[0], two[1]]);
            }
            counts
        })
    }
}

impl Imu for Recorded {
    type Error = core::convert::Infallible;

    async fn start(&mut self, rate_mhz: u32) -> Result<(), Self::Error> {
        (self.began_q16, self.taken) = (tick_q16(), 0);
        self.period_q16 = nominal_period_q16(rate_mhz);
        Ok(())
    }

    async fn block(&mut self, out: &mut [Counts; MAX_BLOCK]) -> Result<Stamp, Self::Error> {
        let at_q16 = |index: u32| self.began_q16 + u64::from(index) * u64::from(self.period_q16);
        while tick_q16() < at_q16(self.taken + BLOCK) {
            Timer::after(Duration::from_millis(2)).await;
        }
        let stamp = Stamp {
            n: BLOCK as usize,
            tick_q16: at_q16(self.taken),
            period_q16: self.period_q16,
        };
        for (to, counts) in out.iter_mut().zip(self.counts(self.taken)) {
            *to = counts;
        }
        self.taken += BLOCK;
        Ok(stamp)
    }

    async fn rest(&mut self, _rest: Rest) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Nobody moves it: what the file has left was not waited for.
    async fn moved(&mut self) -> Result<(), Self::Error> {
        core::future::pending().await
    }
}

/// Never inlined: what it takes of the stack for a moment must not stay for good.
#[inline(never)]
fn pod_of(plan: Plan, flash: flash::File) -> &'static mut Pod<flash::File, &'static mut OnPod> {
    static DETECTOR: ConstStaticCell<OnPod> = ConstStaticCell::new(OnPod::idle());
    static POD: StaticCell<Pod<flash::File, &'static mut OnPod>> = StaticCell::new();
    let detector = DETECTOR.take();
    detector.set_up(&plan);
    POD.init_with(|| Pod::new(plan, flash, detector))
}

#[cortex_m_rt::entry]
fn main() -> ! {
    time::start();
    serial::start();
    run::for_ever(|spawner| {
        if let Ok(task) = be_a_pod() {
            spawner.spawn(task);
        }
    })
}

#[embassy_executor::task]
async fn be_a_pod() {
    let transport: SerialTransport<NoopRawMutex, _, _> =
        SerialTransport::new(serial::Receiver, serial::Sender);
    let controller: ExternalController<_, COMMAND_SLOTS> = ExternalController::new(transport);
    let plan = Plan {
        pod_id: POD_ID,
        rate_mhz: 416_000,
        accel: (0.004_788_55, 156.906_4),
        gyro: (0.001_065_297, 34.906_586),
        firmware: concat!("evenstride ", env!("CARGO_PKG_VERSION")),
        hardware: "QEMU mps2-an386",
        bonded_only: false,
        layout: Layout::default(),
    };
    let Some(flash) = flash::File::flash() else {
        cortex_m::asm::udf()
    };
    let pod = pod_of(plan, flash);
    pod.power_on(ResetReason::PowerOn, 0x1234_5678).await;
    let imu = Recorded {
        file: flash::File::recording(),
        began_q16: 0,
        period_q16: 0,
        taken: 0,
    };
    run(controller, imu, pod, &Qemu, ADDRESS).await;
    cortex_m::asm::udf()
}
