//! Tables of coefficients: the one in the image is whole, any other is taken whole or not at all.

mod forged;
mod running;

use evenstride_protocol::MAX_TABLE;
use evenstride_strides::{Table, TableError, BUILT_IN};
use forged::with_crc;
use proptest::prelude::*;

const HEADER: usize = 16;

fn refused(bytes: &[u8]) -> Option<TableError> {
    Table::new(bytes).err()
}

#[test]
fn the_table_of_the_image_is_whole_and_fits_the_air() {
    let table = Table::built_in().unwrap();
    assert_eq!((table.version(), table.rules()), (1, 2));
    assert!(BUILT_IN.len() <= MAX_TABLE as usize);
    let longer: Vec<u8> = BUILT_IN.iter().copied().chain([1, 2, 3]).collect();
    assert_eq!(refused(&longer), None, "flash behind a table is not read");
}

#[test]
fn the_table_of_the_image_finds_strides() {
    assert!(forged::forged(&[], 0) >= 2);
}

#[test]
fn events_that_a_table_puts_outside_of_the_stride_are_none() {
    for value in [1e30_f32, -1e30, 3.0, -3.0] {
        let [a, b, c, d] = value.to_le_bytes();
        let at = HEADER as u16; // the offset of the contact
        let found = forged::forged(&[(at, a), (at + 1, b), (at + 2, c), (at + 3, d)], 0);
        assert_eq!(found, 0, "{value}");
    }
}

#[test]
fn a_damaged_table_is_refused() {
    for n in [0, 3, 15, 16, 100, BUILT_IN.len() - 1] {
        assert_eq!(refused(&BUILT_IN[..n]), Some(TableError::Layout), "{n}");
    }
    for at in [16, 90, 4000, BUILT_IN.len() - 1] {
        let mut bytes = BUILT_IN.to_vec();
        bytes[at] ^= 0x10;
        assert_eq!(refused(&bytes), Some(TableError::Crc), "{at}");
    }
    for at in [0, 6] {
        let mut bytes = BUILT_IN.to_vec();
        bytes[at] ^= 1;
        assert_eq!(refused(&bytes), Some(TableError::Layout));
    }
}

#[test]
fn a_table_that_says_nonsense_is_refused() {
    let with = |at: usize, value: &[u8]| {
        let mut bytes = BUILT_IN.to_vec();
        bytes[at..at + value.len()].copy_from_slice(value);
        refused(&with_crc(bytes))
    };
    let nan = f32::NAN.to_le_bytes();
    assert_eq!(with(HEADER, &nan), Some(TableError::Value));
    assert_eq!(
        with(HEADER + 12, &9.0_f32.to_le_bytes()),
        Some(TableError::Value),
        "bounds the wrong way round"
    );
    assert_eq!(
        with(HEADER + 36, &(-1.0_f32).to_le_bytes()),
        Some(TableError::Value),
        "a negative variance"
    );
    let net = HEADER + 4 * 28;
    assert_eq!(
        with(net + 4, &1_u16.to_le_bytes()),
        Some(TableError::Size),
        "inputs not by threes"
    );
    assert_eq!(
        with(net + 4, &600_u16.to_le_bytes()),
        Some(TableError::Size)
    );
    assert_eq!(with(net + 6, &0_u16.to_le_bytes()), Some(TableError::Size));
    assert_eq!(
        with(net + 6, &33_u16.to_le_bytes()),
        Some(TableError::Size),
        "then the next network is not one"
    );
    assert_eq!(with(net + 8, &nan), Some(TableError::Value));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_table_is_refused_or_finds_strides(changes in prop::collection::vec(any::<(u16, u8)>(), 1..6), cut in 0..2 * BUILT_IN.len()) {
        forged::forged(&changes, cut);
    }
}
