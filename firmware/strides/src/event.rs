//! One stride as the pod found it.

use evenstride_protocol::{saturated_i16, saturated_u16, Gait, StrideRecord, NO_U16};

/// Times in ticks of the pod, measures in SI; `None` = not measurable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StrideEvent {
    /// The sample at or just before initial contact, and the next contact's.
    pub strike_index: u32,
    pub end_index: u32,
    /// Of the initial contact, interpolated.
    pub strike_tick: u64,
    /// After `strike_tick`.
    pub toe_off_ticks: u32,
    pub stride_ticks: u32,
    pub stance_sd_s: f32,
    pub impact_axial_mps2: Option<f32>,
    pub impact_mps2: Option<f32>,
    pub loading_mps3: Option<f32>,
    pub swing_peak_radps: f32,
    pub heading_rad: Option<f32>,
    pub gait: Gait,
    pub doubt: u16,
}

impl StrideEvent {
    /// As it is sent and logged: values saturate at the ends of their ranges.
    pub fn record(&self) -> StrideRecord {
        StrideRecord {
            strike_index: self.strike_index,
            end_index: self.end_index,
            strike_tick: self.strike_tick,
            toe_off_ticks: self.toe_off_ticks,
            stride_ticks: self.stride_ticks,
            stance_sd: saturated_u16(self.stance_sd_s, StrideRecord::STANCE_SD_UNIT_S, u16::MAX),
            impact_axial: saturated_i16(self.impact_axial_mps2, StrideRecord::IMPACT_UNIT_MPS2),
            impact: saturated_i16(self.impact_mps2, StrideRecord::IMPACT_UNIT_MPS2),
            loading: self.loading_mps3.map_or(NO_U16, |loading| {
                saturated_u16(loading, StrideRecord::LOADING_UNIT_MPS3, NO_U16 - 1)
            }),
            swing_peak: saturated_u16(
                self.swing_peak_radps,
                StrideRecord::SWING_UNIT_RADPS,
                u16::MAX,
            ),
            heading: saturated_i16(self.heading_rad, StrideRecord::HEADING_UNIT_RAD),
            gait: self.gait,
            doubt: self.doubt,
        }
    }
}
