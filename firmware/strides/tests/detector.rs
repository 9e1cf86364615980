//! The detector on made-up running: what must hold for any stream.

mod running;

use evenstride_protocol::Doubt;
use evenstride_protocol::{Gait, StrideRecord, NO_I16, NO_U16};
use evenstride_strides::{Config, ConfigError, Detector, StrideEvent, Table, IDENTITY};
use proptest::prelude::*;
use running::{Leg, RATE_HZ};

const STAMP_EVERY: u32 = 18;

fn detector(config: Config) -> Box<Detector<'static>> {
    let table = Table::built_in().expect("the image carries a whole table");
    Box::new(Detector::new(config, table).expect("a sensor that can be"))
}

/// Samples [first, stop) of the leg, stamped by a clock of 32,768 Hz.
fn push(detector: &mut Detector, leg: &Leg, first: u32, stop: u32) -> Vec<StrideEvent> {
    let mut found = Vec::new();
    for index in first..stop {
        if index % STAMP_EVERY == 0 {
            detector.stamp(index, leg.tick(index));
        }
        detector.push(leg.counts(index));
        found.extend(detector.poll());
    }
    found
}

#[test]
fn running_is_found_stride_by_stride() {
    let leg = Leg::running();
    let found = push(&mut detector(leg.config()), &leg, 0, leg.seconds(20.0));
    assert!((24..=28).contains(&found.len()), "{}", found.len());
    for pair in found.windows(2) {
        let next = pair[0].strike_tick + u64::from(pair[0].stride_ticks);
        assert!(pair[1].strike_tick.abs_diff(next) <= 700, "20 ms");
        assert!(pair[0].toe_off_ticks < pair[0].stride_ticks);
        let stride_s = f64::from(pair[0].stride_ticks) / 32_768.0;
        assert!((stride_s - leg.stride_s).abs() < 0.02, "{stride_s}");
        assert_eq!(pair[0].gait, Gait::Run);
        assert!(pair[0].impact_mps2 >= pair[0].impact_axial_mps2);
    }
}

#[test]
fn a_turned_sensor_says_the_same() {
    let straight = Leg::running();
    let turned = Leg::running().turned([0.0, 0.6, 0.8, 1.0, 0.0, 0.0, 0.0, 0.8, -0.6]);
    let n = straight.seconds(12.0);
    let one = push(&mut detector(straight.config()), &straight, 0, n);
    let other = push(&mut detector(turned.config()), &turned, 0, n);
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(&other) {
        assert!(one.strike_tick.abs_diff(other.strike_tick) <= 5, "0.15 ms");
        assert!(one.toe_off_ticks.abs_diff(other.toe_off_ticks) <= 5);
    }
}

#[test]
fn standing_and_silence_are_no_strides() {
    let leg = Leg::running().still();
    assert_eq!(push(&mut detector(leg.config()), &leg, 0, 6000), []);
}

#[test]
fn a_stride_is_a_function_of_its_own_window() {
    let leg = Leg::running();
    let whole = push(&mut detector(leg.config()), &leg, 0, leg.seconds(15.0));
    let mut late = detector(leg.config());
    let first = leg.seconds(5.0);
    late.restart(first);
    let part = push(&mut late, &leg, first, leg.seconds(15.0));
    assert!(part.len() > 8);
    for stride in part {
        // the same samples; the line of time may have seen other stamps, none of them far off
        let same = whole.iter().find(|s| s.strike_index == stride.strike_index);
        let same = same.expect("found from the start, too");
        assert_eq!(same.end_index, stride.end_index);
        assert!(same.strike_tick.abs_diff(stride.strike_tick) <= 1);
    }
}

#[test]
fn without_stamps_no_stride_has_a_time() {
    let leg = Leg::running();
    let mut detector = detector(leg.config());
    for index in 0..leg.seconds(10.0) {
        detector.push(leg.counts(index));
        assert_eq!(detector.poll(), None);
    }
}

#[test]
fn short_gaps_are_bridged_and_doubted_long_ones_cost_their_strides() {
    let leg = Leg::running();
    let n = leg.seconds(12.0);
    let whole = push(&mut detector(leg.config()), &leg, 0, n);
    let strike = whole[6].strike_index;
    for (missing, lost) in [(8, 0), (40, 2)] {
        let mut detector = detector(leg.config());
        let mut found = push(&mut detector, &leg, 0, strike + 20);
        detector.skip(missing);
        assert_eq!(detector.next_index(), strike + 20 + missing);
        found.extend(push(&mut detector, &leg, strike + 20 + missing, n));
        assert!(whole.len() - found.len() >= lost, "{missing} missing");
        let doubted: Vec<u32> = found
            .iter()
            .filter(|stride| stride.doubt & Doubt::GAP != 0)
            .map(|stride| stride.strike_index)
            .collect();
        if lost == 0 {
            assert_eq!(found.len(), whole.len());
            assert_eq!(doubted.len(), 1);
            assert!(doubted[0].abs_diff(strike) <= 3);
        } else {
            assert!(doubted.is_empty());
        }
    }
}

#[test]
fn what_a_sensor_cannot_be_is_refused() {
    let config = Leg::running().turned(IDENTITY.map(f64::from)).config();
    let table = || Table::built_in().unwrap();
    let refused = |config| Detector::new(config, table()).err();
    assert_eq!(refused(config), None);
    for rate_hz in [52.0, 833.0, f32::NAN] {
        let other = Config { rate_hz, ..config };
        assert_eq!(refused(other), Some(ConfigError::Rate));
    }
    let mirror = [-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    for rotation in [[0.0; 9], [f32::NAN; 9], mirror] {
        let other = Config { rotation, ..config };
        assert_eq!(refused(other), Some(ConfigError::Rotation));
    }
    let other = Config {
        gyro_scale: 0.0,
        ..config
    };
    assert_eq!(refused(other), Some(ConfigError::Scale));
    let mut running = detector(config);
    assert_eq!(
        running.set_rotation([0.0; 9]),
        Err(ConfigError::Rotation),
        "the old one stays"
    );
    assert_eq!(running.config().rotation, IDENTITY);
}

#[test]
fn another_rate_in_place_is_a_new_boot() {
    let leg = Leg::running();
    let mut other = detector(Config {
        rate_hz: 208.0,
        ..leg.config()
    });
    push(
        &mut other,
        &leg.turned([0.0, 0.6, 0.8, 1.0, 0.0, 0.0, 0.0, 0.8, -0.6]),
        0,
        3000,
    );
    let leg = Leg::running();
    let refused = Config {
        rate_hz: 833.0,
        ..leg.config()
    };
    assert_eq!(other.reconfigure(refused), Err(ConfigError::Rate));
    assert_eq!(other.config().rate_hz, 208.0);
    other.reconfigure(leg.config()).unwrap();
    assert_eq!(other.next_index(), 0);
    let anew = push(&mut other, &leg, 0, leg.seconds(12.0));
    let fresh = push(&mut detector(leg.config()), &leg, 0, leg.seconds(12.0));
    assert_eq!(anew, fresh);
}

#[test]
fn a_table_in_memory_that_is_written_anew() {
    let leg = Leg::running();
    let n = leg.seconds(12.0);
    let mut memory = evenstride_strides::BUILT_IN.to_vec();
    let mut found = Vec::new();
    let mut detector = detector(leg.config());
    for index in 0..n {
        if index == n / 2 {
            // contact 4 ms earlier; whoever writes it checks it once
            memory[16..20].copy_from_slice(&0.004_f32.to_le_bytes());
            let crc = evenstride_protocol::crc32(&memory[16..]).to_le_bytes();
            memory[12..16].copy_from_slice(&crc);
            assert!(Table::new(&memory).is_ok());
        }
        if index % STAMP_EVERY == 0 {
            detector.stamp(index, leg.tick(index));
        }
        detector.push(leg.counts(index));
        found.extend(detector.poll_with(&Table::again(&memory).unwrap()));
    }
    let whole = push(&mut self::detector(leg.config()), &leg, 0, n);
    assert_eq!(found.len(), whole.len());
    assert_eq!(found[0], whole[0]);
    let (new, old) = (found[found.len() - 1], whole[whole.len() - 1]);
    assert!(old.strike_tick.abs_diff(new.strike_tick).abs_diff(131) <= 2);
}

#[test]
fn records_saturate_and_keep_what_is_not_measurable() {
    let stride = StrideEvent {
        strike_index: 4100,
        end_index: 4390,
        strike_tick: 322_950,
        toe_off_ticks: 8192,
        stride_ticks: 22_843,
        stance_sd_s: 0.0045,
        impact_axial_mps2: Some(60.0),
        impact_mps2: Some(9999.0),
        loading_mps3: None,
        swing_peak_radps: 8.123,
        heading_rad: Some(-0.0312),
        gait: Gait::Run,
        doubt: Doubt::CLIPPED,
    };
    let record = stride.record();
    assert_eq!((record.stance_sd, record.impact_axial), (450, 1200));
    assert_eq!((record.impact, record.loading), (i16::MAX, NO_U16));
    assert_eq!((record.swing_peak, record.heading), (8123, -312));
    let bare = StrideEvent {
        impact_axial_mps2: None,
        heading_rad: None,
        ..stride
    };
    assert_eq!(bare.record().heading, NO_I16);
    assert_eq!(bare.record().impact_axial, NO_I16);
    let mut out = [0; StrideRecord::SIZE];
    record.encode(&mut out).unwrap();
    assert_eq!(StrideRecord::decode(&out), Ok(record));
}

#[test]
fn memory_is_what_the_board_was_promised() {
    let size = core::mem::size_of::<Detector>();
    assert!(size <= 40 * 1024, "{size} bytes");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever comes from the sensor or over the air: no panic, and times that are in order.
    #[test]
    fn any_samples_are_survived(seed: u64, loud: bool, rate in prop::sample::select(vec![95.0_f32, 104.0, 208.0, 416.0, 440.0])) {
        let mut random = seed | 1;
        let mut next = move || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        let leg = Leg::running();
        let mut detector = detector(Config { rate_hz: rate, ..leg.config() });
        let mut last = 0;
        for _ in 0..4000 {
            let index = detector.next_index();
            match next() % 600 {
                0 => detector.skip((next() % 60) as u32),
                1 => detector.restart(index + (next() % 1000) as u32),
                2..=90 => detector.stamp(index, u64::from(index) * 79 + next() % 40),
                _ => {}
            }
            let mut counts = leg.counts((f64::from(index) * RATE_HZ / f64::from(rate)) as u32);
            if loud {
                counts[(next() % 6) as usize] = next() as i16;
            }
            detector.push(counts);
            if let Some(stride) = detector.poll() {
                prop_assert!(stride.strike_tick + 2000 >= last);
                prop_assert!(!stride.stance_sd_s.is_nan() && !stride.swing_peak_radps.is_nan());
                last = stride.strike_tick;
            }
        }
    }
}
