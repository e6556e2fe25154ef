//! Healthy files with lies anywhere in them, sealed: whoever knows the format can seal any numbers.

use super::open::{looked_at, written_to};
use super::patches::{self, Patched, Where};

/// See the module.
pub fn run(bytes: &[u8]) {
    match Patched::new(bytes, Where::Anywhere) {
        Ok(patched) if patched.look => looked_at(&patched.bytes),
        Ok(patched) => written_to(&patched.bytes),
        Err(_) => {}
    }
}

/// Healthy ones to begin with: fields of slots, segments, frames, records and runs.
pub fn seeds() -> Vec<Vec<u8>> {
    patches::seeds(&[0, 12, 20, 22, 118, 512, 630, 1_537, 1_544, 1_549, 1_560, 1_600, 2_100, 3_000])
}
