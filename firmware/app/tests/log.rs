//! The log: what was taken comes back bit for bit, after a restart, after a cut, until it is acknowledged (section 9).

mod world;

use evenstride_app::Layout;
use evenstride_protocol::{
    BackfillDone, BackfillResult, Command, Log, LogRanges, Mode, PodStatus, RawFrame, Status,
    Table, UtcAnchors,
};
use world::{counts, number, power_on, Ram, World};

fn ranges(world: &mut World) -> Vec<(u32, u32, u32)> {
    let payload = world.ok(Command::LogStatus { first: 0 });
    let page = LogRanges::decode(&payload).unwrap();
    page.ranges
        .iter()
        .map(|r| (r.boot_id, r.first, r.end))
        .collect()
}

fn backfill(boot_id: u32, first: u32, count: u32) -> Command<'static> {
    Command::Backfill {
        boot_id,
        first,
        log: Log::Raw,
        count,
    }
}

fn acknowledge(boot_id: u32, end: u32) -> Command<'static> {
    Command::AckLog {
        boot_id,
        end,
        log: Log::Raw,
    }
}

/// Indices that a backfill brought, each sample checked, and how it ended.
fn fetched(world: &mut World) -> (Vec<u32>, BackfillDone) {
    let heard = world.hear_all();
    let done = BackfillDone::decode(heard.last().unwrap()).unwrap();
    let mut indices = Vec::new();
    for (seq, message) in heard[..heard.len() - 1].iter().enumerate() {
        let frame = RawFrame::decode(message).unwrap();
        assert!(frame.head.backfill);
        assert_eq!(frame.head.boot_id, done.boot_id);
        let values: Vec<i16> = frame.counts().collect();
        for (j, sample) in values.chunks(6).enumerate() {
            let index = frame.head.first_index + j as u32;
            assert_eq!(sample, counts(index), "message {seq}");
            indices.push(index);
        }
    }
    (indices, done)
}

#[test]
fn a_backfill_brings_every_sample_with_the_tick_it_had_live() {
    let mut world = power_on(Ram::new(), Layout::default());
    world.ok(Command::Start { mode: Mode::Raw });
    let mut live = Vec::new();
    for _ in 0..200 {
        world.play(18);
        live.extend(world.hear_all());
    }
    let live: Vec<_> = live
        .iter()
        .filter_map(|m| RawFrame::decode(m).ok())
        .collect();
    world.ok(Command::Stop);
    let boot = world.pod.boot_id();
    for frame in live.iter().step_by(7) {
        world.ok(backfill(boot, frame.head.first_index, 18));
        let heard = world.hear_all();
        let again = RawFrame::decode(&heard[0]).unwrap();
        assert_eq!(
            (again.head.first_index, again.head.tick),
            (frame.head.first_index, frame.head.tick)
        );
    }
    world.ok(backfill(boot, 100, 3_000));
    let (indices, done) = fetched(&mut world);
    assert_eq!(indices, (100..3_100).collect::<Vec<_>>());
    assert_eq!(
        (done.result, done.sent, done.next),
        (BackfillResult::Complete, 3_000, 3_100)
    );
}

#[test]
fn a_restart_keeps_the_log_under_the_old_boot_id() {
    let mut world = power_on(Ram::new(), Layout::default());
    let boot = world.pod.boot_id();
    world.play(1_800);
    assert_eq!(ranges(&mut world), [(boot, 0, 1_800)]);
    let mut world = power_on(world.pod.into_flash(), Layout::default());
    world.play(90);
    assert_eq!(ranges(&mut world), [(boot, 0, 1_800), (boot + 1, 0, 90)]);
    world.ok(backfill(boot, 0, 5_000));
    let (indices, done) = fetched(&mut world);
    assert_eq!(indices, (0..1_800).collect::<Vec<_>>());
    assert_eq!((done.result, done.next), (BackfillResult::Partial, 5_000));
}

#[test]
fn a_full_ring_overwrites_its_oldest_page_and_counts() {
    let mut world = power_on(Ram::new(), Layout::with_pages(4, 2));
    world.play(9_000);
    let boot = world.pod.boot_id();
    let found = ranges(&mut world);
    let [(_, first, 9_000)] = found[..] else {
        panic!("{found:?}")
    };
    let status = PodStatus::decode(&world.ok(Command::GetStatus)).unwrap();
    assert_eq!(
        (status.log_overwritten, status.log_samples),
        (first, 9_000 - first)
    );
    assert!(status.log_samples > 3 * 290);
    let mut world = power_on(world.pod.into_flash(), Layout::with_pages(4, 2));
    assert_eq!(ranges(&mut world), [(boot, first, 9_000)]);
    let status = PodStatus::decode(&world.ok(Command::GetStatus)).unwrap();
    assert!(
        status.log_overwritten >= first - 300,
        "{} of {first}",
        status.log_overwritten
    );
}

#[test]
fn what_is_acknowledged_is_forgotten_for_good() {
    let mut world = power_on(Ram::new(), Layout::with_pages(8, 2));
    let boot = world.pod.boot_id();
    world.play(900);
    world.ok(acknowledge(boot, 500));
    assert_eq!(ranges(&mut world), [(boot, 500, 900)]);
    let mut world = power_on(world.pod.into_flash(), Layout::with_pages(8, 2));
    assert_eq!(ranges(&mut world), [(boot, 500, 900)]);
    world.ok(acknowledge(boot, 900));
    world.play(9_000 / 9 * 9);
    let now = world.pod.boot_id();
    let held = ranges(&mut world);
    let status = PodStatus::decode(&world.ok(Command::GetStatus)).unwrap();
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(
        status.log_overwritten, held[0].1,
        "only samples of boot {now} were overwritten"
    );
}

#[test]
fn erasing_needs_a_bond_and_is_for_good() {
    let mut world = power_on(Ram::new(), Layout::default());
    world.play(1_800);
    assert_eq!(world.say(Command::EraseLog).0, Status::NeedsBond);
    (world.link.encrypted, world.link.bonded) = (true, true);
    world.ok(Command::EraseLog);
    assert_eq!(ranges(&mut world), []);
    world.play(90);
    let boot = world.pod.boot_id();
    assert_eq!(ranges(&mut world), [(boot, 1_800, 1_890)]);
    let mut world = power_on(world.pod.into_flash(), Layout::default());
    assert_eq!(ranges(&mut world), [(boot, 1_800, 1_890)]);
}

#[test]
fn a_backfill_can_be_cancelled_is_alone_and_ends_with_the_link() {
    let mut world = power_on(Ram::new(), Layout::default());
    let boot = world.pod.boot_id();
    world.play(900);
    world.ok(backfill(boot, 0, 900));
    assert_eq!(world.say(backfill(boot, 0, 900)).0, Status::Busy);
    let first = RawFrame::decode(&world.hear().unwrap()).unwrap().n() as u32;
    world.ok(Command::BackfillCancel);
    let done = BackfillDone::decode(&world.hear().unwrap()).unwrap();
    assert_eq!(
        (done.result, done.sent, done.next),
        (BackfillResult::Cancelled, first, first)
    );
    assert_eq!(world.say(backfill(boot, 0, 0)).0, Status::OutOfRange);
    world.ok(backfill(boot, 0, 900));
    world.pod.link_lost();
    assert!(world.hear().is_none());
}

#[test]
fn anchors_stay_and_the_newest_64_are_kept() {
    let mut world = power_on(Ram::new(), Layout::default());
    for k in 0..70 {
        let payload = world.ok(Command::Anchor { utc_ns: 1_000 + k });
        assert_eq!(
            UtcAnchors::decode(&payload).unwrap().anchors[0].utc_ns,
            1_000 + k
        );
    }
    let mut world = power_on(world.pod.into_flash(), Layout::default());
    let page = UtcAnchors::decode(&world.ok(Command::AnchorList { first: 60 })).unwrap();
    assert_eq!(
        (page.total, page.anchors.len(), page.anchors[3].utc_ns),
        (64, 4, 1_069)
    );
    assert_eq!(
        world.say(Command::AnchorList { first: 65 }).0,
        Status::OutOfRange
    );
}

#[test]
fn a_table_is_used_only_when_all_of_it_came() {
    let mut world = power_on(Ram::new(), Layout::default());
    let content: Vec<u8> = (0..36).collect();
    let begin = Command::TableBegin {
        table: Table::Rotation,
        version: 7,
        length: 36,
        crc32: evenstride_protocol::crc32(&content),
    };
    let chunk = |offset: u32, data: &'static [u8]| Command::TableChunk { offset, data };
    const PART: &[u8] = &[0, 1, 2, 3];
    assert_eq!(world.say(chunk(0, PART)).0, Status::BadState);
    world.ok(begin);
    world.ok(chunk(0, PART));
    world.ok(chunk(0, PART)); // repeated
    assert_eq!(world.say(chunk(8, PART)).0, Status::OutOfRange);
    assert_eq!(world.say(Command::TableCommit).0, Status::CrcMismatch);
    world.ok(begin);
    world.ok(Command::TableChunk {
        offset: 0,
        data: &content,
    });
    world.ok(Command::TableCommit);
    let info = |world: &World| {
        let mut out = [0; 244];
        let size = world.pod.info(&mut out);
        evenstride_protocol::Info::decode(&out[..size])
            .unwrap()
            .rotation_version
    };
    assert_eq!(info(&world), 7);
    let world = power_on(world.pod.into_flash(), Layout::default());
    assert_eq!(info(&world), 7);
}

#[test]
fn a_transfer_that_nobody_goes_on_with_is_forgotten() {
    let mut world = power_on(Ram::new(), Layout::with_pages(4, 2));
    world.ok(Command::TableBegin {
        table: Table::Rotation,
        version: 7,
        length: 36,
        crc32: 0,
    });
    let chunk = Command::TableChunk {
        offset: 0,
        data: &[1, 2, 3, 4],
    };
    world.play(29 * 414);
    world.ok(chunk);
    world.play(31 * 423);
    assert_eq!(world.say(chunk).0, Status::BadState);
}

/// The model of a power cut: at every single write of a short life, and after each the log still adds up.
#[test]
fn a_power_cut_at_any_write_costs_at_most_what_was_staged() {
    let layout = || Layout::with_pages(3, 2);
    let live = |flash: Ram| {
        let mut world = power_on(flash, layout());
        let boot = world.pod.boot_id();
        let mut taken = Vec::new(); // what was spent before each block, and its number of samples
        world.say(Command::Anchor { utc_ns: 5 });
        for k in 0..150 {
            taken.push((world.pod.flash().spent, 9 * k));
            world.play(9);
            if k == 100 {
                world.say(acknowledge(boot, 100));
            }
        }
        (boot, world.pod.into_flash(), taken)
    };
    let (_, before, _) = live(Ram::new());
    let before = before.again();
    let (boot, whole, taken) = live(before.clone());
    assert!(whole.erases.len() >= 5);
    for power in whole.cuts() {
        let (_, dead, _) = live(Ram {
            power,
            ..before.clone()
        });
        let mut world = power_on(dead.again(), layout());
        let held = ranges(&mut world);
        let end = held.last().filter(|range| range.0 == boot);
        let lived = taken.iter().rfind(|(spent, _)| *spent <= power);
        let (end, lived) = (end.map_or(0, |range| range.2), lived.map_or(0, |now| now.1));
        assert!(end + 208 >= lived, "cut at {power}: {end} of {lived}");
        for (of, first, end) in held {
            world.ok(backfill(of, first, end - first));
            let (indices, done) = fetched(&mut world);
            assert_eq!(indices, (first..end).collect::<Vec<_>>(), "cut at {power}");
            assert_eq!(done.result, BackfillResult::Complete);
            assert!(of <= boot && end <= 1_350, "cut at {power}: {of} {end}");
        }
    }
}

#[test]
fn a_sample_knows_its_number() {
    assert_eq!(number(&counts(75_000)), 75_000);
}

#[test]
fn what_is_not_there_yet_cannot_be_acknowledged() {
    let mut world = power_on(Ram::new(), Layout::default());
    world.play(540);
    let boot = world.pod.boot_id();
    world.ok(acknowledge(boot, u32::MAX));
    assert_eq!(ranges(&mut world), []);
    world.play(540);
    assert_eq!(ranges(&mut world), [(boot, 540, 1080)]);
    let mut world = power_on(world.pod.into_flash().again(), Layout::default());
    assert_eq!(ranges(&mut world), [(boot, 540, 1080)]);
}
