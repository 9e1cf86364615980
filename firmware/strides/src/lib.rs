//! The gateway's stride detection and `learned-1` estimator on the pod: f32, fixed memory, no heap, no panic.
//!
//! `Detector::push` takes one sample of six counts, `Detector::poll` hands back a stride as soon as all that decides it
//! is there: 0.62 s after its second mid-swing. A stride is a function of the samples from 0.15 s before its first
//! mid-swing to 0.62 s after its second, as on the gateway (`analysis/evenstride_analysis/strides`, whose terms these
//! modules use); coefficients come from the same versioned table, in the layout of PROTOCOL.md section 13.1.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod align;
mod arrays;
mod candidates;
mod config;
mod detector;
mod event;
mod filters;
mod frame;
mod grid;
mod heading;
mod learned;
mod loose;
mod measures;
mod nets;
mod samples;
mod stamps;
mod stride;
mod swings;
mod table;

pub use align::{Aligner, Alignment};
pub use config::{Config, ConfigError, IDENTITY};
pub use detector::Detector;
pub use event::StrideEvent;
pub use table::{Table, TableError, BUILT_IN};
