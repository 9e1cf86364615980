//! Lives of a pod drawn at random: what its log says is there, a start changes nothing of it, and what is acknowledged or
//! erased never comes back.

mod world;

use std::collections::HashMap;

use evenstride_app::Layout;
use evenstride_protocol::{Command, Log};
use world::numbered::{check, held, pod, Numbered, EVERY};
use world::{Ram, World};

/// xorshift64*.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % u64::from(n)) as u32
    }
}

/// Of each log and boot, below what nothing may be left.
type Forgotten = HashMap<(u8, u32), u32>;

const LOGS: [Log; 2] = [Log::Raw, Log::Records];

fn all(world: &mut World<Numbered>) -> [Vec<(u32, u32, u32)>; 2] {
    LOGS.map(|log| held(world, log))
}

fn acknowledge(world: &mut World<Numbered>, dice: &mut Dice, forgotten: &mut Forgotten) {
    let log = LOGS[dice.below(2) as usize];
    let ranges = held(world, log);
    if ranges.is_empty() {
        return;
    }
    let (boot_id, first, end) = ranges[dice.below(ranges.len() as u32) as usize];
    let end = first + 1 + dice.below(end - first);
    world.ok(Command::AckLog { boot_id, end, log });
    forgotten.insert((log as u8, boot_id), end);
}

fn erase(world: &mut World<Numbered>, forgotten: &mut Forgotten) {
    for (log, ranges) in LOGS.into_iter().zip(all(world)) {
        for (boot, _, end) in ranges {
            forgotten.insert((log as u8, boot), end);
        }
    }
    (world.link.encrypted, world.link.bonded) = (true, true);
    world.ok(Command::EraseLog);
    assert_eq!(all(world), [vec![], vec![]]);
}

fn life(seed: u64) {
    let layout = Layout::with_pages(2 + (seed % 3) as usize, 2 + (seed % 4) as usize);
    let mut dice = Dice(seed * 977 + 1);
    let mut forgotten = Forgotten::new();
    let mut world = pod(Ram::new(), layout.clone());
    for _ in 0..25 {
        match dice.below(12) {
            0..=5 => world.play(EVERY * dice.below(120)),
            6..=7 => acknowledge(&mut world, &mut dice, &mut forgotten),
            8 if dice.below(3) == 0 => erase(&mut world, &mut forgotten),
            8..=9 => {
                let before = all(&mut world);
                world = pod(world.pod.into_flash(), layout.clone());
                assert_eq!(all(&mut world), before, "seed {seed}");
            }
            10 => {
                let rate_mhz = [208_000, 416_000][dice.below(2) as usize];
                world.ok(Command::SetRate { rate_mhz });
            }
            _ => {
                let flash = world.pod.flash_mut();
                flash.power = flash.spent + dice.below(9_000) as usize;
                world.play(EVERY * dice.below(120));
                world = pod(world.pod.into_flash().again(), layout.clone());
            }
        }
        for (log, ranges) in LOGS.into_iter().zip(all(&mut world)) {
            assert!(ranges.is_sorted(), "seed {seed}: {ranges:?}");
            for (boot, first, end) in ranges {
                assert!(first < end);
                let gone = forgotten.get(&(log as u8, boot)).copied().unwrap_or(0);
                assert!(first >= gone, "seed {seed}: {boot} {first} of {gone}");
            }
        }
    }
    check(&mut world);
}

#[test]
fn the_log_keeps_its_word_in_any_life() {
    for seed in 0..150 {
        life(seed);
    }
}

#[test]
fn ranges_of_many_boots_come_page_by_page() {
    let mut flash = Ram::new();
    for _ in 0..12 {
        let mut world = pod(flash, Layout::default());
        world.play(45);
        all(&mut world);
        flash = world.pod.into_flash();
    }
    let mut world = pod(flash, Layout::default());
    let [raw, records] = all(&mut world);
    let boot = world.pod.boot_id();
    let expected = |n: u32| (boot - 12..boot).map(|of| (of, 0, n)).collect::<Vec<_>>();
    assert_eq!((raw, records), (expected(45), expected(5)));
}
