//! The events of a running stride by the networks (`learned/estimator.py`); the rules are the start and the cross-check.

use crate::candidates::{complement, Candidates};
use crate::filters::Kernels;
use crate::grid::{Grid, GRID_S};
use crate::nets::{sd_s, self_check, settle, step, NEAR, SETTLED};
use crate::stride::{Scratch, Window};
use crate::table::Table;
use evenstride_protocol::Doubt;
use evenstride_protocol::Gait;

const DOUBTED_SD_S: f32 = 0.007;
const OPENING_TO_CONTACT_S: f32 = 0.025;
const STANCE_SHARE: f32 = 0.37;
const CONTACT_STEPS: usize = 8;
const COARSE_STEPS: usize = 6;
const TOE_OFF_STEPS: usize = 9;
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
    let mut doubt = 0;
    let far = |one: f32, other: f32| (one - other).abs() > DISAGREE_S * rate_hz;
    // the second rule for toe-off is asked only where the first one disagrees
    if far(times.contact, found.here.contact)
        || far(times.toe_off, found.toe_off)
            && far(times.toe_off, complement(window, found, kernels, scratch))
    {
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
    let grid = &mut Grid::new(window, &kernels.smoothing, rate_hz, scratch)?;
    let (origin, width) = (grid.origin, grid.step);
    let on_grid = |position: f32| (position - origin) / width;
    let opening = on_grid(found.here.opening);
    let guess = opening + OPENING_TO_CONTACT_S / GRID_S;
    let contact = settle(grid, guess, &table.contact, CONTACT_STEPS, SETTLED);
    let stride = (window.swing1 - window.swing0) as f32 / width;
    let guess = contact + STANCE_SHARE * stride;
    let coarse = settle(grid, guess, &table.toe_off_coarse, COARSE_STEPS, NEAR);
    let toe_off = settle(grid, coarse, &table.toe_off, TOE_OFF_STEPS, SETTLED);
    // the next contact comes as late after its zero crossing, or nearly
    let guess = on_grid(found.following.opening) + contact - opening;
    let next_contact = settle(grid, guess, &table.contact, CONTACT_STEPS, SETTLED);
    let checks_s = [
        self_check(grid, contact, &table.contact),
        self_check(grid, toe_off, &table.toe_off),
        step(grid, contact, &table.contact_check),
        step(grid, toe_off, &table.toe_off_check),
    ]
    .map(|check| GRID_S * check);
    Some(Times {
        contact: origin + width * contact,
        toe_off: origin + width * toe_off,
        next_contact: origin + width * next_contact,
        stance_sd_s: sd_s(&table.stride_variance, checks_s),
    })
}
