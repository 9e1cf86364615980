//! The log of records: a marathon fits, a cut costs one record, what is rotten is left out (section 9).

mod world;

use evenstride_app::{Layout, PAGE, RAW_PAGES, RECORDS_HELD, SAMPLES_HELD};
use evenstride_protocol::{BackfillResult, Command, Log, StrideRecords, Table};
use world::numbered::{brought, check, held, pod, send, Numbered, EVERY};
use world::{Ram, World};

/// Of a page that says what holds for its records once.
const A_PAGE: u32 = 112;

fn records(layout: &Layout) -> core::ops::Range<usize> {
    let start = layout.records.start as usize;
    start..start + layout.records.bytes() as usize
}

fn numbers(found: &[(u32, u16)]) -> Vec<u32> {
    found.iter().map(|(number, _)| *number).collect()
}

#[test]
fn a_slow_marathon_fits() {
    let hours = RECORDS_HELD as f64 / (85.0 * 60.0); // strides a minute of one leg
    assert!((5.4..5.5).contains(&hours), "{hours}");
    let seconds = SAMPLES_HELD as f64 / 416.0;
    assert!((186.0..187.0).contains(&seconds), "{seconds}");
    let mut world = pod(Ram::new(), Layout::default());
    let made = RECORDS_HELD as u32 + 1_000;
    world.play(made * EVERY);
    let [range] = held(&mut world, Log::Records)[..] else {
        panic!("one range")
    };
    assert_eq!(range.2, made);
    assert!(range.2 - range.1 >= RECORDS_HELD as u32, "{range:?}");
    let mut world = pod(world.pod.into_flash(), Layout::default());
    assert_eq!(held(&mut world, Log::Records), [range]);
    let (found, done) = brought(&mut world, range);
    assert_eq!(numbers(&found), (range.1..range.2).collect::<Vec<_>>());
    assert_eq!(done.result, BackfillResult::Complete);
}

#[test]
fn records_keep_the_versions_that_they_were_made_with() {
    let mut world = pod(Ram::new(), Layout::default());
    let mut made = 0;
    for (version, n) in [(7, 3), (8, 200), (9, 1), (7, 60)] {
        send(&mut world, Table::Rotation, version);
        world.play(n * EVERY);
        made += n;
    }
    let boot = world.pod.boot_id();
    let mut world = pod(world.pod.into_flash(), Layout::default());
    let (found, _) = brought(&mut world, (boot, 0, made));
    let versions = [(7, 3), (8, 200), (9, 1), (7, 60)];
    let expected = versions.map(|(version, n)| core::iter::repeat_n(version, n));
    let rotations = found.iter().map(|(_, rotation)| *rotation);
    assert!(rotations.eq(expected.into_iter().flatten()));
    assert_eq!(numbers(&found), (0..made).collect::<Vec<_>>());
}

#[test]
fn a_backfill_begins_and_ends_anywhere_in_messages_as_full_as_can_be() {
    let mut world = pod(Ram::new(), Layout::default());
    let boot = world.pod.boot_id();
    world.play(300 * EVERY);
    for (first, end) in [(0, 1), (5, 99), (110, 114), (223, 300)] {
        let (found, done) = brought(&mut world, (boot, first, end));
        assert_eq!(numbers(&found), (first..end).collect::<Vec<_>>());
        assert_eq!(done.result, BackfillResult::Complete);
    }
    world.ok(Command::Backfill {
        boot_id: boot,
        first: 0,
        log: Log::Records,
        count: 100,
    });
    let heard = world.hear_all();
    let full = heard.iter().filter_map(|m| StrideRecords::decode(m).ok());
    assert_eq!(full.filter(|m| m.records().count() == 5).count(), 20);
}

/// A short life of a small ring: something is acknowledged, the axes change. Calls `after` each record.
fn life(flash: Ram, made: u32, mut after: impl FnMut(&World<Numbered>)) -> Ram {
    let mut world = pod(flash, Layout::with_pages(2, 3));
    let boot = world.pod.boot_id();
    for n in 0..made {
        world.play(EVERY);
        after(&world);
        match n {
            40 => send_if_it_can(&mut world),
            120 => {
                world.say(Command::AckLog {
                    boot_id: boot,
                    end: 90,
                    log: Log::Records,
                });
            }
            _ => {}
        }
    }
    world.pod.into_flash()
}

fn send_if_it_can(world: &mut World<Numbered>) {
    let content = &[1, 2, 3, 4];
    world.ok(Command::TableBegin {
        table: Table::Rotation,
        version: 3,
        length: 4,
        crc32: evenstride_protocol::crc32(content),
    });
    world.ok(Command::TableChunk {
        offset: 0,
        data: content,
    });
    world.say(Command::TableCommit);
}

/// Records of the life that is cut; with those before it the ring goes round.
const LIFE: u32 = 140;

#[test]
fn a_power_cut_at_any_write_costs_at_most_the_record_that_is_being_written() {
    let before = life(Ram::new(), 260, |_| {}).again();
    let (mut spent_after, mut boot) = (Vec::new(), 0);
    let whole = life(before.clone(), LIFE, |world| {
        spent_after.push(world.pod.flash().spent);
        boot = world.pod.boot_id();
    });
    for power in whole.cuts() {
        let cut = Ram {
            power,
            ..before.clone()
        };
        let dead = life(cut, LIFE, |_| {});
        let mut world = pod(dead.again(), Layout::with_pages(2, 3));
        check(&mut world);
        let written = spent_after.iter().filter(|&&after| after <= power).count() as u32;
        let newest = held(&mut world, Log::Records).last().copied();
        let end = newest
            .filter(|range| range.0 == boot)
            .map_or(0, |range| range.2);
        // a write that only lacks bytes of ones is whole
        assert!(
            (written..=written + 1).contains(&end),
            "cut at {power}: {end} of {written}"
        );
    }
}

#[test]
fn a_bit_that_rots_costs_the_rest_of_its_page_and_nothing_false_is_sent() {
    let layout = Layout::with_pages(3, 4);
    let mut world = pod(Ram::new(), layout.clone());
    let boot = world.pod.boot_id();
    let made = 5 * A_PAGE / 2;
    world.play(made * EVERY);
    let sound = world.pod.into_flash();
    for byte in records(&layout).step_by(53) {
        let mut rotten = sound.clone();
        rotten.bytes[byte] ^= 1 << (byte % 8);
        let mut world = pod(rotten, layout.clone());
        check(&mut world);
        let ranges = held(&mut world, Log::Records);
        let kept: u32 = ranges.iter().map(|range| range.2 - range.1).sum();
        assert!(kept >= made - A_PAGE, "{byte}: {ranges:?}");
        assert!(ranges
            .iter()
            .all(|range| range.0 == boot && range.2 <= made));
    }
}

#[test]
fn what_rots_while_the_pod_is_on_is_stepped_over() {
    let layout = Layout::with_pages(3, 4);
    let mut world = pod(Ram::new(), layout.clone());
    let boot = world.pod.boot_id();
    world.play(250 * EVERY);
    let second = records(&layout).start + PAGE as usize;
    world.pod.flash_mut().bytes[second + 24 + 16 + 36 * 50 + 20] ^= 4; // record 162
    let (found, done) = brought(&mut world, (boot, 100, 250));
    let expected: Vec<u32> = (100..162).chain(224..250).collect();
    assert_eq!(numbers(&found), expected);
    assert_eq!((done.result, done.next), (BackfillResult::Partial, 250));
    assert_eq!(
        held(&mut world, Log::Records),
        [(boot, 0, 162), (boot, 224, 250)]
    );
    let last = second + PAGE as usize + 24 + 16 + 36 * 3;
    world.pod.flash_mut().bytes[last] ^= 4; // record 227, in the page that is being filled
    brought(&mut world, (boot, 224, 250));
    world.play(10 * EVERY);
    let kept = [(boot, 0, 162), (boot, 224, 227), (boot, 250, 260)];
    assert_eq!(held(&mut world, Log::Records), kept);
    let mut world = pod(world.pod.into_flash(), layout);
    assert_eq!(held(&mut world, Log::Records), kept);
    check(&mut world);
}

#[test]
fn pages_of_an_earlier_layout_hold_nothing() {
    let layout = Layout::default();
    let mut flash = Ram::new();
    // what the first layout wrote: magic, page number, boot, overwritten, size of an entry, CRC; chunk with its own magic
    for page in records(&layout).step_by(PAGE as usize) {
        let number = (page / PAGE as usize) as u32;
        let head: Vec<u8> = [0x3152_5645, number, 900, 0, 40]
            .iter()
            .flat_map(|word: &u32| word.to_le_bytes())
            .collect();
        flash.bytes[page..page + 20].copy_from_slice(&head);
        let crc = evenstride_protocol::crc32(&head).to_le_bytes();
        flash.bytes[page + 20..page + 24].copy_from_slice(&crc);
        flash.bytes[page + 24..page + 4096].fill(0x5E);
    }
    let mut world = pod(flash, layout.clone());
    assert_eq!(held(&mut world, Log::Records), []);
    assert_eq!(world.pod.boot_id(), 99); // of no boot was heard
    world.play(20 * EVERY);
    let mut world = pod(world.pod.into_flash(), layout);
    assert_eq!(held(&mut world, Log::Records), [(99, 0, 20)]);
    check(&mut world);
}

#[test]
fn a_page_of_samples_is_no_page_of_records() {
    let mut world = pod(Ram::new(), Layout::default());
    world.play(900);
    let mut flash = world.pod.into_flash();
    let (raw, records) = (Layout::default().raw, records(&Layout::default()));
    let page = raw.start as usize..raw.start as usize + PAGE as usize;
    flash.bytes.copy_within(page, records.start);
    let mut world = pod(flash, Layout::default());
    assert_eq!(held(&mut world, Log::Records), []);
    assert_eq!(held(&mut world, Log::Raw).len(), 1);
    assert_eq!(raw.pages, RAW_PAGES);
}

#[test]
fn records_are_acknowledged_and_erased_like_samples() {
    let layout = Layout::with_pages(3, 4);
    let mut world = pod(Ram::new(), layout.clone());
    let boot = world.pod.boot_id();
    world.play(200 * EVERY);
    world.ok(Command::AckLog {
        boot_id: boot,
        end: 130,
        log: Log::Records,
    });
    assert_eq!(held(&mut world, Log::Records), [(boot, 130, 200)]);
    let mut world = pod(world.pod.into_flash(), layout.clone());
    assert_eq!(held(&mut world, Log::Records), [(boot, 130, 200)]);
    check(&mut world);
    (world.link.encrypted, world.link.bonded) = (true, true);
    world.ok(Command::EraseLog);
    assert_eq!(held(&mut world, Log::Records), []);
    world.play(30 * EVERY);
    let mut world = pod(world.pod.into_flash(), layout);
    assert_eq!(held(&mut world, Log::Records), [(boot + 1, 0, 30)]);
    check(&mut world);
}
