//! Documents' records, sealed; whatever the input's tag is.

use crate::layout::{DOCUMENT_TAG, record};

/// See the module.
pub fn run(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    if let Some(tag) = bytes.get_mut(record::TAG) {
        *tag = DOCUMENT_TAG;
    }
    super::record::run(&bytes);
}

/// Healthy ones to begin with.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = super::record::seeds();
    seeds.retain(|bytes| bytes[record::TAG] == DOCUMENT_TAG);
    seeds
}
