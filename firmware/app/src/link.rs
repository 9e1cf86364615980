//! One link, from the connection to its end.

use core::cell::Cell;

use embassy_futures::join::join5;
use embassy_futures::select::{select, Either};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Instant, Timer};
use embedded_storage_async::nor_flash::NorFlash;
use evenstride_protocol::{
    Command, Mode, Ping, Pong, ATT_ERROR_BUSY, ATT_ERROR_NOT_SUBSCRIBED, MAX_MESSAGE,
    MAX_UNANSWERED, TICK_HZ,
};
use trouble_host::prelude::*;

use crate::board::Board;
use crate::bonds::{bytes_of, let_the_oldest_go};
use crate::control::{Effect, LinkFacts};
use crate::gatt::{Message, Server};
use crate::shell::{PodController, Shared};
use crate::strides::Strides;

const SETTLE: Duration = Duration::from_millis(300); // the host's own procedures come first
const PATIENCE: u64 = 30 * TICK_HZ as u64; // for a subscription to Control, and for the confirmation of an indication
const STATUS_TURN: Duration = Duration::from_millis(200);
const GONE_WITHIN: Duration = Duration::from_secs(5); // from the wish to end a link, or its end, to the stack's word
const RETRY: Duration = Duration::from_millis(5);
const INTERVAL_UNIT_US: u64 = 1250;

type Conn<'s, 'v> = GattConnection<'s, 'v, DefaultPacketPool>;

/// A command and the tick of its arrival.
struct Arrived {
    data: Message,
    tick: u64,
}

/// What the loops of one link share.
struct Link {
    commands: Channel<NoopRawMutex, Arrived, MAX_UNANSWERED>,
    unanswered: Cell<usize>,
    /// When the indication went out that is not confirmed yet.
    indicated: Cell<Option<u64>>,
    /// The reply to START goes out before the first frame.
    starting: Cell<bool>,
    over: Cell<bool>,
    /// The link is gone, and the stack has not said so: it drops that event too when its queue (8) is full.
    lost: Signal<NoopRawMutex, ()>,
    commands_over: Signal<NoopRawMutex, ()>,
    tuning_over: Signal<NoopRawMutex, ()>,
    parting_over: Signal<NoopRawMutex, ()>,
    interval: Cell<u16>,
}

/// Serve a connection until it ends.
pub(crate) async fn serve<C, F, D, B>(
    connection: Connection<'_, DefaultPacketPool>,
    server: &Server<'_>,
    stack: &Stack<'_, C, DefaultPacketPool>,
    shared: &Shared<'_, F, D, B>,
) where
    C: PodController,
    F: NorFlash,
    D: Strides,
    B: Board,
{
    let _ = connection.set_bondable(true);
    shared.flight.begin();
    let Ok(conn) = connection.with_attribute_server(&server.server) else {
        return;
    };
    let link = Link {
        commands: Channel::new(),
        unanswered: Cell::new(0),
        indicated: Cell::new(None),
        starting: Cell::new(false),
        over: Cell::new(false),
        lost: Signal::new(),
        commands_over: Signal::new(),
        tuning_over: Signal::new(),
        parting_over: Signal::new(),
        interval: Cell::new(units(conn.raw().params().conn_interval)),
    };
    shared.parting.reset();
    join5(
        events(&conn, server, stack, shared, &link),
        answer(&conn, server, stack, shared, &link),
        stream(&conn, server, shared, &link),
        tune(&conn, stack, &link),
        part(&conn, shared, &link),
    )
    .await;
    let mut pod = shared.pod.lock().await;
    pod.stream.confirm(shared.flight.take_confirmed());
    pod.link_lost();
    shared.refresh(&mut pod);
}

fn units(interval: Duration) -> u16 {
    (interval.as_micros() / INTERVAL_UNIT_US) as u16
}

/// The configuration of a characteristic's client: bit 0 notify, bit 1 indicate.
fn subscribed(conn: &Conn<'_, '_>, server: &Server<'_>, cccd: Option<u16>, bit: u8) -> bool {
    let mut value = [0; 2];
    let read = cccd.map(|handle| server.server.read(conn.raw(), handle, 0, &mut value));
    matches!(read, Some(Ok(_))) && value[0] & bit != 0
}

fn facts(conn: &Conn<'_, '_>, server: &Server<'_>) -> LinkFacts {
    let encrypted = conn
        .raw()
        .security_level()
        .is_ok_and(|level| level.encrypted());
    LinkFacts {
        mtu: conn.raw().att_mtu(),
        encrypted,
        bonded: encrypted && conn.raw().is_bonded_peer(),
        subscribed: subscribed(conn, server, server.pod.data.cccd_handle, 1),
    }
}

/// What the host asks and what happens to the link. Only a new bond waits for the pod's flash.
async fn events<C, F, D, B>(
    conn: &Conn<'_, '_>,
    server: &Server<'_>,
    stack: &Stack<'_, C, DefaultPacketPool>,
    shared: &Shared<'_, F, D, B>,
    link: &Link,
) where
    C: PodController,
    F: NorFlash,
    D: Strides,
    B: Board,
{
    while let Either::First(event) = select(conn.next(), link.lost.wait()).await {
        match event {
            GattConnectionEvent::Disconnected { .. } => break,
            GattConnectionEvent::ConnectionParamsUpdated { conn_interval, .. } => {
                link.interval.set(units(conn_interval));
            }
            GattConnectionEvent::PairingComplete { bond: Some(_), .. } => {
                let_the_oldest_go(stack);
                let bytes = stack.with_bond_information(bytes_of);
                let _ = shared.pod.lock().await.put_bonds(&bytes).await;
            }
            GattConnectionEvent::Gatt { event } => match event {
                GattEvent::Write(write) if write.handle() == server.pod.control.handle => {
                    control(conn, server, shared, link, write).await;
                }
                GattEvent::Write(write) if write.handle() == server.pod.time.handle => {
                    time(conn, server, shared, link, write).await;
                }
                GattEvent::Read(read) => {
                    if read.handle() == server.pod.info.handle {
                        let _ = server.set(&server.pod.info, &shared.info.borrow());
                    } else if read.handle() == server.battery.level.handle {
                        let _ = server.set(&server.battery.level, &shared.battery.get());
                    }
                    send(read.accept()).await;
                }
                event => send(event.accept()).await,
            },
            _ => {}
        }
    }
    link.over.set(true);
    link.commands_over.signal(());
    link.tuning_over.signal(());
    link.parting_over.signal(());
    shared.flight.moved.signal(());
}

async fn send(reply: Result<Reply<'_, DefaultPacketPool>, Error>) {
    if let Ok(reply) = reply {
        reply.send().await;
    }
}

async fn control<F, D, B: Board>(
    conn: &Conn<'_, '_>,
    server: &Server<'_>,
    shared: &Shared<'_, F, D, B>,
    link: &Link,
    write: WriteEvent<'_, '_, DefaultPacketPool>,
) {
    let tick = shared.board.tick();
    if !subscribed(conn, server, server.pod.control.cccd_handle, 2) {
        return send(write.reject(AttErrorCode::new(ATT_ERROR_NOT_SUBSCRIBED))).await;
    }
    if link.unanswered.get() >= MAX_UNANSWERED {
        return send(write.reject(AttErrorCode::new(ATT_ERROR_BUSY))).await;
    }
    let Some(data) = write.with_data(|_, data| Message::from_slice(data).ok()) else {
        return send(write.reject(AttErrorCode::INVALID_ATTRIBUTE_VALUE_LENGTH)).await;
    };
    link.unanswered.set(link.unanswered.get() + 1);
    let _ = link.commands.try_send(Arrived { data, tick });
    send(write.accept()).await;
}

/// The pong is stamped on arrival and goes out at once.
async fn time<F, D, B: Board>(
    conn: &Conn<'_, '_>,
    server: &Server<'_>,
    shared: &Shared<'_, F, D, B>,
    link: &Link,
    write: WriteEvent<'_, '_, DefaultPacketPool>,
) {
    let tick = shared.board.tick();
    let ping = write.with_data(|_, data| Ping::decode(data).ok());
    send(write.accept()).await;
    let mut pong = [0; Pong::SIZE];
    if let Some(ping) = ping {
        let answer = ping.pong(shared.boot_id.get(), tick, link.interval.get());
        if answer.encode(&mut pong).is_some() {
            let _ = server.pod.time.notify_raw(conn, &pong, false).await;
        }
    }
}

/// One command after the other, each answered by one indication.
async fn answer<C, F, D, B>(
    conn: &Conn<'_, '_>,
    server: &Server<'_>,
    stack: &Stack<'_, C, DefaultPacketPool>,
    shared: &Shared<'_, F, D, B>,
    link: &Link,
) where
    C: PodController,
    F: NorFlash,
    D: Strides,
    B: Board,
{
    const START: u8 = Command::Start { mode: Mode::Raw }.opcode();
    while !link.over.get() {
        let next = select(link.commands.receive(), link.commands_over.wait()).await;
        let Either::First(arrived) = next else {
            break;
        };
        link.starting.set(arrived.data.first() == Some(&START));
        let answer = {
            let mut pod = shared.pod.lock().await;
            pod.stream.confirm(shared.flight.take_confirmed());
            let answer = pod
                .command(&arrived.data, facts(conn, server), arrived.tick)
                .await;
            shared.refresh(&mut pod);
            answer
        };
        if answer.effect == Effect::ClearBonds {
            clear_bonds(stack);
        }
        link.indicated.set(Some(shared.board.tick()));
        let control = &server.pod.control;
        while !link.over.get() {
            match control.indicate_raw(conn, answer.bytes(), false).await {
                Err(Error::OutOfMemory) => Timer::after(RETRY).await,
                _ => break,
            }
        }
        link.indicated.set(None);
        link.unanswered.set(link.unanswered.get().saturating_sub(1));
        link.starting.set(false);
        shared.flight.moved.signal(());
    }
}

pub(crate) fn clear_bonds<C: PodController>(stack: &Stack<'_, C, DefaultPacketPool>) {
    while let Some(identity) =
        stack.with_bond_information(|bonds| bonds.first().map(|bond| bond.identity))
    {
        if stack.remove_bond_information(identity).is_err() {
            break;
        }
    }
}

/// Whether a host is one that nothing will come of, by the pod's own clock.
struct Patience {
    began: u64,
    subscribed: bool,
}

impl Patience {
    fn ends(&mut self, now: u64, subscribed: bool, link: &Link) -> bool {
        self.subscribed |= subscribed;
        let since = |tick: u64| now.saturating_sub(tick) > PATIENCE;
        let deaf = !self.subscribed && since(self.began);
        deaf || link.indicated.get().is_some_and(since)
    }
}

/// What the pod has to say, as fast as the radio takes it: live before backfill. The stack says nothing when it does not
/// send to a host that has just unsubscribed. A host that does not subscribe to Control or does not confirm goes.
async fn stream<F, D, B>(
    conn: &Conn<'_, '_>,
    server: &Server<'_>,
    shared: &Shared<'_, F, D, B>,
    link: &Link,
) where
    F: NorFlash,
    D: Strides,
    B: Board,
{
    let (data, control) = (&server.pod.data, &server.pod.control);
    let mut out = [0; MAX_MESSAGE];
    let mut patience = Patience {
        began: shared.board.tick(),
        subscribed: false,
    };
    let mut ended = None;
    while !link.over.get() {
        shared.life.air.now();
        let connected = conn.raw().is_connected();
        let silent_since = *ended.get_or_insert(Instant::now());
        if connected {
            ended = None;
        } else if silent_since.elapsed() > GONE_WITHIN {
            link.lost.signal(());
        }
        let heard = subscribed(conn, server, control.cccd_handle, 2);
        if patience.ends(shared.board.tick(), heard, link) {
            conn.raw().disconnect();
        }
        let mut size = 0;
        if !link.starting.get() && subscribed(conn, server, data.cccd_handle, 1) {
            let mut pod = shared.pod.lock().await;
            pod.stream.confirm(shared.flight.take_confirmed());
            let mtu = conn.raw().att_mtu();
            size = pod.live(mtu, shared.board.tick(), &mut out);
            if size == 0 {
                size = pod.backfill(mtu, &mut out).await;
            }
        }
        if size == 0 {
            select(shared.flight.moved.wait(), Timer::after(STATUS_TURN)).await;
            continue;
        }
        let message = out.get(..size).unwrap_or(&[]);
        let sent = loop {
            if link.over.get() || !subscribed(conn, server, data.cccd_handle, 1) {
                break false;
            }
            match data.notify_raw(conn, message, false).await {
                Err(Error::OutOfMemory) => Timer::after(RETRY).await, // all packets are in use
                told => break told.is_ok(),
            }
        };
        if !sent {
            shared.pod.lock().await.not_sent();
            Timer::after(RETRY).await;
        }
    }
}

/// Ask for data length 251, 2M PHY, 15 ms, latency 0, 2 s. Refusals are normal.
async fn tune<C: PodController>(
    conn: &Conn<'_, '_>,
    stack: &Stack<'_, C, DefaultPacketPool>,
    link: &Link,
) {
    if let Either::Second(()) = select(Timer::after(SETTLE), link.tuning_over.wait()).await {
        return;
    }
    let raw = conn.raw();
    let wanted = RequestedConnParams {
        min_connection_interval: Duration::from_millis(15),
        max_connection_interval: Duration::from_millis(15),
        max_latency: 0,
        supervision_timeout: Duration::from_secs(2),
        ..Default::default()
    };
    let ask = async {
        let _ = raw.update_data_length(stack, 251, 2120).await;
        let _ = raw.set_phy(stack, PhyKind::Le2M).await;
        let _ = raw.update_connection_params(stack, &wanted).await;
    };
    select(ask, link.tuning_over.wait()).await;
}

/// The pod itself ends the link: its cell is empty, or its bonds are gone and with them what they allowed.
async fn part<F, D, B>(conn: &Conn<'_, '_>, shared: &Shared<'_, F, D, B>, link: &Link) {
    let asked = select(shared.parting.wait(), link.parting_over.wait());
    if let Either::First(()) = asked.await {
        conn.raw().disconnect();
    }
}
