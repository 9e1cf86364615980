//! The pod on the air: a thin shell that carries bytes between the host stack and `Pod`.
//!
//! Flash operations are never cancelled: the loops of a link end by themselves when it is gone, none is dropped halfway.

use core::cell::{Cell, RefCell};

use bt_hci::cmd::le::{LeConnUpdate, LeReadLocalSupportedFeatures, LeSetDataLength, LeSetPhy};
use bt_hci::controller::{ControllerCmdAsync, ControllerCmdSync};
use embassy_futures::join::join;
use embassy_futures::select::{select, Either};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Instant, Timer};
use embedded_storage_async::nor_flash::NorFlash;
use evenstride_protocol::{advertising_data, scan_response, Mode};
use trouble_host::prelude::*;

use crate::board::{Board, Led};
use crate::bonds::{bonds_from, BONDS};
use crate::flight::{Flight, Watched};
use crate::gatt::{Message, Server};
use crate::imu::{Imu, MAX_BLOCK};
use crate::link;
use crate::pod::Pod;
use crate::strides::Strides;

const FAST: Duration = Duration::from_millis(100);
const SLOW: Duration = Duration::from_millis(1000);
const FAST_FOR: Duration = Duration::from_secs(60);
const RENEW: Duration = Duration::from_secs(1);
const IMU_RETRY: Duration = Duration::from_secs(1);

/// What the application needs beyond `trouble_host::Controller`.
pub trait PodController:
    Controller
    + ControllerCmdAsync<LeConnUpdate>
    + ControllerCmdSync<LeReadLocalSupportedFeatures>
    + ControllerCmdSync<LeSetDataLength>
    + ControllerCmdAsync<LeSetPhy>
{
}

impl<C> PodController for C where
    C: Controller
        + ControllerCmdAsync<LeConnUpdate>
        + ControllerCmdSync<LeReadLocalSupportedFeatures>
        + ControllerCmdSync<LeSetDataLength>
        + ControllerCmdAsync<LeSetPhy>
{
}

/// What the loops share. The pod itself may be busy with its flash; what must be answered at once lies beside it.
pub(crate) struct Shared<'a, F, D, B> {
    pub pod: Mutex<NoopRawMutex, &'a mut Pod<F, D>>,
    pub board: &'a B,
    pub flight: &'a Flight,
    pub boot_id: Cell<u32>,
    pub battery: Cell<u8>,
    pub info: RefCell<Message>,
    pub advertising: Cell<[u8; 31]>,
    pub mode: Cell<Mode>,
    pub connected: Cell<bool>,
    /// The sensor has to begin another boot.
    pub restarted: Signal<NoopRawMutex, ()>,
}

impl<F: NorFlash, D: Strides, B: Board> Shared<'_, F, D, B> {
    /// Copy what must be answered at once.
    pub fn refresh(&self, pod: &mut Pod<F, D>) {
        pod.vitals = crate::plan::Vitals {
            imu_fault: pod.vitals.imu_fault,
            ..self.board.vitals()
        };
        if self.boot_id.replace(pod.boot_id()) != pod.boot_id() {
            self.restarted.signal(());
        }
        self.battery.set(pod.vitals.battery_percent);
        self.mode.set(pod.stream.mode);
        self.advertising.set(advertising_data(&pod.summary()));
        let mut info = self.info.borrow_mut();
        let capacity = info.capacity();
        let _ = info.resize_default(capacity);
        let size = pod.info(&mut info);
        info.truncate(size);
        self.board
            .show(if pod.identify_until() > self.board.tick() {
                Led::Identify
            } else if pod.vitals.imu_fault {
                Led::Fault
            } else if pod.vitals.is_low() {
                Led::BatteryLow
            } else if !matches!(pod.stream.mode, Mode::Idle) {
                Led::Streaming
            } else if self.connected.get() {
                Led::Connected
            } else {
                Led::Advertising
            });
    }
}

/// Be a pod until the controller fails: on a board for ever, on a host until the transport ends. `address` is a static
/// random address, little-endian.
pub async fn run<C, I, F, D, B>(
    controller: C,
    mut imu: I,
    pod: &mut Pod<F, D>,
    board: &B,
    address: [u8; 6],
) where
    C: PodController,
    I: Imu,
    F: NorFlash,
    D: Strides,
    B: Board,
{
    let flight = Flight::default();
    let mut resources: HostResources<DefaultPacketPool, 1, 2, 1, BONDS> = HostResources::new();
    let stack = trouble_host::new(Watched::new(controller, &flight), &mut resources)
        .set_random_address(Address::random(address))
        .set_io_capabilities(IoCapabilities::NoInputNoOutput)
        .build();
    for bond in pod.bonds(bonds_from).await.unwrap_or_default() {
        let _ = stack.add_bond_information(bond);
    }
    let Some(server) = Server::of(&pod.plan) else {
        return;
    };
    flight.watch(server.pod.data.handle);
    let shared = Shared {
        board,
        flight: &flight,
        boot_id: Cell::new(pod.boot_id()),
        battery: Cell::new(0),
        info: RefCell::new(Message::new()),
        advertising: Cell::new([0; 31]),
        mode: Cell::new(Mode::Idle),
        connected: Cell::new(false),
        restarted: Signal::new(),
        pod: Mutex::new(pod),
    };
    shared.refresh(*shared.pod.lock().await);
    let mut runner = stack.runner();
    let pod_id = shared.pod.lock().await.plan.pod_id;
    let air = async {
        let mut peripheral = stack.peripheral();
        let response = scan_response(&pod_id);
        loop {
            let Some(connection) = advertise(&mut peripheral, &shared, &response).await else {
                Timer::after(RENEW).await;
                continue;
            };
            shared.connected.set(true);
            link::serve(connection, &server, &stack, &shared).await;
            shared.connected.set(false);
        }
    };
    select(
        runner.run_with_handler(&flight),
        join(sample(&mut imu, &shared), air),
    )
    .await;
}

/// Samples from the sensor to the pod, for ever.
async fn sample<I: Imu, F: NorFlash, D: Strides, B: Board>(
    imu: &mut I,
    shared: &Shared<'_, F, D, B>,
) {
    let mut block = [[0; 6]; MAX_BLOCK];
    loop {
        let (rate_mhz, boot_id) = {
            let pod = shared.pod.lock().await;
            (pod.rate_mhz(), pod.boot_id())
        };
        shared.restarted.reset();
        let mut running = imu.start(rate_mhz).await.is_ok();
        while running && shared.boot_id.get() == boot_id {
            let stamp = match select(imu.block(&mut block), shared.restarted.wait()).await {
                Either::First(Ok(stamp)) => stamp,
                Either::First(Err(_)) => {
                    running = false;
                    continue;
                }
                Either::Second(()) => continue,
            };
            let mut pod = shared.pod.lock().await;
            if pod.boot_id() != boot_id {
                continue; // taken at the old rate
            }
            pod.vitals.imu_fault = false;
            let taken = block.get(..stamp.n).unwrap_or(&[]);
            pod.samples(taken, stamp).await;
            shared.refresh(&mut pod);
            drop(pod);
            shared.flight.moved.signal(());
        }
        if !running {
            let mut pod = shared.pod.lock().await;
            pod.sensor_failed().await;
            shared.refresh(&mut pod);
            drop(pod);
            Timer::after(IMU_RETRY).await;
        }
    }
}

/// Advertise until somebody connects: every 100 ms for a minute, then every second.
async fn advertise<'s, C, F, D, B>(
    peripheral: &mut Peripheral<'s, C, DefaultPacketPool>,
    shared: &Shared<'_, F, D, B>,
    scan_data: &[u8],
) -> Option<Connection<'s, DefaultPacketPool>>
where
    C: PodController,
    F: NorFlash,
    D: Strides,
    B: Board,
{
    let began = Instant::now();
    let mut interval = FAST;
    loop {
        let parameters = AdvertisementParameters {
            interval_min: interval,
            interval_max: interval,
            ..Default::default()
        };
        let data = shared.advertising.get();
        let advertisement = Advertisement::ConnectableScannableUndirected {
            adv_data: &data,
            scan_data,
        };
        let advertiser = peripheral
            .advertise(&parameters, advertisement)
            .await
            .ok()?;
        let mut accept = core::pin::pin!(advertiser.accept());
        loop {
            match select(accept.as_mut(), Timer::after(RENEW)).await {
                Either::First(connection) => return connection.ok(),
                Either::Second(()) if interval == FAST && began.elapsed() > FAST_FOR => break,
                Either::Second(()) => {}
            }
            let renewed = shared.advertising.get();
            let advertisement = Advertisement::ConnectableScannableUndirected {
                adv_data: &renewed,
                scan_data,
            };
            let _ = peripheral.update_adv_data(advertisement).await;
        }
        interval = SLOW;
    }
}
