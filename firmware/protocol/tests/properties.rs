//! What holds for any message and for any bytes.

mod survives;

use evenstride_protocol::*;
use proptest::prelude::*;
use survives::survives;

fn head() -> impl Strategy<Value = FrameHead> {
    (any::<(bool, u32, u32, u32, u64)>(), 1_u16.., any::<u16>()).prop_map(
        |((backfill, boot_id, seq, first_index, tick), mask, backlog)| FrameHead {
            backfill,
            boot_id,
            seq,
            first_index,
            tick,
            mask,
            backlog,
        },
    )
}

fn record() -> impl Strategy<Value = StrideRecord> {
    (
        any::<(u32, u32, u64, u32, u32, u16)>(),
        any::<(i16, i16, u16, u16, i16, bool, u16)>(),
    )
        .prop_map(|(times, measures)| StrideRecord {
            strike_index: times.0,
            end_index: times.1,
            strike_tick: times.2,
            toe_off_ticks: times.3,
            stride_ticks: times.4,
            stance_sd: times.5,
            impact_axial: measures.0,
            impact: measures.1,
            loading: measures.2,
            swing_peak: measures.3,
            heading: measures.4,
            gait: if measures.5 { Gait::Run } else { Gait::Walk },
            doubt: measures.6,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_frame_holds_what_was_pushed(head in head(), mtu in 0_u16..600, samples in prop::collection::vec(any::<[i16; 16]>(), 0..130)) {
        let channels = head.mask.count_ones() as usize;
        let Some(mut builder) = FrameBuilder::new(mtu, head) else {
            prop_assert_eq!(samples_per_frame(mtu, head.mask.count_ones()), 0);
            return Ok(());
        };
        let mut taken = Vec::new();
        for sample in &samples {
            if !builder.push(&sample[..channels]) {
                prop_assert!(builder.is_full());
                break;
            }
            taken.extend_from_slice(&sample[..channels]);
        }
        let bytes = builder.finish(head.seq, head.backlog.into());
        if taken.is_empty() {
            prop_assert!(bytes.is_empty());
            return Ok(());
        }
        prop_assert!(bytes.len() <= MAX_MESSAGE && bytes.len() + ATT_HEADER <= usize::from(mtu));
        let frame = RawFrame::decode(bytes).unwrap();
        prop_assert_eq!(frame.head, head);
        prop_assert_eq!(frame.clipped, taken.iter().any(|c| *c <= -i16::MAX || *c == i16::MAX));
        prop_assert_eq!(frame.counts().collect::<Vec<_>>(), taken);
    }

    #[test]
    fn records_come_back(records in prop::collection::vec(record(), 0..8), first_record: u32, rules: u16) {
        let head = RecordsHead { first_record, rules, ..RecordsHead::default() };
        let mut out = [0; MAX_MESSAGE];
        match head.encode(&records, &mut out) {
            None => prop_assert!(records.is_empty() || records.len() > MAX_RECORDS),
            Some(size) => {
                let read = StrideRecords::decode(&out[..size]).unwrap();
                prop_assert_eq!(read.head, head);
                prop_assert_eq!(read.records().collect::<Vec<_>>(), records);
            }
        }
    }

    #[test]
    fn values_saturate(value: f32, unit in prop::sample::select(vec![1e-5_f32, 1e-4, 0.05, 10.0])) {
        let signed = saturated_i16(Some(value), unit);
        let exact = f64::from(value) / f64::from(unit);
        if value.is_nan() {
            prop_assert_eq!(signed, NO_I16);
        } else {
            prop_assert!(signed != NO_I16);
            let bounded = exact.clamp(-32_767.0, 32_767.0);
            prop_assert!((f64::from(signed) - bounded).abs() <= 0.51 + bounded.abs() * 1e-6);
        }
        let unsigned = saturated_u16(value, unit, NO_U16 - 1);
        prop_assert!(unsigned < NO_U16);
        if !value.is_nan() {
            let bounded = exact.clamp(0.0, 65_534.0);
            prop_assert!((f64::from(unsigned) - bounded).abs() <= 0.51 + bounded.abs() * 1e-6);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(kind: u8, data in prop::collection::vec(any::<u8>(), 0..600)) {
        survives(&data);
        let mut known = data.clone();
        if let Some(first) = known.first_mut() {
            *first = KINDS[usize::from(kind) % KINDS.len()];
        }
        survives(&known);
    }
}

const KINDS: [u8; 29] = [
    1, 2, 3, 4, 5, 6, 0x10, 0x20, 0x21, 0x80, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F, 0x50, 0x51, 0x52,
];

/// A small generator of our own: the same bytes on every machine, millions of them in a second.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Fuzz: vectors with bytes changed, cut and lengthened. These get far behind the first check, random bytes do not.
#[test]
fn damaged_vectors_are_read_or_refused() {
    let mut random = Random(0x5EED_0001);
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for name in [
        "messages",
        "commands",
        "malformed",
        "malformed_commands",
        "future",
    ] {
        let path = format!("{}/../vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let entries: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        for entry in entries {
            let hex = entry["hex"].as_str().unwrap();
            seeds.push(
                (0..hex.len())
                    .step_by(2)
                    .map(|k| u8::from_str_radix(&hex[k..k + 2], 16).unwrap())
                    .collect(),
            );
        }
    }
    for round in 0..200_000 {
        let mut data = seeds[round % seeds.len()].clone();
        for _ in 0..random.next() % 4 {
            if !data.is_empty() {
                let at = random.next() as usize % data.len().min(64);
                data[at] = random.next() as u8;
            }
        }
        match random.next() % 4 {
            0 => data.truncate(random.next() as usize % (data.len() + 1)),
            1 => data.extend((0..random.next() % 300).map(|k| k as u8)),
            _ => {}
        }
        survives(&data);
    }
}
