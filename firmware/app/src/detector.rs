//! The gateway's estimator on the pod, as the application's `Strides`.

use evenstride_protocol::{StrideRecord, Table, MAX_TABLE, TICK_HZ};
use evenstride_strides::{Aligner, Config, Detector, Table as Coefficients, IDENTITY};

use crate::imu::Counts;
use crate::plan::Plan;
use crate::strides::{Method, Strides};

const STAMP_EVERY: u32 = 18; // as the frames that the gateway sees
const ROTATION: usize = 36;
/// Versions of rotations that the pod has found itself: this and the seconds of running behind them.
const OWN_ROTATION: u16 = 0x8000;

/// About 60 KB. At rates for which the estimator has no memory (above 440 Hz) it finds nothing.
pub struct OnPod {
    detector: Detector<'static>,
    /// The detector has a table and fits the rate.
    finds: bool,
    config: Config,
    built_in: Option<Coefficients<'static>>,
    /// A table that replaces the built-in one: its bytes, and how many (0 = none).
    content: [u8; MAX_TABLE as usize],
    length: usize,
    method: Method,
    aligner: Aligner,
    /// Until a gateway has sent a rotation.
    aligns: bool,
}

impl OnPod {
    pub fn new(plan: &Plan) -> Self {
        let mut made = Self::idle();
        made.set_up(plan);
        made
    }

    /// Before `set_up` it finds nothing. All its bytes are zero: as a constant it takes neither flash nor stack.
    pub const fn idle() -> Self {
        Self {
            detector: Detector::idle(),
            finds: false,
            config: Config::NONE,
            built_in: None,
            content: [0; MAX_TABLE as usize],
            length: 0,
            method: Method {
                rules: 0,
                coefficients_version: 0, // built in
                rotation_version: 0,
            },
            aligner: Aligner::idle(),
            aligns: false,
        }
    }

    pub fn set_up(&mut self, plan: &Plan) {
        self.config = Config {
            rate_hz: rate_hz(plan.rate_mhz),
            tick_hz: TICK_HZ as f32,
            accel_scale: plan.accel.0,
            gyro_scale: plan.gyro.0,
            accel_full: plan.accel.1,
            gyro_full: plan.gyro.1,
            rotation: IDENTITY,
        };
        self.built_in = Coefficients::built_in().ok();
        if let Some(table) = self.built_in {
            self.method.rules = table.rules();
            self.detector.set_table(table);
        }
    }

    fn turn(&mut self, rotation: [f32; 9]) -> Option<()> {
        let config = self.turned(rotation);
        config.check().ok()?;
        if self.finds {
            self.detector.set_rotation(rotation).ok()?;
        }
        self.config = config;
        Some(())
    }

    const fn turned(&self, rotation: [f32; 9]) -> Config {
        Config {
            rotation,
            ..self.config
        }
    }

    fn replace(&mut self, rules: u16, content: &[u8]) -> Option<()> {
        self.content
            .get_mut(..content.len())?
            .copy_from_slice(content);
        (self.length, self.method.rules) = (content.len(), rules);
        Some(())
    }
}

/// The rules that a table of coefficients is for.
fn rules_of(content: &[u8]) -> Option<u16> {
    Some(Coefficients::new(content).ok()?.rules())
}

fn rotation_of(version: u16, content: &[u8]) -> Option<[f32; 9]> {
    let content: &[u8; ROTATION] = content.try_into().ok()?;
    let mut rotation = IDENTITY;
    for (value, four) in rotation.iter_mut().zip(content.chunks_exact(4)) {
        *value = f32::from_le_bytes(four.try_into().ok()?);
    }
    (version > 0 && version & OWN_ROTATION == 0).then_some(rotation)
}

fn rate_hz(rate_mhz: u32) -> f32 {
    rate_mhz as f32 / 1000.0
}

impl Strides for OnPod {
    const RECORDS: bool = true;

    fn restart(&mut self, rate_mhz: u32) {
        self.config.rate_hz = rate_hz(rate_mhz);
        if self.method.rotation_version & OWN_ROTATION != 0 {
            (self.config.rotation, self.method.rotation_version) = (IDENTITY, 0);
        }
        let config = self.config;
        self.aligns = self.method.rotation_version == 0;
        self.aligner = Aligner::new(&config);
        self.finds = self.built_in.is_some() && self.detector.reconfigure(config).is_ok();
    }

    fn push(&mut self, index: u32, tick_q16: u64, counts: &Counts) {
        if self.finds {
            if index % STAMP_EVERY == 0 {
                self.detector.stamp(index, tick_q16 >> 16);
            }
            self.detector.push(*counts);
        }
        let found = self.aligns.then(|| self.aligner.push(*counts)).flatten();
        if let Some(found) = found {
            if self.turn(found.rotation).is_some() {
                self.method.rotation_version = OWN_ROTATION + found.running_s;
            }
        }
    }

    fn poll(&mut self) -> Option<StrideRecord> {
        if !self.finds {
            return None;
        }
        let stride = match self.content.get(..self.length) {
            Some(content) if !content.is_empty() => {
                self.detector.poll_with(&Coefficients::again(content).ok()?)
            }
            _ => self.detector.poll(),
        };
        Some(stride?.record())
    }

    fn method(&self) -> Method {
        self.method
    }

    fn can_use(&self, table: Table, version: u16, content: &[u8]) -> bool {
        match table {
            Table::Coefficients => {
                rules_of(content).is_some() && content.len() <= self.content.len()
            }
            Table::Rotation => rotation_of(version, content)
                .is_some_and(|rotation| self.turned(rotation).check().is_ok()),
        }
    }

    fn use_table(&mut self, table: Table, version: u16, content: &[u8]) -> bool {
        let used = match table {
            Table::Coefficients => rules_of(content).and_then(|rules| self.replace(rules, content)),
            Table::Rotation => rotation_of(version, content).and_then(|found| self.turn(found)),
        };
        match table {
            _ if used.is_none() => return false,
            Table::Coefficients => self.method.coefficients_version = version,
            Table::Rotation => (self.method.rotation_version, self.aligns) = (version, false),
        }
        true
    }
}
