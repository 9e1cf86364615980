//! What holds for any bytes from the air: for the properties and for the fuzzer (`firmware/fuzz`).

use evenstride_protocol::*;

/// Whatever can be read can be written, and what was written is read as itself (reserved bytes become 0).
pub fn survives(data: &[u8]) {
    let (mut out, mut again) = ([0; 2 * MAX_INPUT], [0; 2 * MAX_INPUT]);
    if let Ok(message) = Message::decode(data) {
        if let Some(size) = message.encode(&mut out) {
            let read = Message::decode(&out[..size]).expect("written by this codec");
            assert_eq!(read.encode(&mut again), Some(size));
            assert_eq!(out[..size], again[..size]);
            assert!(size <= data.len());
        } else {
            assert!(matches!(message, Message::Unknown { .. }));
        }
    }
    if let Ok(request) = Request::decode(data) {
        assert_eq!(header_of(data), (request.command.opcode(), request.token));
        let size = request.encode(&mut out).expect("a command fits");
        assert_eq!(
            Request::decode(&out[..size.max(1)]).map(|r| r.command),
            Ok(request.command)
        );
    }
    if let Ok(ping) = Ping::decode(data) {
        let size = ping.pong(1, 2, 3).encode(&mut out).expect("a pong fits");
        assert!(Pong::decode(&out[..size]).is_ok());
    }
    if let Ok(summary) = Summary::decode(data) {
        let size = summary.encode(&mut out).expect("a summary fits");
        assert_eq!(Summary::decode(&out[..size]), Ok(summary));
    }
    let _ = Summary::from_payload(data);
    let _ = StreamPosition::decode(data);
    let _ = StrideRecord::decode(data);
    let _ = InfoHead::decode(data);
}
