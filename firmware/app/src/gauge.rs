//! How full the cell is, from its voltage: the readings are smoothed, the percentage does not climb by itself.

use evenstride_protocol::TICK_HZ;

use crate::plan::Vitals;

/// What the board measures of its supply, now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supply {
    pub battery_mv: u16,
    pub charging: bool,
    /// Something else than the cell feeds the board: USB.
    pub external: bool,
    /// 0.01 °C.
    pub temperature: i16,
}

impl Default for Supply {
    fn default() -> Self {
        Self {
            battery_mv: 4110,
            charging: false,
            external: false,
            temperature: 2400,
        }
    }
}

/// A 1S LiPo cell that gives a small part of its capacity per hour: mV at 0, 5, ... 100 %, the table of
/// <https://blog.ampow.com/lipo-voltage-chart/>. A pod draws C/30 to C/50, which moves it by a few mV.
const CURVE_MV: [u16; 21] = [
    3270, 3610, 3690, 3710, 3730, 3750, 3770, 3790, 3800, 3820, 3840, 3850, 3870, 3910, 3950, 3980,
    4020, 4080, 4110, 4150, 4200,
];
const STEP_PERCENT: u16 = 5;
/// A reading every 2 s, of which the median of five counts: a radio peak is in one of them at most.
const EVERY: u64 = 2 * TICK_HZ as u64;
const MEDIAN: usize = 5;
/// Of the distance to the median that each reading goes: 8 s of memory.
const SMOOTHING: i32 = 4;
/// The percentage rises by so much at once without a charger, or not at all.
const RISE_PERCENT: u8 = 5;
const LOW_PERCENT: u8 = 15;
const LOW_ENDS_PERCENT: u8 = 20;
/// Under it nothing is left to use (0 % is 3.27 V), and a cell that is emptied further ages.
const EMPTY_MV: u16 = 3300;
const EMPTY_READINGS: u8 = 5;
/// No cell has so little: its protection has cut it off, or there is none.
const NO_CELL_MV: u16 = 2000;

/// Whether a cell at this voltage has nothing left to give.
pub fn is_empty_mv(battery_mv: u16) -> bool {
    (NO_CELL_MV..=EMPTY_MV).contains(&battery_mv)
}

/// The cell behind a divider, from the voltage at its tap.
pub fn behind_divider_mv(tap_mv: u32, above_kohm: u32, below_kohm: u32) -> u16 {
    let whole = tap_mv.saturating_mul(above_kohm + below_kohm) / below_kohm.max(1);
    u16::try_from(whole).unwrap_or(u16::MAX)
}

/// Percentage of a cell at rest.
pub fn percent_of(battery_mv: u16) -> u8 {
    let mut below = None;
    for (k, &mv) in (0_u16..).zip(&CURVE_MV) {
        if battery_mv < mv {
            let Some(floor) = below else { return 0 };
            let part = STEP_PERCENT * (battery_mv - floor) / (mv - floor);
            return u8::try_from(STEP_PERCENT * (k - 1) + part).unwrap_or(100);
        }
        below = Some(mv);
    }
    100
}

/// The cell's state over time.
#[derive(Default)]
pub struct Gauge {
    recent: [u16; MEDIAN],
    readings: usize,
    due: u64,
    /// Smoothed, 1/16 mV.
    level_q4: i32,
    percent: u8,
    low: bool,
    empty: u8,
}

impl Gauge {
    /// Take the supply into account when a reading is due.
    pub fn observe(&mut self, supply: &Supply, tick: u64) {
        if self.readings > 0 && tick < self.due {
            return;
        }
        self.due = tick + EVERY;
        if let Some(slot) = self.recent.get_mut(self.readings % MEDIAN) {
            *slot = supply.battery_mv;
        }
        self.readings += 1;
        let mut sorted = self.recent;
        let known = sorted.get_mut(..self.readings.min(MEDIAN));
        let known = known.unwrap_or_default();
        known.sort_unstable();
        let median = known.get(known.len() / 2).copied().unwrap_or(0);
        let target_q4 = i32::from(median) * 16;
        if self.readings == 1 {
            self.level_q4 = target_q4;
        }
        self.level_q4 += (target_q4 - self.level_q4) / SMOOTHING;
        let percent = percent_of(self.millivolts());
        let follow = percent < self.percent
            || supply.charging
            || percent >= self.percent.saturating_add(RISE_PERCENT);
        if follow || self.readings == 1 {
            self.percent = percent;
        }
        self.low = self.percent < LOW_PERCENT || self.low && self.percent < LOW_ENDS_PERCENT;
        let empty = is_empty_mv(self.millivolts()) && !supply.external;
        self.empty = if empty {
            self.empty.saturating_add(1)
        } else {
            0
        };
    }

    fn millivolts(&self) -> u16 {
        u16::try_from(self.level_q4 / 16).unwrap_or(0)
    }

    /// The cell has to be left alone: below 3.3 V for five readings, and nothing else feeds the pod.
    pub const fn is_empty(&self) -> bool {
        self.empty >= EMPTY_READINGS
    }

    /// What the pod says of itself.
    pub fn vitals(&self, supply: &Supply, imu_fault: bool) -> Vitals {
        Vitals {
            battery_mv: self.millivolts(),
            battery_percent: self.percent,
            battery_low: self.low,
            charging: supply.charging,
            temperature: supply.temperature,
            imu_fault,
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    fn supply(battery_mv: u16) -> Supply {
        Supply {
            battery_mv,
            ..Supply::default()
        }
    }

    /// So many readings of this voltage; the percentage after each.
    fn read(gauge: &mut Gauge, supply: Supply, n: u64) -> Vec<u8> {
        let seen = (0..n).map(|_| {
            gauge.observe(&supply, gauge.due);
            gauge.percent
        });
        seen.collect()
    }

    #[test]
    fn the_curve_is_met_between_and_beyond_its_points() {
        for (mv, percent) in [
            (0, 0),
            (3269, 0),
            (3270, 0),
            (3440, 2),
            (3610, 5),
            (3700, 12),
            (3710, 15),
            (3840, 50),
            (4175, 97),
            (4200, 100),
            (4300, 100),
        ] {
            assert_eq!(percent_of(mv), percent, "{mv} mV");
        }
        let all: Vec<u8> = (3000..4300).map(percent_of).collect();
        assert!(all.is_sorted());
    }

    #[test]
    fn a_divider_is_undone() {
        assert_eq!(behind_divider_mv(1418, 1000, 510), 4198);
        assert_eq!(behind_divider_mv(0, 1000, 510), 0);
        assert_eq!(behind_divider_mv(u32::MAX, 1000, 510), u16::MAX);
    }

    #[test]
    fn a_reading_is_taken_every_two_seconds() {
        let mut gauge = Gauge::default();
        gauge.observe(&supply(4200), 100);
        for tick in 101..100 + EVERY {
            gauge.observe(&supply(3300), tick);
        }
        assert_eq!((gauge.readings, gauge.percent), (1, 100));
        gauge.observe(&supply(3300), 100 + EVERY);
        assert_eq!(gauge.readings, 2);
    }

    #[test]
    fn peaks_of_the_radio_do_not_matter() {
        let mut gauge = Gauge::default();
        read(&mut gauge, supply(3870), 5);
        for _ in 0..50 {
            let dip = read(&mut gauge, supply(3500), 1);
            let rest = read(&mut gauge, supply(3870), 3);
            assert!([dip, rest].concat().iter().all(|&percent| percent == 60));
        }
        assert!(!gauge.vitals(&supply(3870), false).battery_low);
    }

    #[test]
    fn a_falling_cell_never_seems_to_rise() {
        let mut gauge = Gauge::default();
        let mut last = 100;
        for mv in (3300..4200).rev() {
            let noisy = mv + 4 * (mv % 5);
            for percent in read(&mut gauge, supply(noisy), 4) {
                assert!(percent <= last);
                last = percent;
            }
        }
        assert!(last < 3);
    }

    #[test]
    fn low_begins_below_15_and_ends_at_20_percent() {
        let mut gauge = Gauge::default();
        let low = |gauge: &Gauge| gauge.vitals(&supply(0), false).battery_low;
        read(&mut gauge, supply(3715), 40);
        assert!(!low(&gauge));
        read(&mut gauge, supply(3700), 40);
        assert!(low(&gauge));
        let charging = Supply {
            charging: true,
            external: true,
            ..supply(3720)
        };
        read(&mut gauge, charging, 40);
        assert_eq!((gauge.percent, low(&gauge)), (17, true));
        read(
            &mut gauge,
            Supply {
                battery_mv: 3735,
                ..charging
            },
            40,
        );
        assert!(!low(&gauge));
    }

    #[test]
    fn an_empty_cell_is_left_alone_unless_something_else_feeds_the_pod() {
        let mut gauge = Gauge::default();
        read(&mut gauge, supply(3250), 4);
        assert!(!gauge.is_empty());
        read(&mut gauge, supply(3250), 1);
        assert!(gauge.is_empty());
        let fed = Supply {
            external: true,
            ..supply(3250)
        };
        read(&mut gauge, fed, 1);
        assert!(!gauge.is_empty());
        let mut no_cell = Gauge::default();
        read(&mut no_cell, supply(40), 50);
        assert!(!no_cell.is_empty());
    }
}
