//! The rolling summary over this boot's last 30 clean running strides (PROTOCOL.md section 3).

use evenstride_protocol::{Doubt, Gait, StrideRecord, Summary, SummaryFlag, NO_I16, TICK_HZ};
use heapless::Deque;

const STRIDES: usize = 30;
/// So long after its last running stride a pod still says that it runs.
const RUNNING_TICKS: u64 = 5 * TICK_HZ as u64;

#[derive(Clone, Copy)]
struct Stride {
    stance_ticks: u32,
    stride_ticks: u32,
    impact: i16,
}

/// What the summary is made of.
#[derive(Default)]
pub struct Recent {
    clean: Deque<Stride, STRIDES>,
    made: u32,
    /// When the last running stride ended, of any doubt.
    ran: Option<u64>,
}

impl Recent {
    pub const fn new() -> Self {
        Self {
            clean: Deque::new(),
            made: 0,
            ran: None,
        }
    }

    pub fn push(&mut self, record: &StrideRecord) {
        self.made = self.made.wrapping_add(1);
        if record.gait != Gait::Run {
            return;
        }
        let end = record
            .strike_tick
            .saturating_add(u64::from(record.stride_ticks));
        self.ran = Some(end);
        if record.doubt & !Doubt::ON_POD != 0 {
            return;
        }
        if self.clean.is_full() {
            self.clean.pop_front();
        }
        let _ = self.clean.push_back(Stride {
            stance_ticks: record.toe_off_ticks,
            stride_ticks: record.stride_ticks,
            impact: record.impact_axial,
        });
    }

    /// `battery_percent` and the flags but RUNNING are the pod's.
    pub fn summary(&self, flags: u8, battery_percent: u8, tick_now: u64) -> Summary {
        let ran = |end: u64| tick_now.saturating_sub(end) <= RUNNING_TICKS;
        let running = if self.ran.is_some_and(ran) {
            SummaryFlag::RUNNING
        } else {
            0
        };
        let tick_s = 1.0 / TICK_HZ as f32;
        let stance = self.mean(|s| Some(s.stance_ticks as f32 * tick_s));
        let stride = self.mean(|s| Some(s.stride_ticks as f32 * tick_s));
        let impact = self.mean(|s| {
            (s.impact != NO_I16).then_some(f32::from(s.impact) * StrideRecord::IMPACT_UNIT_MPS2)
        });
        Summary {
            flags: flags | running,
            strides: self.made as u8,
            battery: ((u16::from(battery_percent) * 15 + 50) / 100) as u8,
            stance: stance.map(|s| (s / Summary::STANCE_UNIT_S + 0.5) as u16),
            impact: impact.map(|i| (i / Summary::IMPACT_UNIT_MPS2 + 0.5) as u16),
            strides_per_min: stride.map(|s| (60.0 / s + 0.5) as u8),
        }
    }

    fn mean(&self, value: impl Fn(&Stride) -> Option<f32>) -> Option<f32> {
        let (mut sum, mut n) = (0.0, 0_u32);
        for value in self.clean.iter().filter_map(value) {
            sum += value;
            n += 1;
        }
        (n > 0).then(|| sum / n as f32)
    }
}
