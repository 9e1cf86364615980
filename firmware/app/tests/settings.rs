//! What outlives the power in the map of settings.

mod world;

use embassy_futures::block_on;
use evenstride_app::Layout;
use evenstride_protocol::{Command, PodFlag, PodStatus};
use sequential_storage::cache::{Cache, Uncached};
use sequential_storage::map::{MapConfig, MapStorage};
use world::{power_on, Ram, World};

const BONDS: u8 = 8;
/// More than this firmware keeps under any key.
const LARGE: [u8; 2_000] = [0x5A; 2_000];

fn map(flash: &mut Ram) -> MapStorage<u8, &mut Ram, Cache<Uncached, Uncached, Uncached, u8>> {
    let config = MapConfig::try_new(Layout::default().settings).unwrap();
    MapStorage::new(flash, config, Cache::new_uncached())
}

fn is_faulty(world: &mut World) -> bool {
    let status = PodStatus::decode(&world.ok(Command::GetStatus)).unwrap();
    status.flags & PodFlag::FLASH_FAULT != 0
}

/// As another firmware may leave behind: a fault, and no reason to forget everything.
#[test]
fn a_value_that_is_too_large_to_read_is_not_erased() {
    let mut flash = power_on(Ram::new(), Layout::default()).pod.into_flash();
    let mut room = [0; 4_000];
    block_on(map(&mut flash).store_item(&mut room, &BONDS, &&LARGE[..])).unwrap();
    let mut world = power_on(flash, Layout::default());
    assert!(is_faulty(&mut world));
    let mut flash = world.pod.into_flash();
    let kept = block_on(map(&mut flash).fetch_item::<&[u8]>(&mut room, &BONDS)).unwrap();
    assert_eq!(kept, Some(&LARGE[..]));
}

#[test]
fn a_map_that_is_none_is_erased() {
    let mut flash = Ram::new();
    let settings = Layout::default().settings;
    flash.bytes[settings.start as usize..settings.end as usize].fill(0);
    let world = power_on(flash, Layout::default());
    let boot = world.pod.boot_id();
    let mut world = power_on(world.pod.into_flash(), Layout::default());
    assert!(!is_faulty(&mut world));
    assert_eq!(world.pod.boot_id(), boot + 1);
}
