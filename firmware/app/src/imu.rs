//! What the application asks of a sensor.

use core::future::Future;

/// One sample: accelerometer x y z, gyroscope x y z, as the sensor counts.
pub type Counts = [i16; 6];

/// Most samples of one block.
pub const MAX_BLOCK: usize = 18;

/// When the first sample of a block was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    pub n: usize,
    /// Pod counter at the block's first sample, in 1/65,536 tick: the FIFO interrupt less the age of the sample.
    pub tick_q16: u64,
    /// Ticks between samples as far as the driver knows, Q16.
    pub period_q16: u32,
}

/// What a sensor does while the rest of the pod is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Raise the interrupt line, and hold it, when the pod is moved.
    Watch,
    Off,
}

/// A 6-axis sensor that fills blocks by itself (FIFO and interrupt).
pub trait Imu {
    /// The sensor has gone silent.
    type Error: core::fmt::Debug;

    /// Begin a boot at this rate; the next sample is the first of it.
    fn start(&mut self, rate_mhz: u32) -> impl Future<Output = Result<(), Self::Error>>;

    /// The next block, at most `MAX_BLOCK` samples. This, `start` and `rest` may be cancelled at any point; `start` or `rest`
    /// is what comes next.
    fn block(
        &mut self,
        out: &mut [Counts; MAX_BLOCK],
    ) -> impl Future<Output = Result<Stamp, Self::Error>>;

    /// No more samples; with as little current as it can.
    fn rest(&mut self, rest: Rest) -> impl Future<Output = Result<(), Self::Error>>;

    /// After `rest(Rest::Watch)`: until the pod is moved.
    fn moved(&mut self) -> impl Future<Output = Result<(), Self::Error>>;
}
