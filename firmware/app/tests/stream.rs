//! The live stream: nothing before START, frames that follow each other, what is dropped and counted (section 6).

mod world;

use evenstride_app::{Layout, MAX_BLOCK, MAX_PENDING, QUEUE_SAMPLES};
use evenstride_protocol::{
    BackfillDone, BackfillResult, Command, Log, LogRanges, Mode, PodStatus, RawFrame, ResetReason,
    Status, StreamPosition,
};
use world::{counts, number, power_on, Ram, World};

fn pod() -> World {
    power_on(Ram::new(), Layout::default())
}

fn frames(messages: &[Vec<u8>]) -> Vec<RawFrame<'_>> {
    messages
        .iter()
        .filter_map(|m| RawFrame::decode(m).ok())
        .collect()
}

fn status(world: &mut World) -> PodStatus {
    PodStatus::decode(&world.ok(Command::GetStatus)).unwrap()
}

const START: Command<'static> = Command::Start { mode: Mode::Raw };

#[test]
fn nothing_before_start_then_status_and_every_sample_once() {
    let mut world = pod();
    world.play(900);
    assert!(world.hear().is_none());
    let position = StreamPosition::decode(&world.ok(START)).unwrap();
    assert_eq!((position.next_index, position.next_seq), (900, 0));
    world.play(9 * 40);
    let heard = world.hear_all();
    assert!(PodStatus::decode(&heard[0]).is_ok());
    let frames = frames(&heard);
    assert_eq!(frames.len(), 20);
    for (k, frame) in frames.iter().enumerate() {
        assert_eq!((frame.head.seq, frame.n()), (k as u32, 18));
        assert_eq!(frame.head.first_index, 900 + 18 * k as u32);
        let values: Vec<i16> = frame.counts().collect();
        for (j, sample) in values.chunks(6).enumerate() {
            assert_eq!(sample, counts(frame.head.first_index + j as u32));
        }
    }
    assert_eq!(frames[0].head.tick, position.tick);
}

#[test]
fn frames_fit_the_mtu_and_a_small_one_is_refused() {
    let mut world = pod();
    world.link.mtu = 99;
    assert_eq!(world.say(START).0, Status::MtuTooSmall);
    world.link.mtu = 100;
    world.ok(START);
    world.play(45);
    let heard = world.hear_all();
    assert_eq!(
        frames(&heard).iter().map(RawFrame::n).collect::<Vec<_>>(),
        [5; 9]
    );
}

#[test]
fn start_needs_a_subscription_and_in_bonded_mode_encryption() {
    let mut world = pod();
    world.link.subscribed = false;
    assert_eq!(world.say(START).0, Status::BadState);
    world.link.subscribed = true;
    world.pod.plan.bonded_only = true;
    assert_eq!(world.say(START).0, Status::NeedsBond);
    world.link.encrypted = true;
    world.ok(START);
}

#[test]
fn a_full_queue_drops_the_oldest_counts_them_and_the_next_frame_jumps() {
    let mut world = pod();
    world.ok(START);
    world.play(QUEUE_SAMPLES as u32 / 9 * 9 + 180);
    let dropped = status(&mut world).dropped;
    assert_eq!(
        dropped,
        QUEUE_SAMPLES as u32 / 9 * 9 + 180 - QUEUE_SAMPLES as u32
    );
    let heard = world.hear_all();
    let frames = frames(&heard);
    assert_eq!(
        (frames[0].head.seq, frames[0].head.first_index),
        (0, dropped)
    );
    let values: Vec<i16> = frames[0].counts().collect();
    assert_eq!(number(&values), dropped);
}

#[test]
fn a_lost_link_takes_back_what_was_not_confirmed() {
    let mut world = pod();
    world.ok(START);
    world.play(18 * 10);
    assert_eq!(world.hear().unwrap()[0], PodStatus::KIND);
    for _ in 0..5 {
        assert!(world.hear().is_some());
    }
    world.pod.stream.confirm(3); // status and two frames
    world.pod.link_lost();
    world.play(90);
    assert_eq!(status(&mut world).dropped, 18 * 10 - 36 + 90);
    let position = StreamPosition::decode(&world.ok(START)).unwrap();
    assert_eq!((position.next_seq, position.next_index), (2, 270));
}

#[test]
fn the_radio_is_never_given_more_than_it_holds() {
    let mut world = pod();
    world.ok(START);
    world.play(18 * 20);
    let handed = core::iter::from_fn(|| world.hear()).count();
    assert_eq!(handed, MAX_PENDING);
    world.pod.stream.confirm(1);
    assert!(world.hear().is_some());
    assert!(world.hear().is_none());
}

#[test]
fn what_has_not_gone_out_is_not_in_the_radios_hands() {
    let mut world = pod();
    world.ok(START);
    for _ in 0..2 * MAX_PENDING {
        world.play(18);
        assert!(world.hear().is_some());
        world.pod.not_sent();
    }
    assert_eq!(world.pod.stream.pending(), 0);
    let frames_lost = 2 * MAX_PENDING as u32 - 1; // the first was the status; its frame waits
    let told = status(&mut world);
    assert_eq!((told.dropped, told.next_seq), (18 * frames_lost, 0));
    let heard = world.hear_all();
    let frames = frames(&heard);
    assert_eq!(
        (frames[0].head.seq, frames[0].head.first_index),
        (0, 18 * frames_lost)
    );
}

#[test]
fn a_backfill_makes_again_what_has_not_gone_out() {
    let mut world = pod();
    world.play(900);
    let boot_id = world.pod.boot_id();
    let ask = Command::Backfill {
        boot_id,
        first: 0,
        log: Log::Raw,
        count: 90,
    };
    world.ok(ask);
    let mut heard = Vec::new();
    while let Some(lost) = world.hear() {
        world.pod.not_sent();
        let again = world.hear().unwrap();
        assert_eq!(lost, again);
        world.pod.stream.confirm(1);
        heard.push(again);
    }
    let frames = frames(&heard);
    assert_eq!(frames.iter().map(RawFrame::n).sum::<usize>(), 90);
    let seqs = frames.iter().map(|frame| frame.head.seq);
    assert!(seqs.eq(0..frames.len() as u32));
    let done = BackfillDone::decode(heard.last().unwrap()).unwrap();
    assert_eq!((done.result, done.sent), (BackfillResult::Complete, 90));
    world.ok(ask);
    assert!(world.hear().is_some());
    world.ok(Command::BackfillCancel);
    world.pod.not_sent();
    let done = BackfillDone::decode(&world.hear().unwrap()).unwrap();
    assert_eq!((done.result, done.sent), (BackfillResult::Cancelled, 0));
}

#[test]
fn stop_empties_the_queue_and_drops_nothing() {
    let mut world = pod();
    world.ok(START);
    world.play(90);
    world.hear_all();
    world.play(9);
    let position = StreamPosition::decode(&world.ok(Command::Stop)).unwrap();
    assert_eq!((position.next_index, position.next_seq), (99, 5));
    world.play(90);
    assert!(world.hear().is_none());
    assert_eq!(status(&mut world).dropped, 0);
}

#[test]
fn another_rate_is_another_boot_and_outlives_the_power() {
    let mut world = pod();
    let first_boot = world.pod.boot_id();
    world.ok(START);
    let half = Command::SetRate { rate_mhz: 208_000 };
    assert_eq!(world.say(half).0, Status::BadState);
    world.ok(Command::Stop);
    assert_eq!(
        world.say(Command::SetRate { rate_mhz: 300_000 }).0,
        Status::OutOfRange
    );
    world.play(90);
    let position = StreamPosition::decode(&world.ok(half)).unwrap();
    assert_eq!((position.boot_id, position.next_index), (first_boot + 1, 0));
    let again = power_on(world.pod.into_flash(), Layout::default());
    assert_eq!(
        (again.pod.rate_mhz(), again.pod.boot_id()),
        (208_000, first_boot + 2)
    );
}

#[test]
fn a_boot_ends_before_its_index_does() {
    let mut world = pod();
    let [idle, streaming] = world.pod.last_index;
    assert!(idle < streaming && streaming < u32::MAX - MAX_BLOCK as u32);
    world.pod.last_index = [900, 1_800];
    let boot = world.pod.boot_id();
    world.play(900);
    assert_eq!((world.pod.boot_id(), world.pod.stream.taken()), (boot, 900));
    world.play(9); // not taken: the sensor begins anew
    let begun = status(&mut world);
    assert_eq!((begun.boot_id, begun.taken), (boot + 1, 0));
    assert_eq!(begun.reset_reason, ResetReason::Software);
    world.play(450);
    world.ok(START);
    world.play(1_350);
    assert_eq!(world.pod.boot_id(), boot + 1); // somebody listens
    world.hear_all();
    world.play(18);
    let begun = status(&mut world);
    assert_eq!(
        (begun.boot_id, begun.taken, begun.mode),
        (boot + 2, 9, Mode::Idle)
    );
    let position = StreamPosition::decode(&world.ok(START)).unwrap();
    assert_eq!((position.next_seq, position.next_index), (0, 9));
    let ranges = LogRanges::decode(&world.ok(Command::LogStatus { first: 0 })).unwrap();
    let ranges: Vec<_> = ranges
        .ranges
        .iter()
        .map(|r| (r.boot_id, r.first, r.end))
        .collect();
    assert_eq!(
        ranges,
        [(boot, 0, 900), (boot + 1, 0, 1_800), (boot + 2, 0, 9)]
    );
    let again = power_on(world.pod.into_flash(), Layout::default());
    assert_eq!(again.pod.boot_id(), boot + 3);
}

#[test]
fn malformed_and_unknown_commands_change_nothing() {
    let mut world = pod();
    let unknown = Command::Unknown { opcode: 0x7F };
    assert_eq!(world.say(unknown).0, Status::UnknownCommand);
    for data in [
        &[][..],
        &[0x40],
        &[0x40, 1],
        &[0x40, 1, 9],
        &[0x45, 1, 2, 3],
    ] {
        let answer = embassy_futures::block_on(world.pod.command(data, world::LINK, 5));
        assert_eq!(answer.bytes()[3], Status::Malformed as u8, "{data:?}");
    }
    world.link.bonded = true;
    let update = Command::UpdateCommit {
        signature: &[0; 64],
    };
    assert_eq!(world.say(update).0, Status::NotSupported);
    world.link.bonded = false;
    assert_eq!(world.say(update).0, Status::NeedsBond);
}
