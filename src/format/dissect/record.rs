//! Records.

use super::say::{bytes_in_words, hex, text_in_words, time};
use super::shape::{Shape, Spot, structure};
use crate::format::bytes::{get_16, get_u32, index, u64_of};
use crate::format::check::FileKey;
use crate::format::layout;
use crate::format::record::{Record, event_head_len, record_crc};
use crate::words::{LogOffset, Position, Structure, StructureCheck};
use uuid::Uuid;

/// The record that stands here, and, if `within` is a byte of its extras, those; `position` is that
/// of the event, if it is one, and `name_of` looks up what a reference leads to. Nothing where no
/// record begins.
pub fn record(
    bytes: &[u8],
    (spot, position): (Spot, Position),
    within: usize,
    key: &FileKey,
    name_of: &mut dyn FnMut(u32) -> Option<String>,
) -> Option<Vec<Structure>> {
    let record = Record::parse(bytes)?;
    let bytes = bytes.get(..record.len())?;
    let (shape, parts, head_len, position): (Shape, Vec<_>, _, _) = match &record {
        Record::Name(name) => {
            let parts = vec![("text", name.text.len())];
            (("name", layout::name::TABLE), parts, layout::name::LEN, Position::START)
        }
        Record::Event(event) => {
            let head_len = event_head_len(event.tag_refs.len() / 4);
            (("event", layout::event::TABLE), event.parts(), head_len, position)
        }
        Record::Document(document) => {
            let value = document.value.map_or(0, <[u8]>::len);
            let parts = vec![("key", document.key.len()), ("value", value)];
            (("document", layout::document::TABLE), parts, layout::document::LEN, Position::START)
        }
    };
    let mut found = structure(shape, bytes, spot);
    found.length = u64_of(bytes.len());
    let at = spot.log_offset.unwrap_or(LogOffset::ZERO);
    let stored = get_u32(bytes, layout::event::CHECK);
    let computed = key.record_check(record_crc(bytes, head_len).unwrap_or_default(), at, position);
    found.check = Some(StructureCheck { stored: stored.into(), computed: computed.into() });
    if let Record::Event(_) = record {
        found.notes.push(format!("position {position}"));
        let references = [("stream", layout::event::STREAM), ("type", layout::event::TYPE)];
        for (name, at) in references {
            found.say(name, refers_to(get_u32(bytes, at), name_of));
        }
    }
    let mut inner = None;
    let mut end = found.fields.last().map_or(0, |last| last.offset + last.size);
    for (name, size) in parts {
        let begin = index(end);
        let part = bytes.get(begin..)?.get(..size)?;
        let value = match name {
            "tag_reference" => refers_to(get_u32(part, 0), name_of),
            "id" | "correlation id" | "causation id" => {
                Uuid::from_bytes(get_16(part, 0)).to_string()
            }
            "occurred" => time(part),
            "extras" => hex(part),
            "text" | "key" => text_in_words(part),
            _ => bytes_in_words(part),
        };
        if name == "extras" && (begin..begin + size).contains(&within) {
            let extras = ("extras", layout::extras::TABLE);
            inner = Some(structure(extras, part, spot.plus(begin)));
        }
        found.add(name, begin, part, Some(value));
        end += u64_of(size);
    }
    let begin = index(end);
    let padding = bytes.get(begin..).filter(|padding| !padding.is_empty());
    if let Some(padding) = padding {
        found.add("padding", begin, padding, None);
    }
    Some([found].into_iter().chain(inner).collect())
}

fn refers_to(reference: u32, name_of: &mut dyn FnMut(u32) -> Option<String>) -> String {
    match name_of(reference) {
        Some(name) => format!("{reference}: {}", text_in_words(name.as_bytes())),
        None => format!("{reference}: no name stands there"),
    }
}
