//! Candidates for the events of a stride, each a rule on one leg's signals (positions in samples).
//!
//! The rules, their sources and their limits stand in `candidates.py`.

use crate::arrays::{at, ceil, floor, highest, lowest, part, part_mut, vertex};
use crate::filters::Kernels;
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

/// What the rules find in one stride, nothing subtracted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidates {
    pub(crate) here: Contact,
    pub(crate) following: Contact,
    pub(crate) toe_off: f32,
    /// The other rule's toe-off; walking: the same one.
    pub(crate) bend: f32,
    pub(crate) running: bool,
    pub(crate) swing_peak_radps: f32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Contact {
    pub(crate) contact: f32,
    /// The gyro's zero crossing before it.
    pub(crate) opening: f32,
}

/// All rules on one stride; `None` where the gyro does not cross zero after a mid-swing.
pub(crate) fn find(
    window: &Window,
    kernels: &Kernels,
    scratch: &mut Scratch,
) -> Option<Candidates> {
    let (rate_hz, n) = (window.config.rate_hz, window.n);
    let (wz, wz15, one, two) = scratch.of_rules(n as usize);
    window.gyro(window.gyro_axis(2), 0, wz);
    let half = kernels.rate.half();
    kernels.rate.smooth(wz, part_mut(wz15, half, n - half));
    let wz15 = &*wz15;
    let here = contact_at(window, kernels, wz15, window.swing0, one, two)?;
    let following = contact_at(window, kernels, wz15, window.swing1, one, two)?;
    let reach = floor(PEAK_REACH_S * rate_hz + 0.5);
    let peak = |swing: i32| {
        part(wz15, swing - reach, swing + reach + 1)
            .iter()
            .fold(f32::NEG_INFINITY, |a, b| a.max(*b))
    };
    let (peak0, peak1) = (peak(window.swing0), peak(window.swing1));
    let running = peak0.max(peak1) > RUN_SWING_PEAK_RADPS
        && (following.contact - here.contact) / rate_hz < RUN_STRIDE_S;
    let (start, turn) = early_swing(window, wz15);
    let (toe_off, bend) = if running {
        (
            complement(kernels, wz, start, turn, one, two),
            curvature(wz15, start, turn, one),
        )
    } else {
        let only = toe_off_walking(wz15, start, turn);
        (only, only)
    };
    Some(Candidates {
        here,
        following,
        toe_off,
        bend,
        running,
        swing_peak_radps: peak1,
    })
}

/// Initial contact after a mid-swing: the axial acceleration passes 1 g before the impact peak.
fn contact_at(
    window: &Window,
    kernels: &Kernels,
    wz15: &[f32],
    swing: i32,
    raw: &mut [f32],
    axial: &mut [f32],
) -> Option<Contact> {
    let rate_hz = window.config.rate_hz;
    let tail = part(
        wz15,
        swing,
        swing + floor(ZERO_CROSSING_LIMIT_S * rate_hz + 0.5),
    );
    let below = tail.iter().position(|value| *value < 0.0)? as i32;
    if below == 0 {
        return None;
    }
    let (before, after) = (at(tail, below - 1), at(tail, below));
    let opening = (swing + below - 1) as f32 + before / (before - after);
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

/// (the middle between the mid-swings, the lowest turn rate of early swing).
fn early_swing(window: &Window, wz15: &[f32]) -> (i32, i32) {
    let stride = window.swing1 - window.swing0;
    let (start, stop) = (window.swing1 - stride / 2, window.swing1 - stride / 10);
    (start, start + lowest(part(wz15, start, stop)))
}

/// Toe-off in running: the maximum of what a 15 Hz low-pass takes away, low-passed at 10 Hz.
fn complement(
    kernels: &Kernels,
    wz: &[f32],
    start: i32,
    turn: i32,
    residue: &mut [f32],
    smooth: &mut [f32],
) -> f32 {
    let margin = kernels.outer.half() + 1;
    let (low, high) = (start - margin, turn + margin + 1);
    let residue = part_mut(residue, 0, high - low);
    kernels.inner.smooth_part(wz, low, high, residue);
    for (value, raw) in residue.iter_mut().zip(part(wz, low, high)) {
        *value = raw - *value;
    }
    let smooth = part_mut(smooth, 0, turn - start + 3); // positions start - 1 ... turn + 1
    kernels.outer.smooth(residue, smooth);
    let best = 1 + highest(part(smooth, 1, smooth.len() as i32 - 1));
    (start - 1) as f32 + vertex(smooth, best)
}

/// Toe-off in running by the other rule: the strongest negative curvature.
fn curvature(wz15: &[f32], start: i32, turn: i32, strip: &mut [f32]) -> f32 {
    let strip = part_mut(strip, 0, turn - start + 3); // positions start - 1 ... turn + 1
    for (value, around) in strip
        .iter_mut()
        .zip(part(wz15, start - 2, turn + 3).windows(3))
    {
        if let [before, here, after] = around {
            *value = 2.0 * here - before - after;
        }
    }
    let sharpest = 1 + highest(part(strip, 1, strip.len() as i32 - 1));
    (start - 1) as f32 + vertex(strip, sharpest)
}

/// Toe-off in walking: the lowest turn rate before the next mid-swing.
fn toe_off_walking(wz15: &[f32], start: i32, turn: i32) -> f32 {
    if start < turn {
        vertex(wz15, turn)
    } else {
        turn as f32
    }
}
