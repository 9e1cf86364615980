//! A table of coefficients that says anything, with the right CRC-32: for the properties and for the fuzzer.

use evenstride_protocol::{crc32, StrideRecord};
use evenstride_strides::{Detector, Table, BUILT_IN};

use crate::running::Leg;

const HEADER: usize = 16;
const SAMPLES: u32 = 1300; // 3 s: a stride or two

pub fn with_crc(mut bytes: Vec<u8>) -> Vec<u8> {
    let crc = crc32(&bytes[HEADER..]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The image's table with bytes changed (each change: where, 16 bits, and what), and then cut. Refused, or strides are
/// found with it that can be sent: how many with the whole one.
pub fn forged(changes: &[(u16, u8)], cut: usize) -> usize {
    let mut bytes = BUILT_IN.to_vec();
    for (at, value) in changes {
        let n = bytes.len();
        bytes[usize::from(*at) % n] = *value;
    }
    let mut bytes = with_crc(bytes);
    let found = found_with(&bytes);
    bytes.truncate(cut.max(HEADER).min(bytes.len()));
    found_with(&with_crc(bytes));
    found
}

fn found_with(bytes: &[u8]) -> usize {
    let Ok(table) = Table::new(bytes) else {
        return 0;
    };
    let mut found = 0;
    let leg = Leg::running();
    let mut detector = Box::new(Detector::new(leg.config(), table).expect("a sensor that can be"));
    for index in 0..SAMPLES {
        if index % 18 == 0 {
            detector.stamp(index, leg.tick(index));
        }
        detector.push(leg.counts(index));
        if let Some(stride) = detector.poll() {
            let mut out = [0; StrideRecord::SIZE];
            let record = stride.record();
            assert_eq!(record.encode(&mut out), Some(StrideRecord::SIZE));
            assert_eq!(StrideRecord::decode(&out), Ok(record));
            found += 1;
        }
    }
    found
}
