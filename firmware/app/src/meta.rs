//! What the chunks of the two logs say of their entries.

use crate::chunk::Meta;
use crate::clock::Line;
use crate::strides::Method;

/// A raw chunk's meta: tick of its first sample and period.
pub fn line_meta(line: &Line) -> Meta {
    let mut meta = [0; 12];
    let (tick, period) = meta.split_at_mut(8);
    tick.copy_from_slice(&line.tick_q16.to_le_bytes());
    period.copy_from_slice(&line.period_q16.to_le_bytes());
    meta
}

/// The line of a raw chunk whose first sample is `first`.
pub fn line_of(meta: &Meta, first: u32) -> Line {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *meta;
    Line {
        first,
        tick_q16: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        period_q16: u32::from_le_bytes([i, j, k, l]),
    }
}

/// A record chunk's meta: how its records were made.
pub fn method_meta(method: Method) -> Meta {
    let mut meta = [0; 12];
    let numbers = [
        method.rules,
        method.coefficients_version,
        method.rotation_version,
    ];
    for (to, number) in meta.chunks_exact_mut(2).zip(numbers) {
        to.copy_from_slice(&number.to_le_bytes());
    }
    meta
}

pub fn method_of(meta: &Meta) -> Method {
    let [a, b, c, d, e, f, ..] = *meta;
    Method {
        rules: u16::from_le_bytes([a, b]),
        coefficients_version: u16::from_le_bytes([c, d]),
        rotation_version: u16::from_le_bytes([e, f]),
    }
}
