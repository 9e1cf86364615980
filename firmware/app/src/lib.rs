//! The pod application: everything of the firmware that is not a register access.
//!
//! `pod::Pod` is the pod without its radio (samples and commands in, messages out) over any NOR flash; `run` is the thin
//! shell that serves it over any Bluetooth controller. No heap, no unsafe, fixed memory.
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

mod backfill;
mod board;
mod bonds;
mod chunk;
mod clock;
mod control;
mod dates;
mod detector;
mod flight;
mod gatt;
mod gauge;
mod guard;
mod imu;
mod index;
mod life;
mod link;
mod meta;
mod motion;
mod nap;
mod packed;
mod plan;
mod pod;
mod power;
mod queue;
mod ring;
mod say;
mod settings;
mod shell;
mod stream;
mod strides;
mod summary;
mod tables;
mod walk;

pub use board::{Board, End, Led};
pub use chunk::{FlashFault, PAGE};
pub use clock::nominal_period_q16;
pub use control::{Answer, Effect, LinkFacts};
pub use detector::OnPod;
pub use gauge::{behind_divider_mv, is_empty_mv, percent_of, Supply};
pub use imu::{Counts, Imu, Rest, Stamp, MAX_BLOCK};
pub use motion::MOVES_MPS2;
pub use plan::{Layout, Plan, Vitals, RAW_PAGES, RECORDS_HELD, RECORD_PAGES, SAMPLES_HELD};
pub use pod::Pod;
pub use queue::QUEUE_SAMPLES;
pub use shell::{run, PodController};
pub use stream::MAX_PENDING;
pub use strides::{Method, NoStrides, Strides};
