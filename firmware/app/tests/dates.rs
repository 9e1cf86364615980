//! Which boots have a date: all of one life of the counter share what hosts say, and no other life's, wherever power goes.

mod world;

use std::collections::BTreeSet;

use embassy_futures::block_on;
use evenstride_app::Layout;
use evenstride_protocol::{Command, LogRanges, ResetReason, Status, UtcAnchor, UtcAnchors};
use world::{power_on, Ram, World};

/// Hosts of life k of the counter say k times so much and a little.
const LIFE_NS: i64 = 1_000_000_000_000;

fn layout() -> Layout {
    Layout::with_pages(12, 2)
}

fn anchors(world: &mut World) -> Vec<UtcAnchor> {
    let mut all = Vec::new();
    loop {
        let first = all.len() as u16;
        let page = world.ok(Command::AnchorList { first });
        let page = UtcAnchors::decode(&page).unwrap();
        all.extend(page.anchors.iter().copied());
        if all.len() == usize::from(page.total) {
            return all;
        }
    }
}

fn logged(world: &mut World) -> BTreeSet<u32> {
    let held = world.ok(Command::LogStatus { first: 0 });
    let held = LogRanges::decode(&held).unwrap();
    held.ranges.iter().map(|range| range.boot_id).collect()
}

/// (boot, what the host said) in the order in which they are kept.
fn said(world: &mut World) -> Vec<(u32, i64)> {
    let all = anchors(world);
    all.iter().map(|a| (a.boot_id, a.utc_ns)).collect()
}

fn wake(world: &mut World) {
    block_on(world.pod.wake(ResetReason::Wake));
}

/// Runs, sleeps, a host that comes twice, another rate. The boots that have a date for sure.
fn lives(world: &mut World, life: i64) -> BTreeSet<u32> {
    let mut dated = BTreeSet::new();
    let mut meet = |world: &mut World, k: i64| {
        let before = logged(world);
        let utc_ns = life * LIFE_NS + k;
        if world.say(Command::Anchor { utc_ns }).0 == Status::Ok {
            dated.extend(before);
        }
    };
    world.play(252);
    wake(world);
    world.play(252);
    meet(world, 1);
    wake(world);
    world.play(252);
    let rate_mhz = [416_000, 208_000][(world.pod.rate_mhz() == 416_000) as usize];
    let _ = world.say(Command::SetRate { rate_mhz });
    world.play(252);
    meet(world, 2);
    world.play(252);
    dated
}

#[test]
fn every_boot_of_a_life_is_dated_and_stays_so() {
    let mut world = power_on(Ram::new(), layout());
    let first = world.pod.boot_id();
    lives(&mut world, 1);
    let now = LIFE_NS;
    let expected = [
        (first, now + 1),     // before the host came
        (first + 1, now + 1), // while it was there
        (first + 2, now + 1), // the next, as it began
        (first + 3, now + 1),
        (first + 3, now + 2), // the host again: the others have theirs
    ];
    assert_eq!(said(&mut world), expected);
    let mut world = power_on(world.pod.into_flash(), layout());
    wake(&mut world);
    world.play(252);
    assert_eq!(said(&mut world), expected, "another life has none of them");
    assert_eq!(world.pod.status(0).flags & 8, 8); // CLOCK_UNSET
    let utc_ns = 2 * LIFE_NS;
    world.ok(Command::Anchor { utc_ns });
    assert_eq!(said(&mut world)[5..], [(first + 5, utc_ns)]); // boot 4 took nothing
}

#[test]
fn boots_that_are_in_no_log_are_not_dated_and_give_way_first() {
    let mut world = power_on(Ram::new(), layout());
    let first = world.pod.boot_id();
    for _ in 0..80 {
        wake(&mut world);
    }
    world.play(252);
    for k in 0..64 {
        world.ok(Command::Anchor { utc_ns: k });
    }
    let own: Vec<(u32, i64)> = (0..64).map(|k| (first + 80, k)).collect();
    assert_eq!(said(&mut world), own);
    wake(&mut world); // the boot before is dated once more often than needed
    assert_eq!(said(&mut world)[62..], [(first + 80, 63), (first + 81, 63)]);
}

#[test]
fn a_sensor_that_is_dead_wears_no_flash() {
    let mut world = power_on(Ram::new(), layout());
    world.play(252);
    world.ok(Command::Anchor { utc_ns: 5 });
    block_on(world.pod.sensor_failed());
    let (boot, spent) = (world.pod.boot_id(), world.pod.flash().spent);
    for _ in 0..100 {
        block_on(world.pod.sensor_failed());
    }
    assert_eq!(world.pod.flash().spent, spent);
    world.play(252);
    assert_eq!(said(&mut world), [(boot - 1, 5), (boot, 5)]);
}

#[test]
fn no_cut_gives_a_boot_the_date_of_another_life() {
    let mut whole = power_on(Ram::new(), layout());
    let from = whole.pod.flash().spent;
    lives(&mut whole, 1);
    let to = whole.pod.flash().spent;
    for power in (from..to).step_by(23) {
        let mut flash = Ram::new();
        flash.power = power;
        let mut world = power_on(flash, layout());
        let dated = lives(&mut world, 1);
        let mut world = power_on(world.pod.into_flash().again(), layout());
        let second = world.pod.boot_id();
        let known = said(&mut world);
        for boot in dated.intersection(&logged(&mut world)) {
            assert!(known.iter().any(|(of, _)| of == boot), "cut at {power}");
        }
        lives(&mut world, 2);
        for (boot, utc_ns) in said(&mut world) {
            let life = 1 + i64::from(boot >= second);
            assert_eq!(utc_ns / LIFE_NS, life, "boot {boot}, cut at {power}");
        }
    }
}
