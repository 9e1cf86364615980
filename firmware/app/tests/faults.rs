//! A flash that refuses: the stream goes on, the pod says so, and the next start finds what was kept.

mod world;

use embassy_futures::block_on;
use evenstride_app::{Layout, LinkFacts};
use evenstride_protocol::{
    BackfillDone, BackfillResult, Command, Log, Mode, PodFlag, PodStatus, RawFrame, ResetReason,
    Status, StrideRecords, Table,
};
use world::numbered::{check, held, pod, record, send, Numbered, EVERY};
use world::{counts, plan, started, Ram, Refuses, World, LINK};

const BONDED: LinkFacts = LinkFacts {
    encrypted: true,
    bonded: true,
    ..LINK
};
/// Every way of refusing: for good, and now and then.
const FAULTS: [Refuses; 7] = [
    Refuses::of(true, false, false, 0),
    Refuses::of(false, true, false, 0),
    Refuses::of(false, false, true, 0),
    Refuses::of(true, true, true, 0),
    Refuses::of(true, false, false, 50),
    Refuses::of(false, true, false, 7),
    Refuses::of(true, true, true, 5),
];

fn layout() -> Layout {
    Layout::with_pages(4, 3)
}

fn status(world: &mut World<Numbered>) -> PodStatus {
    PodStatus::decode(&world.ok(Command::GetStatus)).unwrap()
}

fn is_faulty(world: &mut World<Numbered>) -> bool {
    status(world).flags & PodFlag::FLASH_FAULT != 0
}

/// A command that needs flash is done, or refused because of the flash.
fn tries(world: &mut World<Numbered>, command: Command<'_>) {
    let (status, _) = world.say(command);
    assert!(
        matches!(status, Status::Ok | Status::StorageError),
        "{command:?}: {status:?}"
    );
}

/// Streams both ways for a while; every sample and every record comes.
fn streams(world: &mut World<Numbered>) {
    let first = world.pod.stream.taken();
    world.ok(Command::Start { mode: Mode::Raw });
    let mut next = first;
    for _ in 0..40 {
        world.play(18);
        for message in world.hear_all() {
            let Ok(frame) = RawFrame::decode(&message) else {
                continue;
            };
            let values: Vec<i16> = frame.counts().collect();
            for sample in values.chunks(6) {
                assert_eq!(sample, counts(next));
                next += 1;
            }
        }
    }
    assert_eq!(next, first + 720);
    world.ok(Command::Start {
        mode: Mode::Strides,
    });
    let mut numbers = Vec::new();
    for _ in 0..20 {
        world.play(EVERY);
        for message in world.hear_all() {
            let Ok(message) = StrideRecords::decode(&message) else {
                continue;
            };
            for (k, read) in message.records().enumerate() {
                let number = message.head.first_record + k as u32;
                assert_eq!(read, record(number));
                numbers.push(number);
            }
        }
    }
    assert_eq!(numbers, (numbers[0]..numbers[0] + 20).collect::<Vec<_>>());
    world.ok(Command::Stop);
}

/// Everything else that touches flash.
fn asks(world: &mut World<Numbered>, n: u16) {
    let boot_id = world.pod.boot_id();
    world.link = BONDED;
    tries(world, Command::Anchor { utc_ns: 5 });
    for (log, end) in [(Log::Raw, 30), (Log::Records, 3)] {
        world.ok(Command::Backfill {
            boot_id,
            first: 0,
            log,
            count: 100,
        });
        let heard = world.hear_all();
        assert!(BackfillDone::decode(heard.last().unwrap()).is_ok());
        tries(world, Command::AckLog { boot_id, end, log });
    }
    let content = &[1, 2, 3, 4];
    world.ok(Command::TableBegin {
        table: Table::Rotation,
        version: n,
        length: 4,
        crc32: evenstride_protocol::crc32(content),
    });
    world.ok(Command::TableChunk {
        offset: 0,
        data: content,
    });
    tries(world, Command::TableCommit);
    if n % 3 == 0 {
        tries(world, Command::EraseLog);
    }
    tries(world, Command::ClearBonds);
    let rate_mhz = [208_000, 416_000][usize::from(n % 2)];
    tries(world, Command::SetRate { rate_mhz });
}

/// A life whose flash begins to refuse in phase `phase`, and a sound flash afterwards.
fn life(fault: Refuses, phase: usize) {
    let mut flash = Ram::new();
    let mut lived = pod(flash, layout());
    streams(&mut lived);
    send(&mut lived, Table::Rotation, 1);
    flash = lived.pod.into_flash().again();
    let refuses = |now: usize| match now >= phase {
        true => fault,
        false => Refuses::default(),
    };
    flash.refuses = refuses(0);
    let mut world = pod(flash, layout());
    for (now, n) in (1..5).zip([10, 11, 12, 13]) {
        world.pod.flash_mut().refuses = refuses(now);
        streams(&mut world);
        asks(&mut world, n);
    }
    world.pod.flash_mut().refuses = fault;
    streams(&mut world);
    asks(&mut world, 15);
    if fault.between == 0 {
        assert!(is_faulty(&mut world), "{fault:?} from {phase}");
    }
    world.pod.link_lost();
    let mut world = pod(world.pod.into_flash().again(), layout());
    assert!(!is_faulty(&mut world));
    check(&mut world);
    streams(&mut world);
    check(&mut world);
    let newest = held(&mut world, Log::Raw).last().copied();
    assert_eq!(newest, Some((world.pod.boot_id(), 0, 720 + 180)));
    asks(&mut world, 16);
    assert!(!is_faulty(&mut world));
}

#[test]
fn streams_go_on_whatever_the_flash_refuses_and_the_next_start_is_sound() {
    for fault in FAULTS {
        for phase in 0..5 {
            life(fault, phase);
        }
    }
}

#[test]
fn a_refused_command_changes_nothing() {
    let mut world = pod(Ram::new(), layout());
    world.link = BONDED;
    world.play(900);
    send(&mut world, Table::Rotation, 1);
    let boot_id = world.pod.boot_id();
    let before = (held(&mut world, Log::Raw), held(&mut world, Log::Records));
    world.pod.flash_mut().refuses.writing = true;
    let content = &[1, 2, 3, 4];
    world.ok(Command::TableBegin {
        table: Table::Rotation,
        version: 2,
        length: 4,
        crc32: evenstride_protocol::crc32(content),
    });
    world.ok(Command::TableChunk {
        offset: 0,
        data: content,
    });
    for command in [
        Command::TableCommit,
        Command::Anchor { utc_ns: 1 },
        Command::AckLog {
            boot_id,
            end: 50,
            log: Log::Raw,
        },
        Command::EraseLog,
        Command::ClearBonds,
        Command::SetRate { rate_mhz: 208_000 },
    ] {
        assert_eq!(world.say(command).0, Status::StorageError, "{command:?}");
    }
    assert!(is_faulty(&mut world));
    assert_eq!(
        (held(&mut world, Log::Raw), held(&mut world, Log::Records)),
        before
    );
    assert_eq!(
        (world.pod.boot_id(), world.pod.rate_mhz()),
        (boot_id, 416_000)
    );
    let mut info = [0; 244];
    let size = world.pod.info(&mut info);
    let info = evenstride_protocol::Info::decode(&info[..size]).unwrap();
    assert_eq!(info.rotation_version, 1);
}

#[test]
fn a_flash_that_cannot_be_read_ends_a_backfill_that_can_be_asked_for_again() {
    let mut world = pod(Ram::new(), layout());
    let boot_id = world.pod.boot_id();
    world.play(900);
    let ask = |first| Command::Backfill {
        boot_id,
        first,
        log: Log::Raw,
        count: 900 - first,
    };
    world.ok(ask(0));
    for _ in 0..3 {
        world.hear().unwrap();
        world.pod.stream.confirm(1);
    }
    world.pod.flash_mut().refuses.reading = true;
    let done = BackfillDone::decode(&world.hear().unwrap()).unwrap();
    assert_eq!((done.result, done.next), (BackfillResult::FlashError, 54));
    world.pod.stream.confirm(1);
    world.pod.flash_mut().refuses.reading = false;
    world.ok(ask(done.next));
    let heard = world.hear_all();
    let done = BackfillDone::decode(heard.last().unwrap()).unwrap();
    assert_eq!(
        (done.result, done.sent),
        (BackfillResult::Complete, 900 - 54)
    );
}

/// A gateway knows samples by boot and index: a boot id that flash does not keep must not come again.
#[test]
fn starts_with_a_flash_that_does_not_write_have_boot_ids_of_their_own() {
    let mut world = pod(Ram::new(), layout());
    world.play(900);
    let kept = world.pod.boot_id();
    let mut flash = world.pod.into_flash();
    flash.refuses.writing = true;
    let mut ids = vec![kept];
    for random in [77_777, 5_555_555] {
        let mut world = world::started(flash, world::plan(layout()), Numbered::default(), random);
        assert!(is_faulty(&mut world));
        ids.push(world.pod.boot_id());
        flash = world.pod.into_flash();
    }
    assert!(
        ids[1] > kept && ids[2] > kept && ids[1] != ids[2],
        "{ids:?}"
    );
    let world = pod(flash.again(), layout());
    assert_eq!(world.pod.boot_id(), kept + 1);
}

#[test]
fn a_page_that_cannot_be_read_at_the_start_costs_that_page() {
    let mut world = pod(Ram::new(), layout());
    let boot = world.pod.boot_id();
    world.play(900);
    let mut flash = world.pod.into_flash();
    flash.unreadable = layout().raw.start + 4096;
    let mut world = pod(flash, layout());
    assert!(is_faulty(&mut world));
    let ranges = held(&mut world, Log::Raw);
    assert_eq!(ranges.len(), 2, "{ranges:?}");
    assert_eq!((ranges[0].0, ranges[0].1, ranges[1].2), (boot, 0, 891)); // the rest was staged
    check(&mut world);
}

#[test]
fn a_write_that_fails_once_is_made_elsewhere_and_said() {
    let mut world = pod(Ram::new(), layout());
    let boot = world.pod.boot_id();
    world.play(450);
    world.pod.flash_mut().refuses = Refuses::of(false, true, false, 3);
    world.play(45);
    world.pod.flash_mut().refuses = Refuses::default();
    world.play(450);
    assert!(is_faulty(&mut world));
    let logs = |world: &mut World<Numbered>| (held(world, Log::Raw), held(world, Log::Records));
    let whole = (vec![(boot, 0, 945)], vec![(boot, 0, 105)]);
    assert_eq!(logs(&mut world), whole);
    let mut world = pod(world.pod.into_flash(), layout());
    assert_eq!(logs(&mut world), whole);
    check(&mut world);
}

#[test]
fn a_page_that_is_worn_out_is_stepped_over() {
    let mut flash = Ram::new();
    flash.worn = layout().raw.start + 2 * 4096;
    for _ in 0..3 {
        let mut world = pod(flash, layout());
        let boot = world.pod.boot_id();
        world.play(9 * 300 * 5); // the ring goes round more often than there are refusals to spare
        assert!(is_faulty(&mut world));
        let newest = held(&mut world, Log::Raw).last().copied();
        let Some((of, first, end)) = newest else {
            panic!("nothing is held")
        };
        assert_eq!((of, end), (boot, 9 * 300 * 5));
        assert!(end - first > 2 * 290, "{first} ... {end}");
        flash = world.pod.into_flash();
    }
}

/// Settings that rot: at worst they are as on the first day, and the boot id comes from the log.
#[test]
fn a_bit_that_rots_in_the_settings_stops_nothing() {
    let mut world = pod(Ram::new(), layout());
    for utc_ns in 0..10 {
        world.ok(Command::Anchor { utc_ns });
        world.play(90);
    }
    send(&mut world, Table::Rotation, 1);
    let boot = world.pod.boot_id();
    let sound = world.pod.into_flash();
    let settings = layout().settings;
    let used: Vec<usize> = (settings.start as usize..settings.end as usize)
        .filter(|&at| sound.bytes[at] != 0xFF)
        .collect();
    for at in used.into_iter().step_by(5) {
        let mut flash = sound.clone();
        flash.bytes[at] ^= 1 << (at % 8);
        let mut world = pod(flash, layout());
        assert!(world.pod.boot_id() > boot, "byte {at}");
        check(&mut world);
        world.ok(Command::Anchor { utc_ns: 99 });
        world.play(90);
        let kept = world.pod.boot_id();
        let world = pod(world.pod.into_flash(), layout());
        assert!(world.pod.boot_id() > kept, "byte {at}");
    }
}

#[test]
fn an_id_that_flash_has_not_kept_is_not_that_of_the_next_start() {
    let start = |flash, random| started(flash, plan(layout()), Numbered::default(), random);
    let mut world = start(Ram::new(), 0x1234_5678);
    let kept = world.pod.boot_id();
    world.pod.flash_mut().refuses.writing = true;
    let mut used = Vec::new();
    for _ in 0..3 {
        block_on(world.pod.wake(ResetReason::Software));
        used.push(world.pod.boot_id());
    }
    let first = used[0];
    assert!(first > kept);
    assert_eq!(used, [first, first + 1, first + 2]);
    let world = start(world.pod.into_flash().again(), 0x0BAD_CAFE);
    let next = world.pod.boot_id();
    assert!(next > kept && !used.contains(&next), "{next} of {used:?}");
}
