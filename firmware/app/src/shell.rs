//! The pod on the air: a thin shell that carries bytes between the host stack and `Pod`.
//!
//! Flash operations are never cancelled: the loops of a link end by themselves when it is gone, none is dropped halfway.

use core::cell::{Cell, RefCell};
use core::future::pending;

use bt_hci::cmd::le::{LeConnUpdate, LeReadLocalSupportedFeatures, LeSetDataLength, LeSetPhy};
use bt_hci::controller::{ControllerCmdAsync, ControllerCmdSync};
use embassy_futures::select::{select, select3, select4, Either, Either3, Either4};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Instant, Timer};
use embedded_storage_async::nor_flash::NorFlash;
use evenstride_protocol::{advertising_data, scan_response, Mode};
use trouble_host::prelude::*;

use crate::board::{Board, End, Led};
use crate::bonds::{bonds_from, BOND_PLACES};
use crate::flight::{Flight, Watched};
use crate::gatt::{Message, Server};
use crate::imu::{Imu, Rest, MAX_BLOCK};
use crate::life::Life;
use crate::link;
use crate::nap::{sleep, Nap};
use crate::pod::Pod;
use crate::power::{Duty, Power};
use crate::strides::Strides;

const FAST: Duration = Duration::from_millis(100);
const SLOW: Duration = Duration::from_millis(1000);
const FAST_FOR: Duration = Duration::from_secs(60);
const RENEW: Duration = Duration::from_secs(1);
const IMU_RETRY: Duration = Duration::from_secs(1);
/// A sensor that says nothing for so long has failed. Its start takes 0.7 s at 208 Hz.
const IMU_SILENT: Duration = Duration::from_secs(5);
const PULSE: Duration = Duration::from_secs(2);
const PARTED_WITHIN: Duration = Duration::from_secs(3);
/// A controller may report the end of a link before its last packet has left: a connection event or two.
const GOODBYE_LEAVES: Duration = Duration::from_millis(200);

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
    pub power: RefCell<Power>,
    pub duty: Cell<Duty>,
    pub life: Life,
    pub nap: Nap,
    /// The pod ends the link by itself.
    pub parting: Signal<NoopRawMutex, ()>,
    parted: Signal<NoopRawMutex, ()>,
    /// No further link.
    leaving: Cell<bool>,
}

impl<F: NorFlash, D: Strides, B: Board> Shared<'_, F, D, B> {
    /// Copy what must be answered at once.
    pub fn refresh(&self, pod: &mut Pod<F, D>) {
        let (board, power, tick) = (self.board, &mut *self.power.borrow_mut(), self.board.tick());
        let (linked, sensing) = (self.connected.get(), !pod.vitals.imu_fault);
        let duty = power.observe(board.supply(), board.button(), linked, sensing, tick);
        if duty != Duty::Stay {
            self.duty.set(duty);
        }
        pod.vitals = power.vitals(!sensing);
        if self.life.goes_on() {
            board.alive();
        }
        if self.boot_id.replace(pod.boot_id()) != pod.boot_id() {
            self.restarted.signal(());
        }
        self.battery.set(pod.vitals.battery_percent);
        self.mode.set(pod.stream.mode);
        self.advertising.set(advertising_data(&pod.summary(tick)));
        let mut info = self.info.borrow_mut();
        let capacity = info.capacity();
        let _ = info.resize_default(capacity);
        let size = pod.info(&mut info);
        info.truncate(size);
        let led = match (pod.stream.mode, linked) {
            _ if pod.identify_until() > tick => Led::Identify,
            _ if power.shows_cleared(tick) => Led::BondsCleared,
            _ if pod.vitals.imu_fault => Led::Fault,
            _ if pod.vitals.battery_low => Led::BatteryLow,
            (Mode::Idle, true) => Led::Connected,
            (Mode::Idle, false) => Led::Advertising,
            _ => Led::Streaming,
        };
        board.show(led);
    }
}

/// Be a pod, awake or asleep, until its cell is empty or the controller fails. `address` is a static random address,
/// little-endian. What the pod knows is in flash then, unless the controller failed.
pub async fn run<C, I, F, D, B>(
    controller: C,
    mut imu: I,
    pod: &mut Pod<F, D>,
    board: &B,
    address: [u8; 6],
) -> End
where
    C: PodController,
    I: Imu,
    F: NorFlash,
    D: Strides,
    B: Board,
{
    let flight = Flight::default();
    let mut resources: HostResources<DefaultPacketPool, 1, 2, 1, BOND_PLACES> =
        HostResources::new();
    let stack = trouble_host::new(Watched::new(controller, &flight), &mut resources)
        .set_random_address(Address::random(address))
        .set_io_capabilities(IoCapabilities::NoInputNoOutput)
        .build();
    for bond in pod.bonds(bonds_from).await.unwrap_or_default() {
        let _ = stack.add_bond_information(bond);
    }
    let Some(server) = Server::of(&pod.plan) else {
        return End::Controller;
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
        power: RefCell::new(Power::default()),
        duty: Cell::new(Duty::Stay),
        life: Life::new(),
        nap: Nap::default(),
        parting: Signal::new(),
        parted: Signal::new(),
        leaving: Cell::new(false),
        pod: Mutex::new(pod),
    };
    shared.refresh(*shared.pod.lock().await);
    let mut runner = stack.runner();
    let pod_id = shared.pod.lock().await.plan.pod_id;
    let air = async {
        let mut peripheral = stack.peripheral();
        let response = scan_response(&pod_id);
        while !shared.leaving.get() {
            shared.nap.hold_air().await;
            let Some(connection) = advertise(&mut peripheral, &shared, &response).await else {
                if !shared.nap.is_wanted() {
                    Timer::after(RENEW).await;
                }
                continue;
            };
            shared.connected.set(true);
            link::serve(connection, &server, &stack, &shared).await;
            shared.connected.set(false);
            shared.parted.signal(());
        }
        pending::<()>().await;
    };
    let pulse = async {
        loop {
            shared.nap.hold_pulse().await;
            let answered = stack.command(LeReadLocalSupportedFeatures::new()).await;
            if answered.is_ok() {
                shared.life.radio.now();
            }
            Timer::after(PULSE).await;
        }
    };
    let ended = select4(
        sample(&mut imu, &shared, || link::clear_bonds(&stack)),
        runner.run_with_handler(&flight),
        air,
        pulse,
    );
    match ended.await {
        Either4::First(end) => end,
        _ => End::Controller,
    }
}

/// Samples from the sensor to the pod, until there is a reason to end.
async fn sample<I: Imu, F: NorFlash, D: Strides, B: Board>(
    imu: &mut I,
    shared: &Shared<'_, F, D, B>,
    forget_bonds: impl Fn(),
) -> End {
    let mut block = [[0; 6]; MAX_BLOCK];
    loop {
        let (rate_mhz, boot_id, accel_mps2) = {
            let pod = shared.pod.lock().await;
            (pod.rate_mhz(), pod.boot_id(), pod.plan.accel.0)
        };
        shared.restarted.reset();
        let mut running = matches!(
            select(imu.start(rate_mhz), Timer::after(IMU_SILENT)).await,
            Either::First(Ok(()))
        );
        while running && shared.boot_id.get() == boot_id {
            let silence = Timer::after(IMU_SILENT);
            let waited = select3(imu.block(&mut block), shared.restarted.wait(), silence);
            let stamp = match waited.await {
                Either3::First(Ok(stamp)) => stamp,
                Either3::Second(()) => continue,
                Either3::First(Err(_)) | Either3::Third(()) => {
                    running = false;
                    continue;
                }
            };
            let mut pod = shared.pod.lock().await;
            if pod.boot_id() != boot_id {
                continue; // taken at the old rate
            }
            pod.vitals.imu_fault = false;
            let taken = block.get(..stamp.n).unwrap_or(&[]);
            pod.samples(taken, stamp).await;
            shared.power.borrow_mut().samples(taken, accel_mps2);
            shared.life.sampling.now();
            shared.refresh(&mut pod);
            drop(pod);
            shared.flight.moved.signal(());
            if let Some(end) = obey(imu, shared, &forget_bonds).await {
                return end;
            }
        }
        if !running {
            let mut pod = shared.pod.lock().await;
            pod.sensor_failed().await;
            shared.life.sampling.now();
            shared.refresh(&mut pod);
            drop(pod);
            if let Some(end) = obey(imu, shared, &forget_bonds).await {
                return end;
            }
            Timer::after(IMU_RETRY).await;
        }
    }
}

/// Do what the policy asks for; an end when there is nothing more to do on the air.
async fn obey<I: Imu, F: NorFlash, D: Strides, B: Board>(
    imu: &mut I,
    shared: &Shared<'_, F, D, B>,
    forget_bonds: &impl Fn(),
) -> Option<End> {
    match shared.duty.replace(Duty::Stay) {
        Duty::Stay => None,
        Duty::ClearBonds => {
            let _ = shared.pod.lock().await.put_bonds(&[]).await;
            forget_bonds();
            shared.parting.signal(());
            None
        }
        Duty::Sleep => {
            sleep(imu, shared).await;
            None
        }
        Duty::PowerOff => {
            shared.leaving.set(true);
            shared.parted.reset(); // by an earlier link
            shared.parting.signal(());
            if shared.connected.get() {
                select(shared.parted.wait(), Timer::after(PARTED_WITHIN)).await;
                Timer::after(GOODBYE_LEAVES).await;
            }
            shared.pod.lock().await.write_staged().await;
            let _ = select(imu.rest(Rest::Off), Timer::after(IMU_RETRY)).await;
            Some(End::Empty)
        }
    }
}

/// Advertise until somebody connects (every 100 ms for a minute, then every second) or the pod goes to sleep.
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
            shared.life.air.now();
            let waited = select3(accept.as_mut(), Timer::after(RENEW), shared.nap.begun());
            match waited.await {
                Either3::First(connection) => return connection.ok(),
                Either3::Second(()) if interval == FAST && began.elapsed() > FAST_FOR => break,
                Either3::Second(()) => {}
                Either3::Third(()) => return None,
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
