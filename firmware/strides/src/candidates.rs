//! Candidates for the events of a stride, each a rule on one leg's signals (positions in samples).
//!
//! The rules, their sources and their limits stand in `candidates.py`. The gyro is low-passed only where a rule looks:
//! extremes and crossings are first looked for every 10 ms, which is dense for what is left below 15 Hz.

use crate::arrays::{at, ceil, floor, highest, part, part_mut, vertex};
use crate::filters::{Kernel, Kernels};
use crate::stride::{Scratch, Window};

const ZERO_CROSSING_LIMIT_S: f32 = 0.40;
const RUN_SWING_PEAK_RADPS: f32 = 5.235_987_7; // 300 deg/s
const RUN_STRIDE_S: f32 = 0.95;
const PEAK_REACH_S: f32 = 0.060;
const IMPACT_BEFORE_S: f32 = 0.030;
const IMPACT_AFTER_S: f32 = 0.110;
const WALK_BACK_S: f32 = 0.060;
const ZERO_CROSSING_TO_CONTACT_S: f32 = 0.025;
const GRAVITY_MPS2: f32 = 9.806_65;
const LOOK_S: f32 = 0.010;

/// What the rules find in one stride, nothing subtracted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidates {
    pub(crate) here: Contact,
    pub(crate) following: Contact,
    /// Running: the sharpest bend of early swing; walking: its lowest turn rate.
    pub(crate) toe_off: f32,
    pub(crate) running: bool,
    pub(crate) swing_peak_radps: f32,
    /// The middle between the mid-swings, and the lowest turn rate of early swing.
    early_swing: (i32, i32),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Contact {
    pub(crate) contact: f32,
    /// The gyro's zero crossing before it.
    pub(crate) opening: f32,
}

/// A signal, low-passed where it is asked for.
struct Smooth<'s> {
    signal: &'s [f32],
    kernel: &'s Kernel,
    look: i32,
}

impl Smooth<'_> {
    fn at(&self, k: i32) -> f32 {
        let half = self.kernel.half();
        self.kernel.one(part(self.signal, k - half, k + half + 1))
    }

    /// Position and value of the highest (`sign` 1) or lowest (-1) value in [start, stop).
    fn extreme(&self, start: i32, stop: i32, sign: f32) -> (i32, f32) {
        let (mut best, mut found) = (f32::NEG_INFINITY, start);
        let look = |k: i32, best: &mut f32, found: &mut i32| {
            let value = sign * self.at(k);
            if value > *best {
                (*best, *found) = (value, k);
            }
        };
        let mut k = start;
        while k < stop {
            look(k, &mut best, &mut found);
            k += self.look;
        }
        look(stop - 1, &mut best, &mut found);
        let near = found;
        for k in (near - self.look + 1).max(start)..(near + self.look).min(stop) {
            if k != near {
                look(k, &mut best, &mut found);
            }
        }
        (found, sign * best)
    }

    /// Where it falls through zero in [start, stop), interpolated; `None` where it is below at `start` or never.
    fn zero_crossing(&self, start: i32, stop: i32) -> Option<f32> {
        if self.at(start) < 0.0 {
            return None;
        }
        let mut seen = start;
        while seen < stop - 1 {
            let next = (seen + self.look).min(stop - 1);
            if self.at(next) < 0.0 {
                let mut before = self.at(seen);
                for k in seen + 1..=next {
                    let here = self.at(k);
                    if here < 0.0 {
                        return Some((k - 1) as f32 + before / (before - here));
                    }
                    before = here;
                }
            }
            seen = next;
        }
        None
    }
}

/// All rules on one stride; `None` where the gyro does not cross zero after a mid-swing.
pub(crate) fn find(
    window: &Window,
    kernels: &Kernels,
    scratch: &mut Scratch,
) -> Option<Candidates> {
    let rate_hz = window.config.rate_hz;
    let (wz, one, two) = scratch.of_rules(window.n);
    window.gyro(window.gyro_axis(2), 0, wz);
    let wz15 = Smooth {
        signal: wz,
        kernel: &kernels.rate,
        look: floor(LOOK_S * rate_hz).max(1),
    };
    let here = contact_at(window, kernels, &wz15, window.swing0, one, two)?;
    let following = contact_at(window, kernels, &wz15, window.swing1, one, two)?;
    let reach = floor(PEAK_REACH_S * rate_hz + 0.5);
    let peak = |swing: i32| wz15.extreme(swing - reach, swing + reach + 1, 1.0).1;
    let (peak0, peak1) = (peak(window.swing0), peak(window.swing1));
    let running = peak0.max(peak1) > RUN_SWING_PEAK_RADPS
        && (following.contact - here.contact) / rate_hz < RUN_STRIDE_S;
    let stride = window.swing1 - window.swing0;
    let (start, stop) = (window.swing1 - stride / 2, window.swing1 - stride / 10);
    let (turn, _) = wz15.extreme(start, stop, -1.0);
    Some(Candidates {
        here,
        following,
        toe_off: if running {
            bend(&wz15, start, turn, one, two)
        } else {
            lowest_turn(&wz15, start, turn)
        },
        running,
        swing_peak_radps: peak1,
        early_swing: (start, turn),
    })
}

/// Initial contact after a mid-swing: the axial acceleration passes 1 g before the impact peak.
fn contact_at(
    window: &Window,
    kernels: &Kernels,
    wz15: &Smooth,
    swing: i32,
    raw: &mut [f32],
    axial: &mut [f32],
) -> Option<Contact> {
    let rate_hz = window.config.rate_hz;
    let limit = floor(ZERO_CROSSING_LIMIT_S * rate_hz + 0.5);
    let opening = wz15.zero_crossing(swing, swing + limit)?;
    let start = ceil(opening - IMPACT_BEFORE_S * rate_hz);
    let stop = floor(opening + IMPACT_AFTER_S * rate_hz) + 1;
    let back = ceil(WALK_BACK_S * rate_hz);
    // the strip begins where walking back may end
    let (origin, half) = (start - back, kernels.impact.half());
    let raw = part_mut(raw, 0, stop - origin + 2 * half);
    window.accel(window.accel_axis(1), origin - half, raw);
    let axial = part_mut(axial, 0, stop - origin);
    kernels.impact.smooth(raw, axial);
    let peak = start + highest(part(axial, back, stop - origin));
    let lowest = (peak - back).max(0);
    let mut k = peak - 1;
    while k >= lowest && at(axial, k - origin) > GRAVITY_MPS2 {
        k -= 1;
    }
    // the axial rule found nothing: clipped, or a soft landing
    if k < lowest || at(axial, peak - origin) <= GRAVITY_MPS2 {
        return Some(Contact {
            contact: opening + ZERO_CROSSING_TO_CONTACT_S * rate_hz,
            opening,
        });
    }
    let (low, high) = (at(axial, k - origin), at(axial, k + 1 - origin));
    Some(Contact {
        contact: k as f32 + (GRAVITY_MPS2 - low) / (high - low),
        opening,
    })
}

/// Toe-off in running by the strongest negative curvature.
fn bend(wz15: &Smooth, start: i32, turn: i32, smooth: &mut [f32], curvature: &mut [f32]) -> f32 {
    let smooth = part_mut(smooth, 0, turn - start + 5); // positions start - 2 ... turn + 2
    wz15.kernel
        .smooth_part(wz15.signal, start - 2, turn + 3, smooth);
    let curvature = part_mut(curvature, 0, turn - start + 3);
    for (value, around) in curvature.iter_mut().zip(smooth.windows(3)) {
        if let [before, here, after] = around {
            *value = 2.0 * here - before - after;
        }
    }
    peak_of(curvature, start)
}

/// Toe-off in walking: the lowest turn rate before the next mid-swing.
fn lowest_turn(wz15: &Smooth, start: i32, turn: i32) -> f32 {
    if start >= turn {
        return turn as f32;
    }
    let around = [wz15.at(turn - 1), wz15.at(turn), wz15.at(turn + 1)];
    (turn - 1) as f32 + vertex(&around, 1)
}

/// Toe-off in running by the other rule: the maximum of what a 15 Hz low-pass takes away, low-passed at 10 Hz.
pub(crate) fn complement(
    window: &Window,
    found: &Candidates,
    kernels: &Kernels,
    scratch: &mut Scratch,
) -> f32 {
    let (start, turn) = found.early_swing;
    let (wz, residue, smooth) = scratch.of_rules(window.n);
    window.gyro(window.gyro_axis(2), 0, wz);
    let margin = kernels.outer.half() + 1;
    let (low, high) = (start - margin, turn + margin + 1);
    let residue = part_mut(residue, 0, high - low);
    kernels.inner.smooth_part(wz, low, high, residue);
    for (value, raw) in residue.iter_mut().zip(part(wz, low, high)) {
        *value = raw - *value;
    }
    let smooth = part_mut(smooth, 0, turn - start + 3);
    kernels.outer.smooth(residue, smooth);
    peak_of(smooth, start)
}

/// Position of the highest of `values`, which begin at `start` - 1 and end one behind the last that counts.
fn peak_of(values: &[f32], start: i32) -> f32 {
    let best = 1 + highest(part(values, 1, values.len() as i32 - 1));
    (start - 1) as f32 + vertex(values, best)
}
