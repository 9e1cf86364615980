//! The pod's own axes: sensor to shank from running alone, or from standing and running (`placement/alignment.py`).
//!
//! Flexion axis: first principal axis of the turn rate (means of 40 ms) over the seconds of running; its sign from the
//! third moment, since the forward swing is the sharper one. Long axis: the specific force of the last 3 s or more that
//! somebody stood before the run, where it lies 12 to 44 degrees ahead of the mean force of running, as in every
//! reference leg; else that mean force turned forward by 28 degrees. Axes are handed out twice, after 10 s of running and
//! after a minute: another rotation costs the strides that straddle it. Differences to the gateway: sums instead of stored
//! samples, the third moment instead of the swings' peaks. Not validated: real pods, bow legs.

use crate::arrays::floor;
use crate::config::Config;
use crate::frame::{dot, mix, principal_axis, COS, SIN};
use crate::samples::Counts;
use crate::stride::Axis;

const MEAN_S: f32 = 0.040;
const RUNNING_RADPS: f32 = 3.3; // root mean square of one second's means: walking stays below
const LEAST_S: u16 = 10;
const ENOUGH_S: u16 = 60;
const STILL_GROUPS: u16 = 12; // about half a second
const STAND_HALVES: u16 = 6;
const LONGEST_HALVES: u16 = 20;
const STILL_RADPS: f32 = 0.12;
const STILL_MPS2: f32 = 0.35;
const GRAVITY_MPS2: f32 = 9.806_65;
const GRAVITY_SLACK_MPS2: f32 = 0.6;
/// Of the angle from the mean force of running forward to the tibia: 12 and 44 degrees.
const LEAN_RAD: (f32, f32) = (0.209_4, 0.767_9);

/// Axes found so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alignment {
    /// Rows: x forward, y up the tibia, z to the runner's right, in sensor axes.
    pub rotation: [f32; 9],
    /// Seconds of running behind it.
    pub running_s: u16,
    /// The long axis comes from standing.
    pub stood: bool,
}

/// Sums over some seconds of running.
#[derive(Clone, Copy)]
struct Sums {
    force: Axis,
    /// xx, xy, xz, yy, yz, zz.
    second: [f32; 6],
    /// xxx, xxy, xxz, xyy, xyz, xzz, yyy, yyz, yzz, zzz.
    third: [f32; 10],
}

/// Half a second of means: is the leg still?
#[derive(Clone, Copy)]
struct Half {
    groups: u16,
    sum: [f32; 6],
    square: [f32; 6],
}

/// Samples in, axes out, in 300 bytes; two strides' worth of sums for each second.
pub struct Aligner {
    group: u16,
    per_second: u16,
    accel_scale: f32,
    gyro_scale: f32,
    counts: [i32; 6],
    held: u16,
    groups: u16,
    own: Sums,
    total: Sums,
    running_s: u16,
    handed_out: bool,
    half: Half,
    still_halves: u16,
    level: Axis,
    stood: Option<Axis>,
}

impl Sums {
    const NONE: Self = Self {
        force: [0.0; 3],
        second: [0.0; 6],
        third: [0.0; 10],
    };
}

impl Half {
    const NONE: Self = Self {
        groups: 0,
        sum: [0.0; 6],
        square: [0.0; 6],
    };
}

impl Aligner {
    /// For no sensor: takes no samples. All its bytes are zero.
    pub const fn idle() -> Self {
        Self {
            group: 0,
            per_second: 0,
            accel_scale: 0.0,
            gyro_scale: 0.0,
            counts: [0; 6],
            held: 0,
            groups: 0,
            own: Sums::NONE,
            total: Sums::NONE,
            running_s: 0,
            handed_out: false,
            half: Half::NONE,
            still_halves: 0,
            level: [0.0; 3],
            stood: None,
        }
    }

    pub fn new(config: &Config) -> Self {
        let group = floor(MEAN_S * config.rate_hz + 0.5).max(1) as u16;
        Self {
            group,
            per_second: (config.rate_hz / f32::from(group)) as u16,
            accel_scale: config.accel_scale,
            gyro_scale: config.gyro_scale,
            ..Self::idle()
        }
    }

    /// Take the next sample; axes to turn to from here on, where there are new ones. After a minute of running nothing
    /// changes any more.
    pub fn push(&mut self, counts: Counts) -> Option<Alignment> {
        if self.running_s >= ENOUGH_S || self.group == 0 {
            return None;
        }
        for (sum, count) in self.counts.iter_mut().zip(counts) {
            *sum += i32::from(count);
        }
        self.held += 1;
        if self.held < self.group {
            return None;
        }
        let [a, b, c, x, y, z] = self.counts.map(|sum| sum as f32 / f32::from(self.group));
        let force = [a, b, c].map(|part| part * self.accel_scale);
        let turn = [x, y, z].map(|part| part * self.gyro_scale);
        (self.counts, self.held) = ([0; 6], 0);
        self.watch_standing(force, turn);
        let longer = self.watch_running(force, turn);
        if !longer || (self.handed_out && self.running_s < ENOUGH_S) {
            return None;
        }
        let found = self.alignment();
        self.handed_out |= found.is_some();
        found
    }

    /// The axes, once somebody has run for 10 s; `None` before.
    pub fn alignment(&self) -> Option<Alignment> {
        if self.running_s < LEAST_S {
            return None;
        }
        let mut z = principal_axis(self.total.second);
        if third_along(&self.total.third, z) < 0.0 {
            z = z.map(|part| -part);
        }
        let lean = unit(mix(1.0, self.total.force, -dot(self.total.force, z), z))?;
        let forward = cross(lean, z);
        let tibia = mix(SIN, forward, COS, lean);
        let stood = self.stood.filter(|up| {
            let ahead = unit(cross(*up, z)).map_or(0.0, |ahead| -dot(ahead, self.total.force));
            let angle = libm::atan2f(ahead, dot(*up, self.total.force));
            LEAN_RAD.0 <= angle && angle <= LEAN_RAD.1
        });
        let y = stood.unwrap_or(tibia);
        let z = unit(mix(1.0, z, -dot(z, y), y))?;
        let ([a, b, c], [d, e, f], [g, h, i]) = (cross(y, z), y, z);
        Some(Alignment {
            rotation: [a, b, c, d, e, f, g, h, i],
            running_s: self.running_s,
            stood: stood.is_some(),
        })
    }

    fn watch_standing(&mut self, force: Axis, turn: Axis) {
        let ([a, b, c], [x, y, z]) = (force, turn);
        let half = &mut self.half;
        for ((sum, square), value) in half
            .sum
            .iter_mut()
            .zip(&mut half.square)
            .zip([a, b, c, x, y, z])
        {
            *sum += value;
            *square += value * value;
        }
        half.groups += 1;
        if half.groups < STILL_GROUPS {
            return;
        }
        let n = f32::from(half.groups);
        let mean = half.sum.map(|sum| sum / n);
        let mut still = true;
        for (k, (square, mean)) in half.square.iter().zip(mean).enumerate() {
            let limit = if k < 3 { STILL_MPS2 } else { STILL_RADPS };
            still &= square / n - mean * mean < limit * limit;
        }
        let [a, b, c, ..] = mean;
        let size = libm::sqrtf(a * a + b * b + c * c);
        still &= (size - GRAVITY_MPS2).abs() < GRAVITY_SLACK_MPS2;
        *half = Half::NONE;
        if !still {
            self.still_halves = 0;
            return;
        }
        if self.still_halves == 0 || self.still_halves >= LONGEST_HALVES {
            (self.level, self.still_halves) = ([0.0; 3], self.still_halves.min(STAND_HALVES));
        }
        self.level = mix(1.0, self.level, 1.0, [a, b, c]);
        self.still_halves += 1;
        if self.still_halves >= STAND_HALVES {
            self.stood = unit(self.level);
        }
    }

    /// Whether a second of running has ended.
    fn watch_running(&mut self, force: Axis, turn: Axis) -> bool {
        let [x, y, z] = turn;
        let own = &mut self.own;
        own.force = mix(1.0, own.force, 1.0, force);
        add(&mut own.second, [x * x, x * y, x * z, y * y, y * z, z * z]);
        add(
            &mut own.third,
            [
                x * x * x,
                x * x * y,
                x * x * z,
                x * y * y,
                x * y * z,
                x * z * z,
                y * y * y,
                y * y * z,
                y * z * z,
                z * z * z,
            ],
        );
        self.groups += 1;
        if self.groups < self.per_second {
            return false;
        }
        let [xx, _, _, yy, _, zz] = own.second;
        let runs = xx + yy + zz >= RUNNING_RADPS * RUNNING_RADPS * f32::from(self.groups);
        if runs {
            self.total.force = mix(1.0, self.total.force, 1.0, own.force);
            add(&mut self.total.second, own.second);
            add(&mut self.total.third, own.third);
            self.running_s += 1;
        }
        (self.own, self.groups) = (Sums::NONE, 0);
        runs
    }
}

fn add<const N: usize>(sums: &mut [f32; N], own: [f32; N]) {
    for (sum, value) in sums.iter_mut().zip(own) {
        *sum += value;
    }
}

/// Third moment along a unit vector.
fn third_along(third: &[f32; 10], axis: Axis) -> f32 {
    let ([xxx, xxy, xxz, xyy, xyz, xzz, yyy, yyz, yzz, zzz], [a, b, c]) = (*third, axis);
    a * a * a * xxx
        + b * b * b * yyy
        + c * c * c * zzz
        + 3.0
            * (a * a * (b * xxy + c * xxz)
                + b * b * (a * xyy + c * yyz)
                + c * c * (a * xzz + b * yzz))
        + 6.0 * a * b * c * xyz
}

fn cross(one: Axis, other: Axis) -> Axis {
    let ([a, b, c], [x, y, z]) = (one, other);
    [b * z - c * y, c * x - a * z, a * y - b * x]
}

fn unit(axis: Axis) -> Option<Axis> {
    let size = libm::sqrtf(dot(axis, axis));
    (size > 0.0 && size.is_finite()).then(|| axis.map(|part| part / size))
}
