//! What is read off a stride once its events are known: impact, turn, a loose pod, and where the sensor's range ended.

use crate::arrays::{at, ceil, floor, highest, part, part_mut};
use crate::filters::Kernels;
use crate::heading::turn;
use crate::learned::Events;
use crate::loose::is_loose;
use crate::stride::{Scratch, Window};
use crate::table::Table;
use evenstride_protocol::Doubt;
use evenstride_protocol::Gait;

pub(crate) const GAP_MARGIN_S: f32 = 0.050;
const RATE_TOLERANCE: f32 = 0.10;
const LOWEST_RATE_HZ: f32 = 199.0; // below it peaks come out too low
const IMPACT_S: f32 = 0.080;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measures {
    pub(crate) axial_mps2: Option<f32>,
    pub(crate) resultant_mps2: Option<f32>,
    pub(crate) loading_mps3: Option<f32>,
    pub(crate) heading_rad: Option<f32>,
    pub(crate) doubt: u16,
}

/// Measures and doubts of a stride whose samples are `period_s` apart.
pub(crate) fn measured(
    window: &Window,
    events: &Events,
    kernels: &Kernels,
    table: &Table,
    period_s: f32,
    scratch: &mut Scratch,
) -> Measures {
    let rate_hz = window.config.rate_hz;
    let half = kernels.impact.half();
    let first = floor(events.contact) - half;
    let high = ceil(events.contact + IMPACT_S * rate_hz) + 1 + half;
    let margin = ceil(GAP_MARGIN_S * rate_hz);
    let opening = floor(events.opening) - margin;
    let mut out = Measures::default();
    let (accel_limit, gyro_limit) = window.config.limits();
    if reaches(window, opening.min(first).max(0), high, 0, accel_limit) {
        out.doubt |= Doubt::CLIPPED;
    }
    if reaches(window, window.swing0, window.swing1, 3, gyro_limit) {
        // the events themselves are read off the gyro
        out.doubt |= Doubt::CLIPPED | Doubt::OUT_OF_RANGE;
    }
    if (period_s * rate_hz - 1.0).abs() > RATE_TOLERANCE {
        out.doubt |= Doubt::OUT_OF_RANGE;
    }
    if events.gait == Gait::Run {
        let (waves, weights) = (&kernels.waves, &table.loose);
        if is_loose(
            window,
            events.contact,
            events.toe_off,
            waves,
            weights,
            scratch,
        ) {
            out.doubt |= Doubt::LOOSE;
        }
    }
    if !window.unbridged(opening, ceil(events.toe_off) + margin + 1) {
        out.doubt |= Doubt::GAP;
    }
    if window.unbridged(opening.min(first), high) && 1.0 / period_s >= LOWEST_RATE_HZ {
        impact(window, first, high, kernels, scratch, &mut out);
        out.loading_mps3 = out
            .loading_mps3
            .map(|loading| loading / (period_s * rate_hz));
    }
    let (from, to) = (ceil(events.contact), floor(events.next_contact) + 1);
    if window.unbridged(from, to) {
        out.heading_rad = turn(window, from, to, period_s);
    }
    out
}

/// Whether a count of the three channels from `channel` on reaches `limit` in positions [low, high).
fn reaches(window: &Window, low: i32, high: i32, channel: usize, limit: i32) -> bool {
    window.counts(low, high - low).any(|counts| {
        counts
            .iter()
            .skip(channel)
            .take(3)
            .any(|count| i32::from(*count).abs() >= limit)
    })
}

/// Peaks of the specific force in the first 80 ms of stance, 60 Hz low-pass, and the slope of the axial one.
fn impact(
    window: &Window,
    first: i32,
    high: i32,
    kernels: &Kernels,
    scratch: &mut Scratch,
    out: &mut Measures,
) {
    let (raw, mut rows) = scratch.of_measures();
    let (raw, n) = (
        part_mut(raw, 0, high - first),
        high - first - 2 * kernels.impact.half(),
    );
    for (axis, row) in rows.iter_mut().enumerate() {
        window.accel(window.accel_axis(axis), first, raw);
        kernels.impact.smooth(raw, part_mut(row, 0, n));
    }
    let [x, y, z] = rows.map(|row| part(row, 0, n));
    let squares = x.iter().zip(y).zip(z);
    let most = squares
        .map(|((x, y), z)| x * x + y * y + z * z)
        .fold(0.0, f32::max);
    let peak = highest(y);
    out.axial_mps2 = Some(at(y, peak));
    out.resultant_mps2 = Some(libm::sqrtf(most));
    out.loading_mps3 = loading(part(y, 0, peak + 1), window.config.rate_hz);
}

/// Mean slope between the last crossings of 20 % and 80 % of the rise; `None` without a rise.
fn loading(rise: &[f32], rate_hz: f32) -> Option<f32> {
    let (low, high) = (*rise.first()?, *rise.last()?);
    if rise.len() < 3 || high <= low {
        return None;
    }
    let first = last_crossing(rise, low + 0.2 * (high - low))?;
    let last = last_crossing(rise, low + 0.8 * (high - low))?;
    (last > first).then(|| 0.6 * (high - low) * rate_hz / (last - first))
}

fn last_crossing(rise: &[f32], level: f32) -> Option<f32> {
    let below = rise.iter().rposition(|value| *value < level)? as i32;
    let (before, after) = (at(rise, below), at(rise, below + 1));
    Some(below as f32 + (level - before) / (after - before))
}
