//! A network that looks at a window around a guess and says how much later the event is; and the walk that asks it.

use crate::arrays::at;
use crate::table::{floats, Net, MAX_INPUTS};

pub(crate) const GRID_S: f32 = 0.0025;
const SPACING: usize = 6; // grid steps between two values of a window: 15 ms
const STEP_LIMIT: f32 = 10.0; // grid steps: the largest single correction, 25 ms
/// A smaller step ends a walk, grid steps: 0.05 ms; and 2 ms, near enough for the next network.
pub(crate) const SETTLED: f32 = 0.02;
pub(crate) const NEAR: f32 = 0.8;
const SELF_SHIFTS: [f32; 4] = [-6.0, -3.0, 3.0, 6.0];

/// Three sagittal signals every 2.5 ms, time by time.
pub(crate) struct Grid<'g> {
    pub(crate) values: &'g [f32],
}

impl Grid<'_> {
    /// Values at grid position `from` and every 15 ms after it, straight between neighbours. A window that would leave
    /// the grid is moved to its end.
    fn read(&self, from: f32, out: &mut [f32]) {
        let times = out.len() / 3;
        let rows = (self.values.len() / 3) as f32;
        let last = (times.saturating_sub(1) * SPACING + 1) as f32;
        let inside = from.max(0.0).min(rows - 1.0 - last).max(0.0);
        let row = inside as usize;
        let t = inside - row as f32;
        let mut start = 3 * row;
        for value in out.chunks_exact_mut(3) {
            let around = self.values.get(start..start + 6).unwrap_or(&[]);
            if let ([a, b, c, d, e, f], [x, y, z]) = (around, value) {
                let stays = 1.0 - t;
                (*x, *y, *z) = (stays * a + t * d, stays * b + t * e, stays * c + t * f);
            }
            start += 3 * SPACING;
        }
    }

    /// How much later than `guess` the event is, grid steps, at most 25 ms either way.
    pub(crate) fn step(&self, guess: f32, net: &Net) -> f32 {
        let mut window = [0.0; MAX_INPUTS];
        let Some(window) = window.get_mut(..net.inputs) else {
            return 0.0;
        };
        self.read(guess + net.start, window);
        let mut answer = 0.0;
        let units = net.first.chunks_exact(4 * net.inputs);
        for ((weights, bias), second) in units.zip(floats(net.first_bias)).zip(floats(net.second)) {
            let mut sum = 0.0;
            for (weight, value) in floats(weights).zip(&*window) {
                sum += weight * value;
            }
            answer += second * (sum + bias).max(0.0);
        }
        (answer + net.second_bias).clamp(-STEP_LIMIT, STEP_LIMIT)
    }

    /// Where the guess comes to rest: after a step below `settled`, or after `most` steps.
    pub(crate) fn settle(&self, guess: f32, net: &Net, most: usize, settled: f32) -> f32 {
        let mut guess = guess;
        for _ in 0..most {
            let step = self.step(guess, net);
            guess += step;
            if step.abs() < settled {
                break;
            }
        }
        guess
    }

    /// How badly the answer follows when the window is moved by 7.5 and 15 ms either way (rms, grid steps).
    pub(crate) fn self_check(&self, guess: f32, net: &Net) -> f32 {
        let mut total = 0.0;
        for shift in SELF_SHIFTS {
            let off = self.step(guess + shift, net) + shift;
            total += off * off;
        }
        libm::sqrtf(total / SELF_SHIFTS.len() as f32)
    }
}

/// Between `four[1]` (t = 0) and `four[2]` (t = 1): the cubic through four values.
pub(crate) fn cubic(t: f32, four: &[f32; 4]) -> f32 {
    let [before, here, after, beyond] = *four;
    let (slope, bend) = (after - before, before - 2.0 * here + after);
    let twist = (beyond - before) / 6.0 - 0.5 * (after - here);
    here + t * (0.5 * slope - twist + t * (0.5 * bend + t * twist))
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
