//! What a field says, in words.

use crate::format::bytes::{get_16, get_i64, get_u16, get_u64};
use crate::format::layout::{DOCUMENT_TAG, EVENT_TAG, NAME_TAG};
use crate::format::record::{document_flags, event_flags};
use crate::words::Timestamp;
use std::fmt::Write;
use uuid::Uuid;

/// Characters of a text that are shown.
const SHOWN: usize = 200;

/// What a field of a structure says. Its bytes are as many as its table has for it.
pub(super) fn said(structure: &str, field: &str, bytes: &[u8]) -> String {
    let number = number(bytes);
    match (structure, field) {
        (_, "magic") => text_in_words(bytes),
        (_, "tag") => tag(bytes),
        (_, "store_id") => Uuid::from_bytes(get_16(bytes, 0)).to_string(),
        (_, "file_key" | "hash" | "page_head") => hex(bytes),
        (_, "reserved" | "segments" | "runs" | "free") if bytes.len() > 8 => zero_or_not(bytes),
        (_, "reserved") => zero_or_not(bytes),
        (
            _,
            "check" | "records_check" | "before_check" | "index_chain" | "proof_chain"
            | "epoch_salt" | "compatible" | "read_compatible" | "incompatible",
        ) => format!("{number:#x}"),
        (_, "recorded") => time(bytes),
        ("document", "before") if number == 0 => "no record before".to_owned(),
        (
            _,
            "log_offset" | "before_log_offset" | "watermark" | "index_end" | "proof_start" | "end"
            | "before",
        )
        | ("run", "start") => format!("log offset {number}"),
        (_, "index_next" | "proof_next" | "first_position" | "next" | "head")
        | ("run", "first") => format!("position {number}"),
        (_, "file_offset" | "before_file_offset" | "next_segment") => {
            format!("file offset {number}")
        }
        (
            _,
            "length" | "before_length" | "padding" | "distance" | "payload_length" | "key_length"
            | "value_length" | "metadata_length" | "payload_bytes" | "page_size",
        ) => format!("{number} bytes"),
        (_, "clean") => match number {
            1 => "1: the store was closed".to_owned(),
            0 => "0: the store was not closed".to_owned(),
            _ => number.to_string(),
        },
        ("event", "kind") => named(number, kind_of_event(number)),
        ("listed", "kind") => named(number, kind_of_term(number)),
        ("event", "flags") => {
            let flags = get_u16(bytes, 0);
            let tags = flags >> 8;
            named(number, Some(&listed(&event_flags(flags), &format!("{tags} tags"))))
        }
        ("document", "flags") => {
            let low = bytes.first().copied().unwrap_or_default();
            let said = listed(&document_flags(low), "");
            named(number, Some(&*said).filter(|said| !said.is_empty()))
        }
        ("listed", "first" | "last") => format!("event {number} of the run"),
        _ => number.to_string(),
    }
}

/// A number of up to eight bytes.
pub(super) fn number(bytes: &[u8]) -> u64 {
    let mut number = [0; 8];
    number.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
    get_u64(&number, 0)
}

/// A time.
pub(super) fn time(bytes: &[u8]) -> String {
    match get_i64(bytes, 0) {
        i64::MIN => "before the first".to_owned(),
        micros => Timestamp::from_micros(micros).to_string(),
    }
}

/// Bytes in hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut all, byte| {
        // Writing to a string does not fail.
        let _ = write!(all, "{byte:02x}");
        all
    })
}

/// Bytes as text, if they are, else in hex; the first of them.
pub(super) fn bytes_in_words(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        _ if bytes.is_empty() => "no bytes".to_owned(),
        _ if bytes.iter().all(|byte| *byte == 0) => "zero".to_owned(),
        Ok(_) => text_in_words(bytes),
        Err(_) => {
            let shown = bytes.get(..SHOWN / 2).unwrap_or(bytes);
            let more = if shown.len() < bytes.len() { " …" } else { "" };
            format!("{}{more}", hex(shown))
        }
    }
}

/// Text between quotes, control characters escaped; the first of it.
pub(super) fn text_in_words(bytes: &[u8]) -> String {
    let mut out = String::from("`");
    let mut chunks = bytes.utf8_chunks();
    let (mut shown, mut end) = (0, "`");
    'all: for chunk in &mut chunks {
        for character in chunk.valid().chars() {
            if shown >= SHOWN {
                end = "` …";
                break 'all;
            }
            shown += 1;
            match character {
                '"' | '\'' => out.push(character),
                _ => out.extend(character.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            if shown >= SHOWN {
                end = "` …";
                break 'all;
            }
            let _ = write!(out, "\\x{byte:02x}");
            shown += 1;
        }
    }
    out.push_str(end);
    out
}

fn zero_or_not(bytes: &[u8]) -> String {
    let used = bytes.iter().any(|byte| *byte != 0);
    if used { "not zero" } else { "zero" }.to_owned()
}

fn tag(bytes: &[u8]) -> String {
    match bytes {
        [NAME_TAG] => "0xa1: a name".to_owned(),
        [EVENT_TAG] => "0xa2: an event".to_owned(),
        [DOCUMENT_TAG] => "0xa3: a document".to_owned(),
        [byte] => format!("{byte:#04x}: no record"),
        _ => text_in_words(bytes),
    }
}

fn named(number: u64, name: Option<&str>) -> String {
    name.map_or_else(|| number.to_string(), |name| format!("{number}: {name}"))
}

fn listed(parts: &[&str], last: &str) -> String {
    let last = [last];
    let all = parts.iter().chain(last.iter().filter(|last| !last.is_empty()));
    all.copied().collect::<Vec<_>>().join(", ")
}

fn kind_of_event(number: u64) -> Option<&'static str> {
    Some(match number {
        1 => "domain",
        2 => "integration",
        3 => "trigger",
        4 => "fat",
        _ => return None,
    })
}

fn kind_of_term(number: u64) -> Option<&'static str> {
    Some(match number {
        0 => "no more in this page",
        1 => "stream",
        2 => "category",
        3 => "type",
        4 => "tag",
        10 => "document",
        _ => return None,
    })
}
