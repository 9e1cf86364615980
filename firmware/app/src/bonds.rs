//! Bonds as bytes for the settings.

use heapless::Vec;
use trouble_host::prelude::*;
use trouble_host::{IdentityResolvingKey, LongTermKey};

use crate::shell::PodController;

/// Centrals that a pod knows; the oldest gives way.
pub const BONDS: usize = 8;
/// In the stack: a new bond is there before the oldest goes.
pub const BOND_PLACES: usize = BONDS + 1;
const SIZE: usize = 42;

pub type BondBytes = Vec<u8, { BONDS * SIZE }>;

/// All bonds of the stack.
pub fn bytes_of(bonds: &[BondInformation]) -> BondBytes {
    let mut bytes = BondBytes::new();
    for bond in bonds.iter().filter(|bond| bond.is_bonded) {
        let identity = &bond.identity;
        let irk = identity.irk.map_or([0; 16], |key| key.to_le_bytes());
        let _ = bytes.extend_from_slice(&bond.ltk.to_le_bytes());
        let _ = bytes.push(identity.addr.kind.into_inner());
        let _ = bytes.extend_from_slice(identity.addr.addr.raw());
        let _ = bytes.push(u8::from(identity.irk.is_some()));
        let _ = bytes.extend_from_slice(&irk);
        let _ = bytes.push(u8::from(bond.security_level.authenticated()));
        let _ = bytes.push(1); // layout
    }
    bytes
}

/// What `bytes_of` wrote.
pub fn bonds_from(bytes: &[u8]) -> Vec<BondInformation, BONDS> {
    bytes
        .chunks_exact(SIZE)
        .filter_map(bond_from)
        .take(BONDS)
        .collect()
}

fn bond_from(bytes: &[u8]) -> Option<BondInformation> {
    let ltk = LongTermKey::from_le_bytes(bytes.get(..16)?.try_into().ok()?);
    let addr = Address::new(
        AddrKind::new(*bytes.get(16)?),
        BdAddr::new(bytes.get(17..23)?.try_into().ok()?),
    );
    let irk = match bytes.get(23)? {
        1 => IdentityResolvingKey::from_le_bytes(bytes.get(24..40)?.try_into().ok()?),
        _ => None,
    };
    let level = match bytes.get(40)? {
        1 => SecurityLevel::EncryptedAuthenticated,
        _ => SecurityLevel::Encrypted,
    };
    let identity = Identity { addr, irk };
    Some(BondInformation::new(identity, ltk, level, true))
}

/// The oldest bond gives way to one too many.
pub fn let_the_oldest_go<C: PodController>(stack: &Stack<'_, C, DefaultPacketPool>) {
    let oldest = stack.with_bond_information(|bonds| {
        let over = bonds.len() > BONDS;
        over.then(|| bonds.first().map(|bond| bond.identity))
            .flatten()
    });
    if let Some(identity) = oldest {
        let _ = stack.remove_bond_information(identity);
    }
}
