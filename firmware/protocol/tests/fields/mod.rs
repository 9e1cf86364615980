//! Messages as the JSON that Python writes beside each vector.

use evenstride_protocol::*;
use serde_json::{json, Value};

const CHANNELS: [(u8, &str); 9] = [
    (Channel::ACCEL_X, "accel_x"),
    (Channel::ACCEL_Y, "accel_y"),
    (Channel::ACCEL_Z, "accel_z"),
    (Channel::GYRO_X, "gyro_x"),
    (Channel::GYRO_Y, "gyro_y"),
    (Channel::GYRO_Z, "gyro_z"),
    (Channel::ACCEL_HIGH_X, "accel_high_x"),
    (Channel::ACCEL_HIGH_Y, "accel_high_y"),
    (Channel::ACCEL_HIGH_Z, "accel_high_z"),
];

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn known(value: i32, none: i32, unit: f64) -> Value {
    if value == none {
        Value::Null
    } else {
        json!(f64::from(value) * unit)
    }
}

pub fn of_message(message: &Message) -> (&'static str, Value) {
    match message {
        Message::Info(info) => ("Info", of_info(info)),
        Message::RawFrame(frame) => ("RawFrame", of_frame(frame)),
        Message::StrideRecords(records) => ("StrideRecords", of_records(records)),
        Message::PodStatus(status) => ("PodStatus", of_status(status)),
        Message::LogRanges(page) => (
            "LogRanges",
            json!({
                "total": page.total,
                "first": page.first,
                "ranges": page.ranges.iter().map(|range| json!({
                    "boot_id": range.boot_id,
                    "first_index": range.first,
                    "end_index": range.end,
                    "what": range.log as u8,
                })).collect::<Vec<_>>(),
            }),
        ),
        Message::UtcAnchors(page) => (
            "UtcAnchors",
            json!({
                "total": page.total,
                "first": page.first,
                "anchors": page.anchors.iter().map(|anchor| json!({
                    "boot_id": anchor.boot_id,
                    "tick": anchor.tick,
                    "utc_ns": anchor.utc_ns,
                })).collect::<Vec<_>>(),
            }),
        ),
        Message::BackfillDone(done) => (
            "BackfillDone",
            json!({
                "result": done.result as u8,
                "boot_id": done.boot_id,
                "first_index": done.first,
                "count": done.count,
                "sent": done.sent,
                "next_index": done.next,
                "what": done.log as u8,
            }),
        ),
        Message::Ping(ping) => (
            "TimePing",
            json!({"ping_id": ping.ping_id, "marker": ping.marker}),
        ),
        Message::Pong(pong) => (
            "TimePong",
            json!({
                "ping_id": pong.ping_id,
                "boot_id": pong.boot_id,
                "tick": pong.tick,
                "interval_s": f64::from(pong.interval) * 0.00125,
                "marker": pong.marker,
            }),
        ),
        Message::Reply(reply) => (
            "CommandReply",
            json!({
                "command": reply.opcode,
                "status": reply.status as u8,
                "payload": text(reply.payload),
                "token": reply.token,
            }),
        ),
        Message::Unknown { kind } => ("Unknown", json!({ "kind": kind })),
    }
}

fn of_info(info: &Info) -> Value {
    let name = |code: u8| CHANNELS.iter().find(|known| known.0 == code).unwrap().1;
    json!({
        "pod_id": text(&info.pod_id),
        "boot_id": info.boot_id,
        "channels": info.channels.iter().map(|channel| json!({
            "name": name(channel.code),
            "scale": f64::from(channel.scale),
            "full_scale": f64::from(channel.full_scale),
        })).collect::<Vec<_>>(),
        "rate_hz": f64::from(info.rate_mhz) / 1000.0,
        "firmware": info.firmware,
        "hardware": info.hardware,
        "tick_hz": info.tick_hz,
        "log_capacity_bytes": info.log_capacity,
        "min_mtu": info.min_mtu,
        "features": info.features,
        "coefficients_version": info.coefficients_version,
        "rotation_version": info.rotation_version,
        "major": MAJOR,
        "minor": info.minor,
    })
}

fn of_frame(frame: &RawFrame) -> Value {
    let counts: Vec<i16> = frame.counts().collect();
    assert_eq!(counts.len(), frame.n() * frame.channels());
    json!({
        "boot_id": frame.head.boot_id,
        "seq": frame.head.seq,
        "first_index": frame.head.first_index,
        "tick": frame.head.tick,
        "backfill": frame.head.backfill,
        "counts": counts.chunks(frame.channels()).collect::<Vec<_>>(),
        "clipped": frame.clipped,
        "mask": frame.head.mask,
        "backlog": frame.head.backlog,
    })
}

fn of_records(records: &StrideRecords) -> Value {
    let none = i32::from(NO_I16);
    json!({
        "boot_id": records.head.boot_id,
        "first_record": records.head.first_record,
        "rules": records.head.rules,
        "coefficients_version": records.head.coefficients_version,
        "rotation_version": records.head.rotation_version,
        "records": records.records().map(|record| json!({
            "strike_index": record.strike_index,
            "end_index": record.end_index,
            "strike_tick": record.strike_tick,
            "toe_off_ticks": record.toe_off_ticks,
            "stride_ticks": record.stride_ticks,
            "stance_sd_s": f64::from(record.stance_sd) * 1e-5,
            "impact_axial_mps2": known(record.impact_axial.into(), none, 0.05),
            "impact_mps2": known(record.impact.into(), none, 0.05),
            "loading_mps3": known(record.loading.into(), NO_U16.into(), 10.0),
            "swing_peak_radps": f64::from(record.swing_peak) * 1e-3,
            "heading_rad": known(record.heading.into(), none, 1e-4),
            "gait": if record.gait == Gait::Run { "run" } else { "walk" },
            "doubt": record.doubt,
        })).collect::<Vec<_>>(),
        "backfill": records.head.backfill,
    })
}

fn of_status(status: &PodStatus) -> Value {
    json!({
        "boot_id": status.boot_id,
        "tick": status.tick,
        "taken": status.taken,
        "next_seq": status.next_seq,
        "dropped": status.dropped,
        "clipped": status.clipped,
        "log_samples": status.log_samples,
        "log_overwritten": status.log_overwritten,
        "battery_v": f64::from(status.battery_mv) / 1000.0,
        "battery_fraction": f64::from(status.battery_percent) / 100.0,
        "temperature_degc": f64::from(status.temperature) / 100.0,
        "log_fill": f64::from(status.log_fill_permille) / 1000.0,
        "mode": status.mode as u8,
        "reset_reason": status.reset_reason as u8,
        "flags": status.flags,
    })
}

pub fn of_request(request: &Request) -> (&'static str, Value) {
    let (kind, mut fields) = match request.command {
        Command::Start { mode } => ("Start", json!({"mode": mode as u8})),
        Command::Stop => ("Stop", json!({})),
        Command::Identify { duration_s } => ("Identify", json!({ "duration_s": duration_s })),
        Command::SetRate { rate_mhz } => ("SetRate", json!({ "rate_mhz": rate_mhz })),
        Command::GetStatus => ("GetStatus", json!({})),
        Command::Anchor { utc_ns } => ("Anchor", json!({ "utc_ns": utc_ns })),
        Command::AnchorList { first } => ("AnchorList", json!({ "first": first })),
        Command::LogStatus { first } => ("LogStatus", json!({ "first": first })),
        Command::Backfill {
            boot_id,
            first,
            log,
            count,
        } => (
            "Backfill",
            json!({"boot_id": boot_id, "first_index": first, "what": log as u8, "count": count}),
        ),
        Command::BackfillCancel => ("BackfillCancel", json!({})),
        Command::AckLog { boot_id, end, log } => (
            "AckLog",
            json!({"boot_id": boot_id, "up_to_index": end, "what": log as u8}),
        ),
        Command::EraseLog => ("EraseLog", json!({})),
        Command::TableBegin {
            table,
            version,
            length,
            crc32,
        } => (
            "TableBegin",
            json!({"table": table as u8, "version": version, "length": length, "crc32": crc32}),
        ),
        Command::TableChunk { offset, data } => {
            ("TableChunk", json!({"offset": offset, "data": text(data)}))
        }
        Command::TableCommit => ("TableCommit", json!({})),
        Command::ClearBonds => ("ClearBonds", json!({})),
        Command::UpdateBegin(begin) => (
            "UpdateBegin",
            json!({
                "key_id": begin.key_id,
                "image_version": begin.image_version,
                "length": begin.length,
                "crc32": begin.crc32,
                "sha256": text(&begin.sha256),
            }),
        ),
        Command::UpdateChunk { offset, data } => {
            ("UpdateChunk", json!({"offset": offset, "data": text(data)}))
        }
        Command::UpdateCommit { signature } => {
            ("UpdateCommit", json!({"signature": text(signature)}))
        }
        Command::Unknown { opcode } => ("Unknown", json!({ "opcode": opcode })),
    };
    fields["token"] = json!(request.token);
    (kind, fields)
}

pub fn of_summary(summary: &Summary) -> Value {
    json!({
        "flags": summary.flags,
        "strides": summary.strides,
        "battery_fraction": f64::from(summary.battery) / 15.0,
        "stance_s": summary.stance.map(|stance| f64::from(stance) * 0.00025),
        "impact_mps2": summary.impact.map(|impact| f64::from(impact) * 0.5),
        "strides_per_min": summary.strides_per_min,
    })
}
