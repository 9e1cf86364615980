//! One pod's samples -> strides in pod time.

use crate::arrays::{ceil, floor};
use crate::candidates;
use crate::config::{Config, ConfigError};
use crate::event::StrideEvent;
use crate::filters::Kernels;
use crate::learned;
use crate::measures::measured;
use crate::samples::{Counts, Samples};
use crate::stamps::Stamps;
use crate::stride::{Scratch, Window};
use crate::swings::Swings;
use crate::table::Table;

const BRIDGE_S: f32 = 0.040;
const STRIDE_S: (f32, f32) = (0.4, 2.0); // between mid-swings: sprinting to slow walking
const BEFORE_S: f32 = 0.15;
const AFTER_S: f32 = 0.62;
const STAMP_REACH_S: f32 = 10.0; // where a stride's own window holds too few stamps
const PENDING: usize = 4;

/// Strides of one leg, streaming: about 40 KB that never grow. In small memory best made in place: `idle` as a constant,
/// then `set_table` and `reconfigure`.
///
/// Each stride is a function of the samples in a fixed window around it. A stride whose window is not whole (start of
/// the stream, a gap of more than 40 ms) does not exist; shorter gaps are bridged linearly.
pub struct Detector<'t> {
    config: Config,
    table: Option<Table<'t>>,
    kernels: Kernels,
    samples: Samples,
    stamps: Stamps,
    swings: Swings,
    scratch: Scratch,
    spans: Spans,
    /// Samples that are missing before the next one.
    missing: u32,
    last_swing: Option<u32>,
    pending: [Option<(u32, u32)>; PENDING],
}

/// Durations in samples.
struct Spans {
    before: u32,
    after: u32,
    shortest: u32,
    longest: u32,
    bridge: u32,
    stamp_reach: u32,
}

impl Spans {
    const NONE: Self = Self {
        before: 0,
        after: 0,
        shortest: 0,
        longest: 0,
        bridge: 0,
        stamp_reach: 0,
    };

    fn new(rate_hz: f32) -> Self {
        let rounded = |seconds: f32| floor(seconds * rate_hz + 0.5) as u32;
        let up = |seconds: f32| ceil(seconds * rate_hz - 1e-3) as u32;
        Self {
            before: up(BEFORE_S),
            after: up(AFTER_S),
            shortest: rounded(STRIDE_S.0),
            longest: rounded(STRIDE_S.1),
            bridge: up(BRIDGE_S),
            stamp_reach: up(STAMP_REACH_S),
        }
    }
}

impl<'t> Detector<'t> {
    /// The first sample will be index 0: `restart` says otherwise.
    pub fn new(config: Config, table: Table<'t>) -> Result<Self, ConfigError> {
        let mut made = Self::idle();
        made.set_table(table);
        made.reconfigure(config)?;
        Ok(made)
    }

    /// Without table and configuration: to be given samples only when it has both. All its bytes are zero.
    pub const fn idle() -> Self {
        Self {
            config: Config::NONE,
            table: None,
            kernels: Kernels::NONE,
            samples: Samples::new(),
            stamps: Stamps::new(),
            swings: Swings::idle(),
            scratch: Scratch::new(),
            spans: Spans::NONE,
            missing: 0,
            last_swing: None,
            pending: [None; PENDING],
        }
    }

    /// Another sensor or rate, in place: a new boot begins, whose first sample is index 0. Refused, nothing has changed.
    pub fn reconfigure(&mut self, config: Config) -> Result<(), ConfigError> {
        config.check()?;
        self.config = config;
        self.kernels = Kernels::new(config.rate_hz);
        self.swings.set_rate(config.rate_hz);
        self.spans = Spans::new(config.rate_hz);
        self.stamps.clear();
        self.restart(0);
        Ok(())
    }

    /// Forget all samples; the next one is `index`. Stamps stay: they belong to the boot.
    pub fn restart(&mut self, index: u32) {
        self.samples.restart(index);
        self.swings.restart(index);
        self.missing = 0;
        self.last_swing = None;
        self.pending = [None; PENDING];
    }

    /// Another table, from the next stride on.
    pub fn set_table(&mut self, table: Table<'t>) {
        self.table = Some(table);
    }

    /// Another rotation: strides that straddle the change are left out.
    pub fn set_rotation(&mut self, rotation: [f32; 9]) -> Result<(), ConfigError> {
        let config = Config {
            rotation,
            ..self.config
        };
        config.check()?;
        self.config = config;
        self.restart(self.next_index());
        Ok(())
    }

    /// What it is now, after changes that were accepted or refused.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Index of the sample that is pushed next.
    pub fn next_index(&self) -> u32 {
        self.samples.end().wrapping_add(self.missing)
    }

    /// Sample `index` was taken at `tick`: one for each block of samples or so, before or after its samples.
    pub fn stamp(&mut self, index: u32, tick: u64) {
        self.stamps.push(index, tick);
    }

    /// The sensor lost `missing` samples before the next one.
    pub fn skip(&mut self, missing: u32) {
        self.missing = self.missing.saturating_add(missing);
    }

    /// Take the next sample: accelerations x, y, z, turn rates x, y, z. Then `poll`, at the latest after a block of 20 ms.
    pub fn push(&mut self, counts: Counts) {
        if self.missing > 0 {
            self.close_gap(counts);
        }
        self.take(counts);
    }

    /// A stride that the samples pushed so far settle, oldest first. One costs as much as 100 ms of samples or more.
    pub fn poll(&mut self) -> Option<StrideEvent> {
        let [Some(_), ..] = self.pending else {
            return None;
        };
        let table = self.table?;
        self.poll_with(&table)
    }

    /// The same with a table that the detector does not hold: for one in memory that is written anew.
    pub fn poll_with(&mut self, table: &Table) -> Option<StrideEvent> {
        while let [Some((swing0, swing1)), ..] = self.pending {
            if swing1.wrapping_add(self.spans.after) > self.samples.end() {
                return None;
            }
            self.pending.rotate_left(1);
            if let Some(slot) = self.pending.last_mut() {
                *slot = None;
            }
            if let Some(stride) = self.stride(swing0, swing1, table) {
                return Some(stride);
            }
        }
        None
    }

    fn take(&mut self, counts: Counts) {
        let index = self.samples.end();
        self.samples.push(counts);
        let [.., x, y, z] = counts;
        let [.., a, b, c] = self.config.rotation;
        let rate = a * f32::from(x) + b * f32::from(y) + c * f32::from(z);
        if let Some(swing) = self.swings.push(index, rate * self.config.gyro_scale) {
            self.take_swing(swing);
        }
    }

    fn take_swing(&mut self, swing: u32) {
        if let Some(last) = self.last_swing.replace(swing) {
            let apart = swing - last;
            if self.spans.shortest <= apart && apart <= self.spans.longest {
                if let Some(slot) = self.pending.iter_mut().find(|slot| slot.is_none()) {
                    *slot = Some((last, swing));
                }
            }
        }
    }

    /// Bridge the missing samples linearly towards `following`, or begin again behind them.
    fn close_gap(&mut self, following: Counts) {
        let missing = core::mem::take(&mut self.missing);
        let first = self.samples.end();
        match self.samples.last() {
            Some(last) if missing <= self.spans.bridge => {
                for k in 1..=missing as i32 {
                    let mut between = [0; 6];
                    for ((value, from), to) in between.iter_mut().zip(last).zip(following) {
                        let way = (i32::from(to) - i32::from(from)) * k;
                        *value = (i32::from(from) + way / (missing as i32 + 1)) as i16;
                    }
                    self.take(between);
                }
                self.samples
                    .mark_bridged(first, first.wrapping_add(missing));
            }
            _ => self.restart(first.wrapping_add(missing)),
        }
    }

    fn stride(&mut self, swing0: u32, swing1: u32, table: &Table) -> Option<StrideEvent> {
        let (start, stop) = (
            swing0.checked_sub(self.spans.before)?,
            swing1 + self.spans.after,
        );
        let n = stop - start;
        if !self.samples.holds(start, n as usize) {
            return None;
        }
        let window = Window {
            samples: &self.samples,
            config: &self.config,
            start,
            n: n as i32,
            swing0: (swing0 - start) as i32,
            swing1: (swing1 - start) as i32,
        };
        let line = self.stamps.line(start, stop, 4, n / 2).or_else(|| {
            let earlier = swing0.saturating_sub(self.spans.stamp_reach);
            self.stamps.line(earlier, stop, 2, 1)
        })?;
        let period_s = line.period / self.config.tick_hz;
        let (kernels, scratch) = (&self.kernels, &mut self.scratch);
        let found = candidates::find(&window, kernels, scratch)?;
        let events = learned::events(&window, &found, kernels, table, 1.0 / period_s, scratch)?;
        // a table may say anything: times that are no numbers, or offsets of hours
        let within = |position: f32| (0.0..n as f32).contains(&position);
        if ![events.contact, events.toe_off, events.next_contact]
            .into_iter()
            .all(within)
        {
            return None;
        }
        let measures = measured(&window, &events, kernels, table, period_s, scratch);
        let ahead = (i64::from(start) - i64::from(line.index)) as f32;
        let strike_tick = line.tick(ahead + events.contact);
        let after_strike = |position: f32| {
            let ticks = line.tick(ahead + position).saturating_sub(strike_tick);
            u32::try_from(ticks).unwrap_or(u32::MAX)
        };
        Some(StrideEvent {
            strike_index: start.wrapping_add_signed(floor(events.contact)),
            end_index: start.wrapping_add_signed(floor(events.next_contact)),
            strike_tick,
            toe_off_ticks: after_strike(events.toe_off),
            stride_ticks: after_strike(events.next_contact),
            stance_sd_s: events.stance_sd_s,
            impact_axial_mps2: measures.axial_mps2,
            impact_mps2: measures.resultant_mps2,
            loading_mps3: measures.loading_mps3,
            swing_peak_radps: events.swing_peak_radps,
            heading_rad: measures.heading_rad,
            gait: events.gait,
            doubt: events.doubt | measures.doubt,
        })
    }
}
