//! The leg's own axes, found from one stride's running (`frame.py`): no calibration, no memory.

use crate::stride::{Axis, Window};

// the mean specific force of running leans 28 degrees behind the tibia
pub(crate) const COS: f32 = 0.882_947_6;
pub(crate) const SIN: f32 = 0.469_471_57;
const SQUARINGS: usize = 6;
const TINY: f32 = 1e-12;

/// x forward, y up the tibia, z the flexion axis, in sensor axes: unit vectors.
pub(crate) fn functional_frame(window: &Window) -> [Axis; 3] {
    let n = i64::from(window.swing1 - window.swing0).max(1);
    let (mut force, mut turn, mut square) = ([0_i32; 3], [0_i32; 3], [0_i64; 6]);
    for [ax, ay, az, gx, gy, gz] in window.counts(window.swing0, n as i32) {
        for (sum, count) in force.iter_mut().zip([ax, ay, az]) {
            *sum += i32::from(*count);
        }
        let g = [i32::from(*gx), i32::from(*gy), i32::from(*gz)];
        for (sum, count) in turn.iter_mut().zip(g) {
            *sum += count;
        }
        let [x, y, z] = g;
        // -32,768 squared still fits
        for (sum, product) in square
            .iter_mut()
            .zip([x * x, x * y, x * z, y * y, y * z, z * z])
        {
            *sum += i64::from(product);
        }
    }
    let [a, b, c] = turn.map(i64::from);
    let [xx, xy, xz, yy, yz, zz] = square;
    let moments = [
        n * xx - a * a,
        n * xy - a * b,
        n * xz - a * c,
        n * yy - b * b,
        n * yz - b * c,
        n * zz - c * c,
    ];
    let mut z = principal_axis(moments.map(|moment| moment as f32));
    if dot(z, swings(window)) < 0.0 {
        z = z.map(|part| -part);
    }
    let force = force.map(|sum| sum as f32 * window.config.accel_scale / n as f32);
    let along = dot(force, z);
    let [mut y0, mut y1, mut y2] = subtract(force, z, along);
    let norm = libm::sqrtf(y0 * y0 + y1 * y1 + y2 * y2) + TINY;
    (y0, y1, y2) = (y0 / norm, y1 / norm, y2 / norm);
    let [z0, z1, z2] = z;
    let x = [y1 * z2 - y2 * z1, y2 * z0 - y0 * z2, y0 * z1 - y1 * z0];
    let y = [y0, y1, y2];
    [mix(COS, x, -SIN, y), mix(SIN, x, COS, y), z]
}

/// The turn rates at the two mid-swings, added, in counts.
fn swings(window: &Window) -> Axis {
    let at = |position: i32| {
        let [.., x, y, z] = window
            .samples
            .at(window.start.wrapping_add_signed(position));
        [f32::from(x), f32::from(y), f32::from(z)]
    };
    mix(1.0, at(window.swing0), 1.0, at(window.swing1))
}

pub(crate) fn dot(one: Axis, other: Axis) -> f32 {
    let ([a, b, c], [x, y, z]) = (one, other);
    a * x + b * y + c * z
}

pub(crate) fn mix(p: f32, one: Axis, q: f32, other: Axis) -> Axis {
    let ([a, b, c], [x, y, z]) = (one, other);
    [p * a + q * x, p * b + q * y, p * c + q * z]
}

fn subtract(from: Axis, axis: Axis, times: f32) -> Axis {
    mix(1.0, from, -times, axis)
}

/// Unit vector of the largest eigenvalue of the symmetric matrix (xx, xy, xz, yy, yz, zz): its 64th power.
pub(crate) fn principal_axis(moments: [f32; 6]) -> Axis {
    let [mut xx, mut xy, mut xz, mut yy, mut yz, mut zz] = moments;
    for _ in 0..SQUARINGS {
        let scale = 1.0 / (xx + yy + zz + f32::MIN_POSITIVE);
        (xx, xy, xz) = (xx * scale, xy * scale, xz * scale);
        (yy, yz, zz) = (yy * scale, yz * scale, zz * scale);
        (xx, xy, xz, yy, yz, zz) = (
            xx * xx + xy * xy + xz * xz,
            xx * xy + xy * yy + xz * yz,
            xx * xz + xy * yz + xz * zz,
            xy * xy + yy * yy + yz * yz,
            xy * xz + yy * yz + yz * zz,
            xz * xz + yz * yz + zz * zz,
        );
    }
    let column = if xx >= yy && xx >= zz {
        [xx, xy, xz]
    } else if yy >= zz {
        [xy, yy, yz]
    } else {
        [xz, yz, zz]
    };
    let norm = libm::sqrtf(dot(column, column)) + f32::MIN_POSITIVE;
    column.map(|part| part / norm)
}
