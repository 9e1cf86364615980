//! What a pod says to everybody about its strides (section 3).

mod world;

use evenstride_app::{Counts, Layout, Method, Strides};
use evenstride_protocol::{Doubt, Gait, StrideRecord, SummaryFlag, Table, TICK_HZ};
use world::{plan, with_detector, Ram, World};

const SECOND: u64 = TICK_HZ as u64;
const STRIDE: u32 = TICK_HZ * 7 / 10;

/// A detector that finds what it is told to.
#[derive(Default)]
struct Told(Vec<StrideRecord>);

impl Strides for Told {
    const RECORDS: bool = true;

    fn restart(&mut self, _rate_mhz: u32) {}

    fn push(&mut self, _index: u32, _tick_q16: u64, _counts: &Counts) {}

    fn poll(&mut self) -> Option<StrideRecord> {
        self.0.pop()
    }

    fn method(&self) -> Method {
        Method::default()
    }

    fn can_use(&self, _table: Table, _version: u16, _content: &[u8]) -> bool {
        false
    }

    fn use_table(&mut self, _table: Table, _version: u16, _content: &[u8]) -> bool {
        false
    }
}

fn stride(strike_tick: u64, gait: Gait, doubt: u16) -> StrideRecord {
    StrideRecord {
        strike_tick,
        toe_off_ticks: TICK_HZ / 4,
        stride_ticks: STRIDE,
        impact_axial: 1_200,
        gait,
        doubt: doubt | Doubt::ON_POD,
        ..StrideRecord::default()
    }
}

/// A pod that has made these strides.
fn pod(strides: &[StrideRecord]) -> World<Told> {
    let told = Told(strides.iter().rev().copied().collect());
    let mut world = with_detector(Ram::new(), plan(Layout::default()), told);
    world.play(9);
    world
}

fn runs(world: &World<Told>, tick_now: u64) -> bool {
    world.pod.summary(tick_now).flags & SummaryFlag::RUNNING != 0
}

#[test]
fn a_pod_that_stands_still_does_not_say_that_it_runs() {
    let strike = 40 * SECOND;
    let end = strike + u64::from(STRIDE);
    let world = pod(&[stride(strike, Gait::Run, 0)]);
    let running = world.pod.summary(end);
    assert_ne!(running.flags & SummaryFlag::RUNNING, 0);
    assert!(runs(&world, end - SECOND)); // a tick that was read a little earlier
    assert!(runs(&world, end + 5 * SECOND));
    let standing = world.pod.summary(end + 5 * SECOND + 1);
    assert_eq!(standing.flags & SummaryFlag::RUNNING, 0);
    assert!(standing.stance.is_some());
    assert_eq!(
        (standing.stance, standing.impact, standing.strides_per_min),
        (running.stance, running.impact, running.strides_per_min)
    );
}

#[test]
fn walking_is_not_running_and_a_doubtful_running_stride_is() {
    let at = |second: u64, gait, doubt| stride(second * SECOND, gait, doubt);
    let walks = pod(&[at(40, Gait::Run, 0), at(48, Gait::Walk, 0)]);
    assert!(!runs(&walks, 49 * SECOND));
    let doubtful = pod(&[at(40, Gait::Run, Doubt::LOOSE)]);
    assert!(runs(&doubtful, 41 * SECOND));
    assert_eq!(doubtful.pod.summary(41 * SECOND).stance, None);
    assert!(!runs(&pod(&[]), 0));
}
