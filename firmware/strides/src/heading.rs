//! How far the shank turned about the vertical in one stride (`heading.py`), in sensor axes: the answer is the same.

use crate::stride::Window;

const STEP_S: f32 = 0.010;
const LEAST_STEPS: usize = 10;
const SERIES_BELOW: f32 = 0.03;

type Quaternion = [f32; 4];

/// Turn over positions [start, stop), rad, positive to the left; `None` where there is no answer.
pub(crate) fn turn(window: &Window, start: i32, stop: i32, period_s: f32) -> Option<f32> {
    let n = usize::try_from(stop - start).ok()?;
    let step = (crate::arrays::floor(STEP_S / period_s + 0.5)).max(1) as usize;
    if n.div_ceil(step) < LEAST_STEPS {
        return None;
    }
    let (accel, gyro) = (
        window.config.accel_scale,
        window.config.gyro_scale * period_s,
    );
    let mut q = [1.0, 0.0, 0.0, 0.0];
    let mut up = [0.0; 3];
    let mut sums = [0_i32; 6];
    let mut held = 0;
    for (k, counts) in window.counts(start, stop - start).enumerate() {
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += i32::from(*count);
        }
        held += 1;
        if held == step || k + 1 == n {
            let [fx, fy, fz, a, b, c] = sums.map(|sum| sum as f32);
            // half the step's rotation before its force, half after: the force belongs to the middle of the step
            let half = half_turn(a * gyro, b * gyro, c * gyro);
            q = times(q, half);
            let force = turned(q, [fx * accel, fy * accel, fz * accel]);
            for (sum, part) in up.iter_mut().zip(force) {
                *sum += part;
            }
            q = times(q, half);
            (sums, held) = ([0; 6], 0);
        }
    }
    let [ux, uy, uz] = up;
    let norm = libm::sqrtf(ux * ux + uy * uy + uz * uz);
    if norm == 0.0 {
        return None;
    }
    let [w, x, y, z] = q;
    let turn = 2.0 * libm::atan2f((x * ux + y * uy + z * uz) / norm, w);
    let whole = 2.0 * core::f32::consts::PI;
    Some(if turn > core::f32::consts::PI {
        turn - whole
    } else if turn < -core::f32::consts::PI {
        turn + whole
    } else {
        turn
    })
}

/// The rotation by half of the vector (a, b, c), rad.
fn half_turn(a: f32, b: f32, c: f32) -> Quaternion {
    let square = (a * a + b * b + c * c) / 16.0; // of a quarter of the angle
    let (k, real) = if square < SERIES_BELOW {
        (
            0.25 + square * (-1.0 / 24.0 + square * (1.0 / 480.0 - square / 20160.0)),
            1.0 + square * (-0.5 + square * (1.0 / 24.0 - square / 720.0)),
        )
    } else {
        let quarter = libm::sqrtf(square);
        (0.25 * libm::sinf(quarter) / quarter, libm::cosf(quarter))
    };
    [real, k * a, k * b, k * c]
}

fn times(left: Quaternion, right: Quaternion) -> Quaternion {
    let ([w, x, y, z], [p, q, r, s]) = (left, right);
    [
        w * p - x * q - y * r - z * s,
        w * q + x * p + y * s - z * r,
        w * r - x * s + y * p + z * q,
        w * s + x * r - y * q + z * p,
    ]
}

/// `v` turned by `q`.
fn turned(q: Quaternion, v: [f32; 3]) -> [f32; 3] {
    let ([w, x, y, z], [a, b, c]) = (q, v);
    let (tx, ty, tz) = (
        2.0 * (y * c - z * b),
        2.0 * (z * a - x * c),
        2.0 * (x * b - y * a),
    );
    [
        a + w * tx + y * tz - z * ty,
        b + w * ty + z * tx - x * tz,
        c + w * tz + x * ty - y * tx,
    ]
}
