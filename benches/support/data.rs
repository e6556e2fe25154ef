//! The data: 256 bytes that can't be compressed, one of 20 types, two tags, 10,000 streams round
//! robin.

use annals::{Commit, NewEvent};
use std::path::PathBuf;
use tempfile::TempDir;

/// Bytes of a payload.
pub const PAYLOAD: usize = 256;
/// Streams, where a benchmark does not give each thread its own.
pub const STREAMS: u64 = 10_000;

const TYPES: u64 = 20;
const ACCOUNTS: u64 = 1_000;
const REGIONS: u64 = 50;

/// A folder of its own beside the benchmark's program, so in the target directory: a temporary
/// folder of the system may lie in memory, where a sync costs nothing.
pub fn folder() -> TempDir {
    let program = std::env::current_exe().unwrap();
    let beside: PathBuf = program.parent().unwrap().into();
    tempfile::Builder::new().prefix("bench-").tempdir_in(beside).unwrap()
}

/// The name of a stream.
pub fn stream_name(stream: u64) -> String {
    format!("account-{stream:05}")
}

/// The payload of the `nth` event of all.
pub fn payload(nth: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PAYLOAD);
    for word in 0..PAYLOAD as u64 / 8 {
        bytes.extend_from_slice(&mixed(nth * 64 + word).to_le_bytes());
    }
    bytes
}

/// The type and the tags of the `nth` event of all.
pub fn kinds(nth: u64) -> (u64, [u64; 2]) {
    let random = mixed(!nth);
    (nth % TYPES, [random % ACCOUNTS, ACCOUNTS + (random >> 32) % REGIONS])
}

/// The name of a type.
pub fn type_name(event_type: u64) -> String {
    format!("Happened{event_type:02}")
}

/// The name of a tag.
pub fn tag_name(tag: u64) -> String {
    match tag.checked_sub(ACCOUNTS) {
        None => format!("account:{tag}"),
        Some(region) => format!("region:{region}"),
    }
}

/// The tag with this name.
pub fn tag_number(name: &str) -> u64 {
    let (kind, number) = name.split_once(':').unwrap();
    let number: u64 = number.parse().unwrap();
    if kind == "account" { number } else { ACCOUNTS + number }
}

/// The `nth` event of all.
pub fn event(nth: u64) -> NewEvent {
    let (event_type, tags) = kinds(nth);
    NewEvent::new(type_name(event_type), payload(nth)).tags(tags.map(tag_name))
}

/// A commit of events, each with its number among all, its stream, and the version at which that
/// stream has to be.
pub fn commit(events: impl Iterator<Item = (u64, u64, u64)>) -> Commit {
    events.fold(Commit::new(), |commit, (nth, stream, version)| {
        commit.append(stream_name(stream), version, [event(nth)])
    })
}

/// Reads every byte of a payload.
pub fn fold(payload: &[u8]) -> u64 {
    payload.chunks_exact(8).fold(0, |all, word| all ^ u64::from_le_bytes(word.try_into().unwrap()))
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
pub fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
