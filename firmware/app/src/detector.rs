//! The gateway's estimator on the pod, as the application's `Strides`.

use evenstride_protocol::{StrideRecord, Table, TICK_HZ};
use evenstride_strides::{Aligner, Config, Detector, Table as Coefficients, IDENTITY};

use crate::imu::Counts;
use crate::plan::Plan;
use crate::strides::{Method, Strides};

const STAMP_EVERY: u32 = 18; // as the frames that the gateway sees
const ROTATION: usize = 36;
const ALIGN_EVERY: u32 = 1024; // samples between looks at what the aligner has found
const ALIGNED_S: [u16; 2] = [10, 60]; // seconds of running: the first axes, and the last
/// Versions of rotations that the pod has found itself: this and the seconds of running behind them.
const OWN_ROTATION: u16 = 0x8000;

/// Memory for coefficients that replace the built-in ones.
pub trait Keep {
    /// The bytes in memory of their own that nobody changes any more; None when there is no more of it.
    fn keep(&mut self, bytes: &[u8]) -> Option<&'static [u8]>;
}

/// About 40 KB. At rates for which the estimator has no memory (above 440 Hz) it finds nothing.
pub struct OnPod<K> {
    detector: Option<Detector<'static>>,
    config: Config,
    table: Option<Coefficients<'static>>,
    method: Method,
    keep: K,
    aligner: Option<Aligner>,
}

impl<K: Keep> OnPod<K> {
    pub fn new(plan: &Plan, keep: K) -> Self {
        let table = Coefficients::built_in().ok();
        Self {
            detector: None,
            config: Config {
                rate_hz: rate_hz(plan.rate_mhz),
                tick_hz: TICK_HZ as f32,
                accel_scale: plan.accel.0,
                gyro_scale: plan.gyro.0,
                accel_full: plan.accel.1,
                gyro_full: plan.gyro.1,
                rotation: IDENTITY,
            },
            table,
            method: Method {
                rules: table.map_or(0, |table| table.rules()),
                coefficients_version: 0, // built in
                rotation_version: 0,
            },
            keep,
            aligner: None,
        }
    }

    /// The next axes that the pod finds for itself, from running. A gateway's rotation ends that.
    fn align(&mut self) -> Option<()> {
        let found = self.aligner.as_ref()?.alignment()?;
        let [first, last] = ALIGNED_S;
        let known_s = self.method.rotation_version & !OWN_ROTATION;
        if found.running_s < first || (known_s > 0 && (known_s >= last || found.running_s < last)) {
            return None;
        }
        self.turn(found.rotation)?;
        self.method.rotation_version = OWN_ROTATION + found.running_s;
        if found.running_s >= last {
            self.aligner = None;
        }
        Some(())
    }

    fn rotate(&mut self, content: &[u8]) -> Option<()> {
        let content: &[u8; ROTATION] = content.try_into().ok()?;
        let mut rotation = IDENTITY;
        for (value, four) in rotation.iter_mut().zip(content.chunks_exact(4)) {
            *value = f32::from_le_bytes(four.try_into().ok()?);
        }
        self.turn(rotation)?;
        self.aligner = None;
        Some(())
    }

    fn turn(&mut self, rotation: [f32; 9]) -> Option<()> {
        let config = Config {
            rotation,
            ..self.config
        };
        match &mut self.detector {
            Some(detector) => detector.set_rotation(rotation).ok()?,
            None => Detector::new(config, self.table?).map(drop).ok()?,
        }
        self.config = config;
        Some(())
    }

    fn replace(&mut self, content: &[u8]) -> Option<()> {
        Coefficients::new(content).ok()?;
        let table = Coefficients::new(self.keep.keep(content)?).ok()?;
        if let Some(detector) = &mut self.detector {
            detector.set_table(table);
        }
        self.table = Some(table);
        self.method.rules = table.rules();
        Some(())
    }
}

fn rate_hz(rate_mhz: u32) -> f32 {
    rate_mhz as f32 / 1000.0
}

impl<K: Keep> Strides for OnPod<K> {
    const RECORDS: bool = true;

    fn restart(&mut self, rate_mhz: u32) {
        self.config.rate_hz = rate_hz(rate_mhz);
        if self.method.rotation_version & OWN_ROTATION != 0 {
            (self.config.rotation, self.method.rotation_version) = (IDENTITY, 0);
        }
        let config = self.config;
        self.aligner = (self.method.rotation_version == 0).then(|| Aligner::new(&config));
        self.detector = self
            .table
            .and_then(|table| Detector::new(config, table).ok());
    }

    fn push(&mut self, index: u32, tick_q16: u64, counts: &Counts) {
        if let Some(detector) = &mut self.detector {
            if index % STAMP_EVERY == 0 {
                detector.stamp(index, tick_q16 >> 16);
            }
            detector.push(*counts);
        }
        if let Some(aligner) = &mut self.aligner {
            aligner.push(*counts);
            if index % ALIGN_EVERY == 0 {
                self.align();
            }
        }
    }

    fn poll(&mut self) -> Option<StrideRecord> {
        let stride = self.detector.as_mut()?.poll()?;
        Some(stride.record())
    }

    fn method(&self) -> Method {
        self.method
    }

    fn use_table(&mut self, table: Table, version: u16, content: &[u8]) -> bool {
        match table {
            Table::Coefficients => {
                let replaced = self.replace(content).is_some();
                if replaced {
                    self.method.coefficients_version = version;
                }
                replaced
            }
            Table::Rotation => {
                let named = version > 0 && version & OWN_ROTATION == 0;
                let rotated = named && self.rotate(content).is_some();
                if rotated {
                    self.method.rotation_version = version;
                }
                rotated
            }
        }
    }
}
