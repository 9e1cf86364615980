//! The pod as ARM code in QEMU (mps2-an386, Cortex-M4F): the image whose behaviour the tests look at.
//!
//! HCI in H4 framing over the first serial line; flash is `flash.bin` in QEMU's working directory, written through by
//! semihosting; sample j holds j in its first two counts.
#![no_std]
#![no_main]

mod flash;
mod serial;
mod time;

use bt_hci::controller::ExternalController;
use bt_hci_serial::SerialTransport;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_time::{Duration, Instant, Timer};
use evenstride_app::{
    nominal_period_q16, run, Board, Counts, Imu, Layout, Led, OnPod, Plan, Pod, Rest, Stamp,
    Supply, MAX_BLOCK,
};
use evenstride_protocol::{ResetReason, TICK_HZ};
use static_cell::StaticCell;

const POD_ID: [u8; 8] = [0xE5, 0xE5, 0, 0, 0, 0, 0, 0xC3];
const ADDRESS: [u8; 6] = [0xC3, 0, 0, 0, 0xDE, 0xC0];
const BLOCK: u32 = 9;
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
}

/// A sensor whose samples know their number.
#[derive(Default)]
struct Numbered {
    began_q16: u64,
    period_q16: u32,
    taken: u32,
}

impl Imu for Numbered {
    type Error = core::convert::Infallible;

    async fn start(&mut self, rate_mhz: u32) -> Result<(), Self::Error> {
        *self = Self {
            began_q16: tick_q16(),
            period_q16: nominal_period_q16(rate_mhz),
            taken: 0,
        };
        Ok(())
    }

    async fn block(&mut self, out: &mut [Counts; MAX_BLOCK]) -> Result<Stamp, Self::Error> {
        let at_q16 = |index: u32| self.began_q16 + u64::from(index) * u64::from(self.period_q16);
        while tick_q16() < at_q16(self.taken + BLOCK) {
            Timer::after(Duration::from_millis(2)).await;
        }
        for (index, counts) in (self.taken..self.taken + BLOCK).zip(out.iter_mut()) {
            *counts = [(index % 30_000) as i16, (index / 30_000) as i16, 0, 0, 0, 0];
        }
        let stamp = Stamp {
            n: BLOCK as usize,
            tick_q16: at_q16(self.taken),
            period_q16: self.period_q16,
        };
        self.taken += BLOCK;
        Ok(stamp)
    }

    async fn rest(&mut self, _rest: Rest) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[embassy_executor::main]
async fn main(_spawner: embassy_executor::Spawner) {
    time::start();
    serial::start();
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
    static POD: StaticCell<Pod<flash::File, OnPod>> = StaticCell::new();
    let Some(flash) = flash::File::open() else {
        cortex_m::asm::udf()
    };
    let pod = POD.init_with(|| {
        let detector = OnPod::new(&plan);
        Pod::new(plan, flash, detector)
    });
    pod.power_on(ResetReason::PowerOn, 0x1234_5678).await;
    run(controller, Numbered::default(), pod, &Qemu, ADDRESS).await;
    cortex_m::asm::udf()
}
