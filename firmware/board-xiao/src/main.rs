//! The pod on a Seeed XIAO nRF52840 Sense: pins, peripherals, memory. Everything else is the application.
//!
//! Never run on hardware. What only hardware can prove: radio and crystal start-up, the flash's opcodes, the sensor's
//! registers, power, sleep and waking, stack (docs/hardware.md).
#![no_std]
#![no_main]

mod bus;
mod flash;
mod off;
mod parts;
mod supply;

use embassy_executor::Spawner;
use embassy_nrf::gpio::{AnyPin, Input, Level, Output, OutputDrive, Pull};
use embassy_nrf::interrupt::{InterruptExt, Priority};
use embassy_nrf::mode::Blocking;
use embassy_nrf::{bind_interrupts, peripherals, qspi, rng, saadc, twim, Peri};
use embassy_time::{Instant, Timer};
use evenstride_app::{run, Board, End, Layout, OnPod, Plan, Pod};
#[cfg(not(feature = "build-b"))]
use evenstride_imu_lsm6ds3::{Lsm6ds3 as Sensor, ACCEL, GYRO};
#[cfg(feature = "build-b")]
use evenstride_imu_lsm6dso32::{Lsm6dso32 as Sensor, ACCEL, GYRO};
use nrf_sdc::mpsl::{self, MultiprotocolServiceLayer};
use nrf_sdc::SoftdeviceController;
use off::system_off;
use parts::Xiao;
use static_cell::{ConstStaticCell, StaticCell};
use supply::{Meter, Readings};

const CONTROLLER_BYTES: usize = 8192;
const RADIO_PACKETS: (u8, u8) = (8, 4); // to and from the air: the pod's MAX_PENDING
#[cfg(not(feature = "build-b"))]
const HARDWARE: &str = "XIAO nRF52840 Sense";
#[cfg(feature = "build-b")]
const HARDWARE: &str = "XIAO + LSM6DSO32";

bind_interrupts!(struct Irqs {
    EGU0_SWI0 => mpsl::LowPrioInterruptHandler;
    CLOCK_POWER => mpsl::ClockInterruptHandler;
    RADIO => mpsl::HighPrioInterruptHandler;
    TIMER0 => mpsl::HighPrioInterruptHandler;
    RTC0 => mpsl::HighPrioInterruptHandler;
    TWISPI0 => twim::InterruptHandler<peripherals::TWISPI0>;
    QSPI => qspi::InterruptHandler<peripherals::QSPI>;
    SAADC => saadc::InterruptHandler;
});

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}

#[embassy_executor::task]
async fn radio_timing(mpsl: &'static MultiprotocolServiceLayer<'static>) -> ! {
    mpsl.run().await
}

/// Never inlined: what it takes of the stack for a moment must not stay for good.
#[inline(never)]
fn pod_of(plan: Plan, flash: flash::Flash) -> &'static mut Pod<flash::Flash, &'static mut OnPod> {
    static DETECTOR: ConstStaticCell<OnPod> = ConstStaticCell::new(OnPod::idle());
    static POD: StaticCell<Pod<flash::Flash, &'static mut OnPod>> = StaticCell::new();
    let detector = DETECTOR.take();
    detector.set_up(&plan);
    POD.init_with(|| Pod::new(plan, flash, detector))
}

#[embassy_executor::task]
async fn flash_rest(unit: &'static flash::Unit) -> ! {
    unit.rest().await
}

#[embassy_executor::task]
async fn measure(mut meter: Meter, to: &'static Readings) -> ! {
    meter.run(to).await
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let reason = off::reset_reason();
    let mut config = embassy_nrf::config::Config::default(); // priorities 0 and 1 belong to the radio
    config.gpiote_interrupt_priority = Priority::P2;
    config.time_interrupt_priority = Priority::P2;
    config.lfclk_source = embassy_nrf::config::LfclkSource::ExternalXtal;
    config.dcdc.reg1 = true; // the board has its coil; REG0 has none and is not used
    let p = embassy_nrf::init(config);
    let divider = Output::new(p.P0_14, Level::Low, OutputDrive::Standard);
    let watchdog = parts::watchdog(p.WDT);
    embassy_nrf::interrupt::TWISPI0.set_priority(Priority::P3);
    embassy_nrf::interrupt::QSPI.set_priority(Priority::P3);
    embassy_nrf::interrupt::SAADC.set_priority(Priority::P3);

    // the radio's scheduler and Nordic's controller
    let mpsl_parts =
        mpsl::Peripherals::new(p.RTC0, p.TIMER0, p.TEMP, p.PPI_CH19, p.PPI_CH30, p.PPI_CH31);
    let crystal = mpsl::raw::mpsl_clock_lfclk_cfg_t {
        source: mpsl::raw::MPSL_CLOCK_LF_SRC_XTAL as u8,
        rc_ctiv: 0,
        rc_temp_ctiv: 0,
        accuracy_ppm: 50,
        skip_wait_lfclk_started: false,
    };
    static MPSL: StaticCell<MultiprotocolServiceLayer> = StaticCell::new();
    let Ok(mpsl) = MultiprotocolServiceLayer::new(mpsl_parts, Irqs, crystal) else {
        panic!()
    };
    let mpsl = MPSL.init(mpsl);
    if let Ok(task) = radio_timing(mpsl) {
        spawner.spawn(task);
    }
    let sdc_parts = nrf_sdc::Peripherals::new(
        p.PPI_CH17, p.PPI_CH18, p.PPI_CH20, p.PPI_CH21, p.PPI_CH22, p.PPI_CH23, p.PPI_CH24,
        p.PPI_CH25, p.PPI_CH26, p.PPI_CH27, p.PPI_CH28, p.PPI_CH29,
    );
    static RNG: StaticCell<rng::Rng<'static, Blocking>> = StaticCell::new();
    let random = RNG.init(rng::Rng::new_blocking(p.RNG));
    let boot_seed = random.blocking_next_u32();
    static MEMORY: StaticCell<nrf_sdc::Mem<CONTROLLER_BYTES>> = StaticCell::new();
    let memory = MEMORY.init(nrf_sdc::Mem::new());
    let Ok(controller) = build(sdc_parts, random, mpsl, memory) else {
        panic!()
    };

    // the sensor: its power on P1.08, I2C on P0.07 and P0.27, INT1 on P0.11. Build B: a breakout on D4, D5, D2 with its own
    // pull-ups and always powered
    let mut sensor_power = Output::new(p.P1_08, Level::High, OutputDrive::HighDrive);
    Timer::after_millis(40).await;
    static I2C_BUFFER: StaticCell<[u8; 16]> = StaticCell::new();
    let mut i2c = twim::Config::default();
    i2c.frequency = twim::Frequency::K400;
    let buffer = I2C_BUFFER.init([0; 16]);
    #[cfg(not(feature = "build-b"))]
    let (data, clock, line) = (p.P0_07, p.P0_27, p.P0_11);
    #[cfg(feature = "build-b")]
    let (data, clock, line) = (p.P0_04, p.P0_05, p.P0_28);
    let bus = bus::Bus(twim::Twim::new(p.TWISPI0, Irqs, data, clock, i2c, buffer));
    let line = Input::new(line, Pull::None);
    let imu = Sensor::new(bus, line, || Instant::now().as_ticks() << 16);

    // the flash: 2 MB P25Q16H
    let pins = flash::Pins {
        unit: p.QSPI,
        clock: p.P0_21,
        select: p.P0_25,
        io: (p.P0_20, p.P0_24, p.P0_22, p.P0_23),
    };
    static UNIT: StaticCell<flash::Unit> = StaticCell::new();
    let unit = &*UNIT.init(flash::Unit::new(pins, mpsl));
    let _ = unit.prepare().await;
    if let Ok(task) = flash_rest(unit) {
        spawner.spawn(task);
    }

    // the cell behind 1 MOhm and 510 kOhm on P0.31, the charger's state on P0.17
    let mut tap = saadc::ChannelConfig::single_ended(p.P0_31);
    tap.time = saadc::Time::_40US; // for a source of 340 kOhm
    let mut adc = saadc::Config::default();
    adc.oversample = saadc::Oversample::Over8x;
    let adc = saadc::Saadc::new(p.SAADC, Irqs, adc, [tap]);
    let mut meter = Meter::new(adc, divider, Input::new(p.P0_17, Pull::Up), mpsl);
    static SUPPLY: StaticCell<Readings> = StaticCell::new();
    let supply = &*SUPPLY.init(Readings::new(meter.read().await));
    if let Ok(task) = measure(meter, supply) {
        spawner.spawn(task);
    }

    let plan = Plan {
        pod_id: parts::pod_id(),
        rate_mhz: 416_000,
        accel: ACCEL,
        gyro: GYRO,
        firmware: concat!("evenstride ", env!("CARGO_PKG_VERSION")),
        hardware: HARDWARE,
        bonded_only: false,
        layout: Layout::default(),
    };
    let colour = |pin: Peri<'static, AnyPin>| Output::new(pin, Level::High, OutputDrive::Standard);
    let board = Xiao::new(
        [p.P0_26.into(), p.P0_30.into(), p.P0_06.into()].map(colour),
        Input::new(p.P0_03, Pull::Up), // D1
        supply,
        unit,
        watchdog,
    );
    board.alive(); // opening the log takes a second or so
    let pod = pod_of(plan, flash::Flash(unit));
    pod.power_on(reason, boot_seed).await;
    let end = run(controller, imu, pod, &board, parts::address()).await;
    board.dark();
    unit.close().await;
    match end {
        End::Controller => cortex_m::peripheral::SCB::sys_reset(),
        End::Empty => {
            sensor_power.set_low();
            system_off()
        }
    }
}

fn build(
    parts: nrf_sdc::Peripherals<'static>,
    random: &'static mut rng::Rng<'static, Blocking>,
    mpsl: &'static MultiprotocolServiceLayer<'static>,
    memory: &'static mut nrf_sdc::Mem<CONTROLLER_BYTES>,
) -> Result<SoftdeviceController<'static>, nrf_sdc::Error> {
    let (out, into) = RADIO_PACKETS;
    nrf_sdc::Builder::new()?
        .support_adv()
        .support_peripheral()
        .support_dle_peripheral()
        .support_le_2m_phy()
        .support_phy_update_peripheral()
        .peripheral_count(1)?
        .buffer_cfg(251, 251, out, into)?
        .build(parts, random, mpsl, memory)
}
