//! When a pod goes to sleep, saves itself from an empty cell, and forgets its bonds (docs/decisions/0024-power.md).

use evenstride_protocol::TICK_HZ;

use crate::gauge::{Gauge, Supply};
use crate::imu::Counts;
use crate::motion::Motion;
use crate::plan::Vitals;

const SECOND: u64 = TICK_HZ as u64;
/// Without motion and without a link.
pub const SLEEP_AFTER_S: u64 = 300;
/// Of the button.
pub const HOLD_S: u64 = 10;
const CLEARED_SHOWN_S: u64 = 3;

/// What the pod should do now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duty {
    #[default]
    Stay,
    /// The button has been held: forget every bond.
    ClearBonds,
    Sleep,
    /// The cell is empty.
    PowerOff,
}

/// What the policy knows. Times are the pod's counter.
#[derive(Default)]
pub struct Power {
    gauge: Gauge,
    motion: Motion,
    supply: Supply,
    /// Since when nothing has kept the pod awake.
    quiet_since: Option<u64>,
    held_since: Option<u64>,
    cleared_at: Option<u64>,
}

impl Power {
    /// Samples have come. `accel_mps2`: of one count.
    pub fn samples(&mut self, block: &[Counts], accel_mps2: f32) {
        if self.motion.push(block, accel_mps2) {
            self.quiet_since = None;
        }
    }

    /// Look at everything; several times a second. `sensing`: the sensor works, so stillness is known and motion wakes.
    pub fn observe(
        &mut self,
        supply: Supply,
        button: bool,
        linked: bool,
        sensing: bool,
        tick: u64,
    ) -> Duty {
        self.supply = supply;
        self.gauge.observe(&supply, tick);
        if self.gauge.is_empty() {
            return Duty::PowerOff;
        }
        if button || linked || supply.external || !sensing {
            self.quiet_since = None;
        }
        if self.held(button, tick) {
            self.cleared_at = Some(tick);
            return Duty::ClearBonds;
        }
        let quiet_since = *self.quiet_since.get_or_insert(tick);
        if tick.saturating_sub(quiet_since) >= SLEEP_AFTER_S * SECOND {
            return Duty::Sleep;
        }
        Duty::Stay
    }

    /// Once for each hold.
    fn held(&mut self, button: bool, tick: u64) -> bool {
        const DONE: u64 = u64::MAX;
        if !button {
            self.held_since = None;
            return false;
        }
        let since = *self.held_since.get_or_insert(tick);
        let long = since != DONE && tick.saturating_sub(since) >= HOLD_S * SECOND;
        if long {
            self.held_since = Some(DONE);
        }
        long
    }

    /// Whether the LED still says that the bonds are gone.
    pub fn shows_cleared(&self, tick: u64) -> bool {
        self.cleared_at
            .is_some_and(|at| tick.saturating_sub(at) < CLEARED_SHOWN_S * SECOND)
    }

    pub fn vitals(&self, imu_fault: bool) -> Vitals {
        self.gauge.vitals(&self.supply, imu_fault)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const STEP: u64 = SECOND / 16;
    const UNIT_MPS2: f32 = 0.0048;

    /// A pod's life, 16 looks a second.
    struct Life {
        power: Power,
        tick: u64,
        supply: Supply,
        button: bool,
        linked: bool,
        sensing: bool,
        moving: bool,
    }

    impl Life {
        fn new() -> Self {
            Self {
                power: Power::default(),
                tick: 1_000_000,
                supply: Supply::default(),
                button: false,
                linked: false,
                sensing: true,
                moving: false,
            }
        }

        /// Live so long; what was asked for, with the second of it.
        fn go(&mut self, seconds: u64) -> Vec<(u64, Duty)> {
            let began = self.tick;
            let mut asked = Vec::new();
            while self.tick < began + seconds * SECOND {
                let amplitude = if self.moving { 1000 } else { 3 };
                let block: Vec<Counts> = (0..26_i16)
                    .map(|k| [if k % 2 == 0 { amplitude } else { 0 }, 2043, 0, 0, 0, 0])
                    .collect();
                self.power.samples(&block, UNIT_MPS2);
                let duty = self.power.observe(
                    self.supply,
                    self.button,
                    self.linked,
                    self.sensing,
                    self.tick,
                );
                if duty != Duty::Stay {
                    asked.push(((self.tick - began) / SECOND, duty));
                }
                self.tick += STEP;
            }
            asked
        }
    }

    #[test]
    fn it_sleeps_after_five_minutes_of_stillness() {
        let mut life = Life::new();
        assert_eq!(life.go(299), []);
        assert_eq!(life.go(2).first(), Some(&(1, Duty::Sleep)));
    }

    #[test]
    fn motion_a_link_usb_the_button_or_a_dead_sensor_keep_it_awake() {
        let keeps: [fn(&mut Life, bool); 5] = [
            |life, on| life.moving = on,
            |life, on| life.linked = on,
            |life, on| life.supply.external = on,
            |life, on| life.button = on,
            |life, on| life.sensing = !on,
        ];
        for keep in keeps {
            let mut life = Life::new();
            life.go(200);
            keep(&mut life, true);
            let asked = life.go(700);
            assert!(asked.iter().all(|&(_, duty)| duty == Duty::ClearBonds));
            keep(&mut life, false);
            assert_eq!(life.go(298), []);
            let asked = life.go(4);
            assert!(matches!(asked[..], [(1 | 2, Duty::Sleep), ..]), "{asked:?}");
        }
    }

    #[test]
    fn a_hold_of_ten_seconds_clears_once_and_the_led_says_so() {
        let mut life = Life::new();
        life.button = true;
        assert_eq!(life.go(9), []);
        life.button = false;
        assert_eq!(life.go(1), []);
        life.button = true;
        assert!(!life.power.shows_cleared(life.tick));
        assert_eq!(life.go(12), [(10, Duty::ClearBonds)]);
        assert!(life.power.shows_cleared(life.tick));
        assert_eq!(life.go(20), []);
        assert!(!life.power.shows_cleared(life.tick));
        life.button = false;
        life.go(1);
        life.button = true;
        assert_eq!(life.go(11), [(10, Duty::ClearBonds)]);
    }

    #[test]
    fn an_empty_cell_ends_everything_also_a_link() {
        let mut life = Life::new();
        (life.linked, life.moving) = (true, true);
        life.supply.battery_mv = 3200;
        assert_eq!(life.go(7), []);
        assert_eq!(life.go(3).first(), Some(&(1, Duty::PowerOff)));
    }
}
