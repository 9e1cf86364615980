//! Whether the application is alive: the watchdog is fed only then.

use core::cell::Cell;

use embassy_time::{Duration, Instant};

/// The sensor's loop turns with every block, and once a second when the sensor fails. It waits for the pod's flash.
const SAMPLING_WITHIN: Duration = Duration::from_secs(8);
/// The controller answers a command every two seconds.
const RADIO_WITHIN: Duration = Duration::from_secs(7);
/// Advertising turns every second; a link's stream turns as fast as the host takes it, and the host's own timeout may be
/// 32 s.
const AIR_WITHIN: Duration = Duration::from_secs(60);

/// When each part was last seen at work.
pub(crate) struct Life {
    pub sampling: Beat,
    pub radio: Beat,
    pub air: Beat,
}

/// The last sign of one part.
pub(crate) struct Beat(Cell<Instant>);

impl Beat {
    pub fn now(&self) {
        self.0.set(Instant::now());
    }

    fn is_within(&self, limit: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.0.get()) <= limit
    }
}

impl Life {
    /// Everything works at first.
    pub fn new() -> Self {
        let beat = || Beat(Cell::new(Instant::now()));
        Self {
            sampling: beat(),
            radio: beat(),
            air: beat(),
        }
    }

    /// Everything has just been at work: it was not to be, asleep.
    pub fn begin_again(&self) {
        for part in [&self.sampling, &self.radio, &self.air] {
            part.now();
        }
    }

    pub fn goes_on(&self) -> bool {
        self.goes_on_at(Instant::now())
    }

    fn goes_on_at(&self, now: Instant) -> bool {
        self.sampling.is_within(SAMPLING_WITHIN, now)
            && self.radio.is_within(RADIO_WITHIN, now)
            && self.air.is_within(AIR_WITHIN, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_that_stands_still_ends_the_life() {
        let life = Life::new();
        let began = life.air.0.get().max(life.sampling.0.get());
        let after = |seconds: u64| began + Duration::from_secs(seconds);
        assert!(life.goes_on_at(after(6)));
        assert!(!life.goes_on_at(after(9)));
        life.radio.0.set(after(9));
        assert!(!life.goes_on_at(after(9))); // the sensor
        life.sampling.0.set(after(9));
        assert!(life.goes_on_at(after(9)));
        life.sampling.0.set(after(18));
        assert!(!life.goes_on_at(after(18))); // the radio
        life.radio.0.set(after(61));
        life.sampling.0.set(after(61));
        assert!(!life.goes_on_at(after(62))); // the air
        life.air.0.set(after(62));
        assert!(life.goes_on_at(after(62)));
    }
}
