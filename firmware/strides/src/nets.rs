//! A network that looks at a window around a guess and says how much later the event is; and the walk that asks it.

use crate::arrays::at;
use crate::grid::Grid;
use crate::table::{floats, Net, MAX_INPUTS};

const SPACING: usize = 6; // grid steps between two values of a window: 15 ms
const STEP_LIMIT: f32 = 10.0; // grid steps: the largest single correction, 25 ms
/// A smaller step ends a walk, grid steps: 0.05 ms; and 2 ms, near enough for the next network.
pub(crate) const SETTLED: f32 = 0.02;
pub(crate) const NEAR: f32 = 0.8;
const SELF_SHIFTS: [f32; 4] = [-6.0, -3.0, 3.0, 6.0];

/// The grid's values at position `from` and every 15 ms after it, straight between neighbours. A window that would
/// leave the grid is moved to its end.
fn read(grid: &mut Grid, from: f32, out: &mut [f32]) {
    let last = (out.len() / 3).saturating_sub(1) * SPACING + 1;
    let highest = (grid.times as f32 - 1.0 - last as f32).max(0.0);
    let inside = from.max(0.0).min(highest);
    let first = inside as usize;
    let t = inside - first as f32;
    let stays = 1.0 - t;
    let rows = grid.rows(first, first + last + 1);
    for (around, value) in rows.chunks(3 * SPACING).zip(out.chunks_exact_mut(3)) {
        if let ([a, b, c, d, e, f, ..], [x, y, z]) = (around, value) {
            (*x, *y, *z) = (stays * a + t * d, stays * b + t * e, stays * c + t * f);
        }
    }
}

/// How much later than `guess` the event is, grid steps, at most 25 ms either way.
pub(crate) fn step(grid: &mut Grid, guess: f32, net: &Net) -> f32 {
    let mut window = [0.0; MAX_INPUTS];
    let Some(window) = window.get_mut(..net.inputs) else {
        return 0.0;
    };
    read(grid, guess + net.start, window);
    let mut answer = 0.0;
    let units = net.first.chunks_exact(4 * net.inputs);
    for ((weights, bias), second) in units.zip(floats(net.first_bias)).zip(floats(net.second)) {
        let sum = weighted(weights, window);
        answer += second * (sum + bias).max(0.0);
    }
    (answer + net.second_bias).clamp(-STEP_LIMIT, STEP_LIMIT)
}

/// Where the guess comes to rest: after a step below `settled`, or after `most` steps.
pub(crate) fn settle(grid: &mut Grid, guess: f32, net: &Net, most: usize, settled: f32) -> f32 {
    let mut guess = guess;
    for _ in 0..most {
        let step = step(grid, guess, net);
        guess += step;
        if step.abs() < settled {
            break;
        }
    }
    guess
}

/// How badly the answer follows when the window is moved by 7.5 and 15 ms either way (rms, grid steps).
pub(crate) fn self_check(grid: &mut Grid, guess: f32, net: &Net) -> f32 {
    let mut total = 0.0;
    for shift in SELF_SHIFTS {
        let off = step(grid, guess + shift, net) + shift;
        total += off * off;
    }
    libm::sqrtf(total / SELF_SHIFTS.len() as f32)
}

/// Sum of the values, each times its weight; three at a time, since a loop costs more than a multiplication.
fn weighted(weights: &[u8], values: &[f32]) -> f32 {
    let mut sum = 0.0;
    for (three, bytes) in values.chunks_exact(3).zip(weights.chunks_exact(12)) {
        if let ([x, y, z], Some(&[a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3])) =
            (three, bytes.first_chunk::<12>())
        {
            sum += f32::from_le_bytes([a0, a1, a2, a3]) * x;
            sum += f32::from_le_bytes([b0, b1, b2, b3]) * y;
            sum += f32::from_le_bytes([c0, c1, c2, c3]) * z;
        }
    }
    sum
}

/// Error SD from the four checks (s): sqrt(a + sum of b check^2), each check counted up to 30 ms.
pub(crate) fn sd_s(variance: &[f32; 5], checks_s: [f32; 4]) -> f32 {
    const CHECK_LIMIT_S: f32 = 0.030;
    let mut total = at(variance, 0);
    for (check, weight) in checks_s.iter().zip(variance.iter().skip(1)) {
        let check = check.abs().min(CHECK_LIMIT_S);
        total += weight * check * check;
    }
    libm::sqrtf(total)
}
