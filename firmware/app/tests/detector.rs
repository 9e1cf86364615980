//! Coefficients and rotations over Control, with the detector that ships.

mod world;

use evenstride_app::{Layout, OnPod};
use evenstride_protocol::{crc32, Command, Info, Status, Table};
use evenstride_strides::BUILT_IN;
use world::{plan, with_detector, Ram, World};

fn pod(flash: Ram) -> World<OnPod> {
    let plan = plan(Layout::default());
    let detector = OnPod::new(&plan);
    with_detector(flash, plan, detector)
}

fn sent(world: &mut World<OnPod>, table: Table, version: u16, content: &[u8]) -> Status {
    world.ok(Command::TableBegin {
        table,
        version,
        length: content.len() as u32,
        crc32: crc32(content),
    });
    for (k, data) in content.chunks(238).enumerate() {
        let offset = 238 * k as u32;
        world.ok(Command::TableChunk { offset, data });
    }
    world.say(Command::TableCommit).0
}

fn versions(world: &World<OnPod>) -> (u16, u16) {
    let mut out = [0; 244];
    let size = world.pod.info(&mut out);
    let info = Info::decode(&out[..size]).unwrap();
    (info.coefficients_version, info.rotation_version)
}

fn rotation(rows: [f32; 9]) -> Vec<u8> {
    rows.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn coefficients_are_replaced_as_often_as_wanted_and_outlive_the_power() {
    let mut world = pod(Ram::new());
    assert_eq!(versions(&world), (0, 0));
    for version in 5..9 {
        assert_eq!(
            sent(&mut world, Table::Coefficients, version, BUILT_IN),
            Status::Ok
        );
        assert_eq!(versions(&world).0, version);
        world.play(90);
    }
    let world = pod(world.pod.into_flash());
    assert_eq!(versions(&world).0, 8);
}

#[test]
fn a_table_that_is_none_is_refused_and_the_old_one_stays() {
    let mut world = pod(Ram::new());
    assert_eq!(
        sent(&mut world, Table::Coefficients, 5, &BUILT_IN[..500]),
        Status::NotSupported
    );
    let mirror = rotation([-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(
        sent(&mut world, Table::Rotation, 6, &mirror),
        Status::NotSupported
    );
    let turned = rotation([0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(
        sent(&mut world, Table::Rotation, 0x8001, &turned),
        Status::NotSupported
    );
    assert_eq!(versions(&world), (0, 0));
    assert_eq!(sent(&mut world, Table::Rotation, 6, &turned), Status::Ok);
    let world = pod(world.pod.into_flash());
    assert_eq!(versions(&world), (0, 6));
}
