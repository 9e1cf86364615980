//! The pod that ships, as a Linux program: the tests connect to it through the virtual radio.
//!
//! Ending the process is pulling the battery. It ends by itself when the controller's connection does, when its cell is
//! empty (code 11), and when its watchdog bites (12). Asleep it stays, silent.
#![forbid(unsafe_code)]

mod board;
mod flash;
mod options;
mod world;

use std::process::ExitCode;

use board::Desk;
use bt_hci::controller::ExternalController;
use bt_hci_serial::SerialTransport;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embedded_io_adapters::tokio_1::FromTokio;
use evenstride_app::{run, End, Layout, OnPod, Plan, Pod};
use flash::FileFlash;
use options::{Options, USAGE};
use tokio::net::TcpStream;
use world::{Clock, Recording};

const EMPTY_CODE: u8 = 11;
const COMMAND_SLOTS: usize = 10;
const FULL_COUNT: f64 = 32_767.0;
const ACCEL_RANGE_MPS2: f64 = 16.0 * 9.806_65;
const GYRO_RANGE_DPS: f64 = 2000.0;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(what) => {
            eprintln!("{what}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build();
    let lived = runtime
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(live(&options)));
    match lived {
        Ok(End::Controller) => ExitCode::SUCCESS,
        Ok(End::Empty) => {
            eprintln!("off: the cell is empty");
            ExitCode::from(EMPTY_CODE)
        }
        Err(what) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
    }
}

async fn live(options: &Options) -> Result<End, String> {
    let at = |what: &str| {
        let what = what.to_owned();
        move |error: std::io::Error| format!("{what}: {error}")
    };
    let samples = std::fs::read(&options.recording).map_err(at("recording"))?;
    let clock = Clock::new(options);
    let imu = Recording::new(&samples, clock, options)?;
    drop(samples);
    let flash = FileFlash::open(options.flash.as_deref()).map_err(at("flash"))?;
    let flash = flash.with_faults(options);
    let stream = TcpStream::connect(&options.hci).await.map_err(at("hci"))?;
    stream.set_nodelay(true).map_err(at("hci"))?;
    let (reader, writer) = stream.into_split();
    let transport: SerialTransport<NoopRawMutex, _, _> =
        SerialTransport::new(FromTokio::new(reader), FromTokio::new(writer));
    let controller: ExternalController<_, COMMAND_SLOTS> = ExternalController::new(transport);
    let random = std::process::id().wrapping_mul(2_654_435_761);
    let plan = plan(options);
    let detector = OnPod::new(&plan);
    let mut pod = Box::new(Pod::new(plan, flash, detector));
    let board = Desk::new(clock, options);
    pod.power_on(options.reason, random).await;
    let address = address(&options.pod_id);
    Ok(run(controller, imu, &mut pod, &board, address).await)
}

fn plan(options: &Options) -> Plan {
    let channel = |full: f64| ((full / FULL_COUNT) as f32, full as f32);
    Plan {
        pod_id: options.pod_id,
        rate_mhz: (options.rate_hz * 1000.0).round() as u32,
        accel: channel(ACCEL_RANGE_MPS2),
        gyro: channel(GYRO_RANGE_DPS.to_radians()),
        firmware: concat!("evenstride ", env!("CARGO_PKG_VERSION")),
        hardware: "host",
        bonded_only: options.bonded_only,
        layout: Layout::with_pages(options.raw_pages, evenstride_app::RECORD_PAGES),
    }
}

/// A static random address that follows from the pod id, little-endian.
fn address(pod_id: &[u8; 8]) -> [u8; 6] {
    let [.., a, b, c] = *pod_id;
    [c, b, a, 0x00, 0xDE, 0xC0]
}
