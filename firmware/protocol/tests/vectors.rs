//! The vectors shared with Python (`firmware/vectors`): read and written bit for bit, fields included.

mod fields;

use evenstride_protocol::*;
use serde_json::Value;

fn entries(name: &str) -> Vec<Value> {
    let path = format!("{}/../vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the vectors are committed");
    let entries: Vec<Value> = serde_json::from_str(&text).expect("the vectors are JSON");
    assert!(!entries.is_empty());
    entries
}

fn name(entry: &Value) -> &str {
    entry["name"].as_str().unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("hex is a text");
    (0..text.len())
        .step_by(2)
        .map(|k| u8::from_str_radix(&text[k..k + 2], 16).unwrap())
        .collect()
}

/// Exactly `bytes`, and nothing where the buffer is one byte too small.
fn writes(bytes: &[u8], encode: impl Fn(&mut [u8]) -> Option<usize>) {
    let mut out = vec![0xA5; bytes.len() + 3];
    assert_eq!(encode(&mut out), Some(bytes.len()));
    assert_eq!(&out[..bytes.len()], bytes);
    assert_eq!(out[bytes.len()..], [0xA5; 3]);
    assert_eq!(encode(&mut out[..bytes.len() - 1]), None);
}

#[test]
fn messages_in_both_directions() {
    for entry in entries("messages") {
        let bytes = hex(&entry["hex"]);
        assert!(bytes.len() <= MAX_MESSAGE);
        let message = Message::decode(&bytes).unwrap_or_else(|e| panic!("{}: {e}", name(&entry)));
        let (kind, values) = fields::of_message(&message);
        assert_eq!(entry["type"], kind, "{}", name(&entry));
        assert_eq!(entry["fields"], values, "{}", name(&entry));
        writes(&bytes, |out| message.encode(out));
    }
}

#[test]
fn commands_in_both_directions() {
    for entry in entries("commands") {
        let bytes = hex(&entry["hex"]);
        let request = Request::decode(&bytes).unwrap_or_else(|e| panic!("{}: {e}", name(&entry)));
        let (kind, values) = fields::of_request(&request);
        assert_eq!(entry["type"], kind, "{}", name(&entry));
        assert_eq!(entry["fields"], values, "{}", name(&entry));
        assert_eq!(header_of(&bytes), (request.command.opcode(), request.token));
        writes(&bytes, |out| request.encode(out));
    }
}

#[test]
fn advertising_fills_31_bytes() {
    for entry in entries("advertising") {
        let element = hex(&entry["hex"]);
        let summary = Summary::decode(&element).unwrap();
        assert_eq!(entry["fields"], fields::of_summary(&summary));
        assert_eq!(Summary::from_payload(&element[4..]), Ok(summary));
        writes(&element, |out| summary.encode(out));
        assert_eq!(hex(&entry["advertising_data"]), advertising_data(&summary));
    }
}

#[test]
fn malformed_messages_are_refused_where_the_gateway_stops() {
    for entry in entries("malformed") {
        let error = Message::decode(&hex(&entry["hex"])).expect_err(name(&entry));
        assert_eq!(entry["offset"], error.offset, "{}: {error}", name(&entry));
    }
    for entry in entries("malformed_commands") {
        let error = Request::decode(&hex(&entry["hex"])).expect_err(name(&entry));
        assert_eq!(entry["offset"], error.offset, "{}: {error}", name(&entry));
    }
}

#[test]
fn a_newer_minor_version_is_read_or_skipped() {
    for entry in entries("future") {
        let bytes = hex(&entry["hex"]);
        let message = Message::decode(&bytes).unwrap();
        if entry["read_as"].is_null() {
            assert_eq!(message, Message::Unknown { kind: bytes[0] });
        } else {
            writes(&hex(&entry["read_as"]), |out| message.encode(out));
        }
    }
}

#[test]
fn an_unknown_command_keeps_its_opcode_and_token() {
    let unknown = Request::decode(&[0x7F, 5, 1, 2, 3]).unwrap();
    assert_eq!(unknown.token, 5);
    assert_eq!(unknown.command, Command::Unknown { opcode: 0x7F });
    assert_eq!(header_of(&[0x45]), (0x45, 0));
}

#[test]
fn the_crc_is_that_of_zlib() {
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    let mut crc = Crc32::new();
    b"123456789".chunks(2).for_each(|piece| crc.push(piece));
    assert_eq!(crc.value(), 0xCBF4_3926);
}

#[test]
fn the_scan_response_names_the_pod() {
    let response = scan_response(&[0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0xAA]);
    assert_eq!(response[..2], [28, 0x09]);
    assert_eq!(&response[2..], b"evenstride 00112233445566aa");
}
