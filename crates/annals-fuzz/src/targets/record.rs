//! Records: names, events and documents, sealed.

use super::{KEY, again};
use crate::layout::{frame, number};
use crate::seal::{Key, seal_record};
use annals::inside::{self, Reread};

/// Where the record stands, if the input says nothing else.
const AT: u64 = 160;

/// See the module.
pub fn run(bytes: &[u8]) {
    let key = Key::new(KEY);
    let mut bytes = bytes.to_vec();
    let sealed = seal_record(&mut bytes, AT, 0, &key);
    let (reread, whole) = inside::record(&bytes, AT, 0, KEY);
    again(reread);
    // What is a record and sealed passes its check; what is not has none.
    let is_one = reread != Reread::Refused;
    assert_eq!(is_one && whole, is_one, "a sealed record fails its check");
    assert!(sealed || !is_one, "a record that the format does not know");
    // At another place it fails.
    let (_, elsewhere) = inside::record(&bytes, AT + 8, 0, KEY);
    assert!(!elsewhere || cfg!(fuzzing), "a record that was moved passes its check");
}

/// The records of healthy frames.
pub fn seeds() -> Vec<Vec<u8>> {
    let frames = super::frame::seeds();
    let mut seeds = Vec::new();
    for bytes in frames.iter().filter(|bytes| number(bytes, frame::RECORD_COUNT) > 0) {
        let mut rest = &bytes[frame::LEN..];
        while let Some((_, length)) = crate::seal::extent_of_record(rest) {
            seeds.push(rest[..length].to_vec());
            rest = &rest[length..];
        }
    }
    seeds.sort();
    seeds.dedup_by(|a, b| a[4..] == b[4..]);
    seeds
}
