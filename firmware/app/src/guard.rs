//! What must be true of a packet from the air before the host stack reads it.
//!
//! trouble-host 0.8 takes for granted that an ATT request is as long as its opcode says, and panics where one is shorter:
//! any stranger in radio range could start the pod anew. What only a server says (odd opcodes) has no meaning here: a pod
//! asks nobody.

const L2CAP_HEADER: usize = 4;
const ATT_CHANNEL: u16 = 4;
const READ_BY_GROUP_TYPE: u8 = 0x10;
const READ_MULTIPLE: u8 = 0x20; // to the stack; it is 0x0E, which the stack does not know
/// Of a group type of 128 bits, behind whose end the stack reads. There is no such group (Core 5.4, vol. 3 G 2.5.3).
const LONG_GROUP_TYPE: u16 = 21;

/// Bytes that an ATT request, command or confirmation has at least, opcode included.
const fn least(opcode: u8) -> u16 {
    match opcode {
        0x18 => 2,                      // execute write
        0x02 | 0x0A | 0x12 | 0x52 => 3, // MTU, read, write, write without response
        0x06 => 7,                      // find by type and value
        0x04 | 0x08 | 0x0C | READ_BY_GROUP_TYPE | 0x16 | READ_MULTIPLE => 5,
        _ => 1, // others are answered without being read
    }
}

/// Whether the stack may see the first fragment of an L2CAP message. What follows is measured against the length in it.
pub fn is_sound(first_fragment: &[u8]) -> bool {
    let Some((&[l0, l1, c0, c1], att)) = first_fragment.split_first_chunk::<L2CAP_HEADER>() else {
        return true; // no message: refused
    };
    if u16::from_le_bytes([c0, c1]) != ATT_CHANNEL {
        return true;
    }
    let length = u16::from_le_bytes([l0, l1]);
    att.first().is_some_and(|&opcode| {
        let too_long = opcode == READ_BY_GROUP_TYPE && length == LONG_GROUP_TYPE;
        opcode % 2 == 0 && length >= least(opcode) && !too_long
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(channel: u16, length: u16, here: &[u8]) -> heapless::Vec<u8, 64> {
        let mut message = heapless::Vec::new();
        message.extend_from_slice(&length.to_le_bytes()).unwrap();
        message.extend_from_slice(&channel.to_le_bytes()).unwrap();
        message.extend_from_slice(here).unwrap();
        message
    }

    #[test]
    fn requests_shorter_than_their_fields_are_not_read() {
        for (opcode, least) in [
            (0x02, 3), // each with its handles, offsets, types
            (0x04, 5),
            (0x06, 7),
            (0x08, 5),
            (0x0A, 3),
            (0x0C, 5),
            (0x0E, 1),
            (0x10, 5),
            (0x12, 3),
            (0x16, 5),
            (0x18, 2),
            (0x20, 5),
            (0x52, 3),
            (0x1E, 1),
            (0xFE, 1),
        ] {
            for length in 0..24 {
                let sound = length >= least && (opcode, length) != (0x10, 21);
                let whole = [opcode; 24];
                let here = whole.get(..usize::from(length)).unwrap();
                assert_eq!(
                    is_sound(&message(4, length, here)),
                    sound,
                    "{opcode} {length}"
                );
                let fragment = message(4, length, &[opcode]);
                assert_eq!(is_sound(&fragment), sound, "{opcode} {length} in pieces");
            }
        }
    }

    #[test]
    fn the_stack_can_read_what_it_is_shown() {
        let bytes = [0xFF; 80];
        for opcode in 0..=u8::MAX {
            for length in 1..=bytes.len() {
                let mut att = bytes;
                att[0] = opcode;
                let att = &att[..length];
                if is_sound(&message(4, length as u16, &att[..1])) {
                    let _ = trouble_host::att::Att::decode(att);
                }
            }
        }
    }

    #[test]
    fn what_only_a_server_says_is_not_read() {
        assert!((1..=u8::MAX)
            .step_by(2)
            .all(|opcode| !is_sound(&message(4, 80, &[opcode]))));
    }

    #[test]
    fn a_request_whose_opcode_comes_later_is_not_read() {
        assert!(!is_sound(&message(4, 3, &[])));
    }

    #[test]
    fn other_channels_and_no_messages_are_the_stacks_own() {
        assert!(is_sound(&message(6, 0, &[])));
        assert!(is_sound(&message(5, 3, &[1, 2, 3])));
        assert!(is_sound(&[0, 0, 4]));
        assert!(is_sound(&[]));
    }
}
