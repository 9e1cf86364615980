//! Which anchors a pod keeps, and which boots they date (PROTOCOL.md section 10). Pure.
//!
//! A *life* of the counter goes from one reset of the processor to the next. Sleep, another rate and a sensor that failed
//! begin boots within it: one line from tick to UTC holds for all of them.

use evenstride_protocol::{UtcAnchor, STORED_ANCHORS};
use heapless::Vec;

/// The newest anchors, oldest first.
pub type Anchors = Vec<UtcAnchor, STORED_ANCHORS>;

/// Anchors in the order in which they were kept, and the first boot of this life of the counter.
#[derive(Clone, Default)]
pub struct Dates {
    anchors: Anchors,
    life: u32,
}

impl Dates {
    pub const fn of(anchors: Anchors) -> Self {
        Self { anchors, life: 0 }
    }

    pub const fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// The highest boot id that an anchor names: no later boot may have it.
    pub fn newest_boot(&self) -> Option<u32> {
        self.anchors.iter().map(|anchor| anchor.boot_id).max()
    }

    pub fn has(&self, boot_id: u32) -> bool {
        self.anchors.iter().any(|anchor| anchor.boot_id == boot_id)
    }

    /// The counter begins at zero with this boot.
    pub const fn begin_life(&mut self, boot_id: u32) {
        self.life = boot_id;
    }

    /// A boot begins and the counter goes on: it has the newest anchor of this life. False when there is none.
    pub fn carry(&mut self, boot_id: u32, held: impl Fn(u32) -> bool) -> bool {
        let of_life = |anchor: &&UtcAnchor| (self.life..boot_id).contains(&anchor.boot_id);
        let Some(&newest) = self.anchors.iter().rev().find(of_life) else {
            return false;
        };
        self.keep(UtcAnchor { boot_id, ..newest }, held);
        true
    }

    /// A host says the date. It is that of every earlier boot of this life, too, that is in a log (`logged`, any order)
    /// and has none.
    pub fn say(
        &mut self,
        anchor: UtcAnchor,
        logged: impl Iterator<Item = u32>,
        held: impl Fn(u32) -> bool,
    ) {
        let held = |boot_id: u32| boot_id == anchor.boot_id || held(boot_id);
        for boot_id in logged {
            if (self.life..anchor.boot_id).contains(&boot_id) && !self.has(boot_id) {
                self.keep(UtcAnchor { boot_id, ..anchor }, held);
            }
        }
        self.keep(anchor, held);
    }

    /// Forget every anchor but those of this boot.
    pub fn keep_only(&mut self, boot_id: u32) {
        self.anchors.retain(|anchor| anchor.boot_id == boot_id);
    }

    /// With all places taken an anchor of a boot that is in no log gives way, else one of a boot that has a newer one, else
    /// the oldest.
    fn keep(&mut self, anchor: UtcAnchor, held: impl Fn(u32) -> bool) {
        if self.anchors.is_full() {
            let all = self.anchors.as_slice();
            let gone = all.iter().position(|old| !held(old.boot_id));
            let twice = || {
                all.iter().enumerate().position(|(k, old)| {
                    let newer = all.get(k + 1..).unwrap_or(&[]);
                    old.boot_id == anchor.boot_id || newer.iter().any(|n| n.boot_id == old.boot_id)
                })
            };
            self.anchors.remove(gone.or_else(twice).unwrap_or(0));
        }
        let _ = self.anchors.push(anchor);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const fn anchor(boot_id: u32, tick: u64) -> UtcAnchor {
        UtcAnchor {
            boot_id,
            tick,
            utc_ns: 1_000_000 * tick as i64,
        }
    }

    fn seen(dates: &Dates) -> Vec<(u32, u64)> {
        let anchors = dates.anchors.iter();
        anchors.map(|a| (a.boot_id, a.tick)).collect()
    }

    fn life_from(boot_id: u32, anchors: &[UtcAnchor]) -> Dates {
        let mut dates = Dates::of(anchors.iter().copied().collect());
        dates.begin_life(boot_id);
        dates
    }

    #[test]
    fn a_new_boot_of_the_life_has_its_newest_anchor() {
        let mut dates = life_from(7, &[anchor(6, 90), anchor(7, 10), anchor(7, 20)]);
        assert!(dates.carry(8, |_| true));
        assert!(dates.carry(9, |_| true));
        assert_eq!(seen(&dates)[3..], [(8, 20), (9, 20)]);
        assert_eq!(
            dates.anchors.last(),
            Some(&UtcAnchor {
                boot_id: 9,
                ..anchor(0, 20)
            })
        );
    }

    #[test]
    fn no_boot_has_an_anchor_of_another_life() {
        let mut dates = life_from(7, &[anchor(6, 90)]);
        assert!(!dates.carry(8, |_| true));
        dates.say(anchor(8, 30), [5, 6, 7, 8].into_iter(), |_| true);
        assert_eq!(seen(&dates), [(6, 90), (7, 30), (8, 30)]);
    }

    #[test]
    fn what_the_host_says_dates_earlier_boots_that_have_no_date() {
        let mut dates = life_from(1, &[anchor(2, 10)]);
        // 4 is in both logs, 3 in none
        dates.say(anchor(5, 50), [1, 2, 4, 5, 4].into_iter(), |_| true);
        assert_eq!(seen(&dates), [(2, 10), (1, 50), (4, 50), (5, 50)]);
        dates.say(anchor(5, 60), [1, 2, 4, 5, 4].into_iter(), |_| true);
        assert_eq!(seen(&dates)[4..], [(5, 60)]);
    }

    #[test]
    fn who_gives_way() {
        let full: Vec<UtcAnchor> = (0..STORED_ANCHORS as u32).map(|k| anchor(k, 1)).collect();
        let mut dates = life_from(0, &full);
        dates.say(anchor(100, 5), [].into_iter(), |boot| boot != 9);
        assert!(!dates.has(9) && dates.has(0) && dates.has(100));
        dates.say(anchor(100, 6), [].into_iter(), |_| true); // its own older one
        assert_eq!(seen(&dates)[STORED_ANCHORS - 2..], [(63, 1), (100, 6)]);
        dates.say(anchor(101, 7), [].into_iter(), |_| true);
        assert!(!dates.has(0) && dates.has(1) && dates.has(100));
    }

    #[test]
    fn of_more_boots_than_places_the_newest_have_a_date() {
        let mut dates = life_from(0, &[]);
        dates.say(anchor(80, 5), 0..80, |_| true);
        let kept: Vec<u32> = dates.anchors.iter().map(|a| a.boot_id).collect();
        assert_eq!(kept, (17..=80).collect::<Vec<_>>());
    }
}
