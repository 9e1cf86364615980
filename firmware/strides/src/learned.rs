//! The events of a running stride by the networks (`learned/estimator.py`); the rules are the start and the cross-check.

use crate::candidates::Candidates;
use crate::event::Doubt;
use crate::filters::{Kernel, Kernels};
use crate::frame::functional_frame;
use crate::nets::{cubic, sd_s, Grid, GRID_S, NEAR, SETTLED};
use crate::stride::{Scratch, Window, GRID_TIMES};
use crate::table::Table;
use evenstride_protocol::Gait;

const DOUBTED_SD_S: f32 = 0.007;
const OPENING_TO_CONTACT_S: f32 = 0.025;
const STANCE_SHARE: f32 = 0.37;
const CONTACT_STEPS: usize = 8;
const COARSE_STEPS: usize = 6;
const TOE_OFF_STEPS: usize = 9;
const GRID_BEFORE_S: f32 = 0.10;
const GRID_AFTER_S: f32 = 0.40;
const DISAGREE_S: f32 = 0.040;
const WALK_STANCE_S: (f32, f32) = (0.40, 1.20);
const WALK_STANCE_SD_S: f32 = 0.100;

/// Positions in the window, offsets subtracted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Events {
    pub(crate) contact: f32,
    pub(crate) toe_off: f32,
    pub(crate) next_contact: f32,
    /// The gyro's zero crossing before the contact.
    pub(crate) opening: f32,
    pub(crate) swing_peak_radps: f32,
    pub(crate) gait: Gait,
    pub(crate) stance_sd_s: f32,
    pub(crate) doubt: u16,
}

/// The events of a stride; `None` where there is none. `rate_hz` is fitted to the stamps.
pub(crate) fn events(
    window: &Window,
    found: &Candidates,
    kernels: &Kernels,
    table: &Table,
    rate_hz: f32,
    scratch: &mut Scratch,
) -> Option<Events> {
    if !found.running {
        return walking(window, found, table);
    }
    let times = learned(window, found, kernels, table, rate_hz, scratch)?;
    let far = (times.toe_off - found.toe_off)
        .abs()
        .min((times.toe_off - found.bend).abs());
    let mut doubt = 0;
    if far.max((times.contact - found.here.contact).abs()) > DISAGREE_S * rate_hz {
        doubt |= Doubt::CANDIDATES_DISAGREE;
    }
    let trained = table
        .stance_s
        .holds((times.toe_off - times.contact) / rate_hz)
        && table
            .stride_s
            .holds((times.next_contact - times.contact) / rate_hz)
        && table.swing_radps.holds(found.swing_peak_radps);
    if times.stance_sd_s > DOUBTED_SD_S || !trained {
        doubt |= Doubt::OUT_OF_RANGE;
    }
    Some(Events {
        contact: times.contact - table.ic_offset_s * rate_hz,
        toe_off: times.toe_off - table.tc_offset_s * rate_hz,
        next_contact: times.next_contact - table.ic_offset_s * rate_hz,
        opening: found.here.opening,
        swing_peak_radps: found.swing_peak_radps,
        gait: Gait::Run,
        stance_sd_s: times.stance_sd_s,
        doubt,
    })
}

/// Walking by the rules; `None` where the events' order is impossible.
fn walking(window: &Window, found: &Candidates, table: &Table) -> Option<Events> {
    let rate_hz = window.config.rate_hz;
    let offset = table.walk_ic_offset_s * rate_hz;
    let (contact, next_contact) = (
        found.here.contact - offset,
        found.following.contact - offset,
    );
    let stance_s = (found.toe_off - contact) / rate_hz;
    let doubt = if WALK_STANCE_S.0 <= stance_s && stance_s <= WALK_STANCE_S.1 {
        0
    } else {
        Doubt::OUT_OF_RANGE
    };
    (contact < found.toe_off && found.toe_off < next_contact).then_some(Events {
        contact,
        toe_off: found.toe_off,
        next_contact,
        opening: found.here.opening,
        swing_peak_radps: found.swing_peak_radps,
        gait: Gait::Walk,
        stance_sd_s: WALK_STANCE_SD_S,
        doubt,
    })
}

struct Times {
    contact: f32,
    toe_off: f32,
    next_contact: f32,
    stance_sd_s: f32,
}

fn learned(
    window: &Window,
    found: &Candidates,
    kernels: &Kernels,
    table: &Table,
    rate_hz: f32,
    scratch: &mut Scratch,
) -> Option<Times> {
    let step = GRID_S * rate_hz;
    let origin = window.swing0 as f32 - GRID_BEFORE_S * rate_hz;
    let on_grid = |position: f32| (position - origin) / step;
    let grid = sagittal(window, &kernels.smoothing, step, scratch)?;
    let opening = on_grid(found.here.opening);
    let contact = grid.settle(
        opening + OPENING_TO_CONTACT_S / GRID_S,
        &table.contact,
        CONTACT_STEPS,
        SETTLED,
    );
    let stride = (window.swing1 - window.swing0) as f32 / step;
    let coarse = grid.settle(
        contact + STANCE_SHARE * stride,
        &table.toe_off_coarse,
        COARSE_STEPS,
        NEAR,
    );
    let toe_off = grid.settle(coarse, &table.toe_off, TOE_OFF_STEPS, SETTLED);
    // the next contact comes as late after its zero crossing, or nearly
    let following = on_grid(found.following.opening) + contact - opening;
    let next_contact = grid.settle(following, &table.contact, CONTACT_STEPS, SETTLED);
    let checks_s = [
        grid.self_check(contact, &table.contact),
        grid.self_check(toe_off, &table.toe_off),
        grid.step(contact, &table.contact_check),
        grid.step(toe_off, &table.toe_off_check),
    ]
    .map(|check| GRID_S * check);
    Some(Times {
        contact: origin + step * contact,
        toe_off: origin + step * toe_off,
        next_contact: origin + step * next_contact,
        stance_sd_s: sd_s(&table.stride_variance, checks_s),
    })
}

/// Forward and upward specific force, flexion rate, in the functional frame, smoothed, every `step` samples from 0.1 s
/// before the first mid-swing to 0.4 s after the second.
fn sagittal<'g>(
    window: &Window,
    kernel: &Kernel,
    step: f32,
    scratch: &'g mut Scratch,
) -> Option<Grid<'g>> {
    let count = ((window.swing1 - window.swing0) as f32 / step
        + (GRID_BEFORE_S + GRID_AFTER_S) / GRID_S) as usize;
    if count == 0 || count > GRID_TIMES {
        return None;
    }
    let first = window.swing0 as f32 - GRID_BEFORE_S / GRID_S * step - kernel.half() as f32;
    let (signal, values) = scratch.of_grid(window.n as usize);
    for (row, axis) in functional_frame(window).into_iter().enumerate() {
        if row < 2 {
            let scale = window.config.accel_scale;
            window.accel(axis.map(|part| part * scale), 0, signal);
        } else {
            let scale = window.config.gyro_scale;
            window.gyro(axis.map(|part| part * scale), 0, signal);
        }
        let own = values.iter_mut().skip(row).step_by(3).take(count);
        lay_on_grid(signal, kernel, first, step, own);
    }
    values.get(..3 * count).map(|values| Grid { values })
}

/// The smoothed `signal` at the positions first, first + step, ...: cubics through four values. Positions outside are
/// moved to the ends; position 0 is that of the first smoothed value.
fn lay_on_grid<'v>(
    signal: &[f32],
    kernel: &Kernel,
    first: f32,
    step: f32,
    out: impl Iterator<Item = &'v mut f32>,
) {
    let support = 2 * kernel.half() as usize + 1;
    let Some(n) = (signal.len() + 1).checked_sub(support).filter(|n| *n >= 4) else {
        return;
    };
    let smooth = |k: usize| kernel.one(signal.get(k..k + support).unwrap_or(&[]));
    let mut four = [0.0; 4];
    let mut next = usize::MAX; // of the value that would follow the four
    for (j, value) in out.enumerate() {
        let at = (first + step * j as f32).clamp(1.0, (n - 2) as f32);
        let k = (at as usize).min(n - 3);
        if next == usize::MAX {
            next = k - 1;
            four = [0.0; 4];
        }
        while next < k + 3 {
            four = [four[1], four[2], four[3], smooth(next)];
            next += 1;
        }
        *value = cubic(at - k as f32, &four);
    }
}
