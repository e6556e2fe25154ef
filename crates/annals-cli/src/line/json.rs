//! Writing an event as a line of JSON.

use super::body::{Body, Text, push_base64};
use super::push_string;
use crate::show::moment;
use annals::{Event, EventKind, Uuid};
use serde::Deserialize;
use std::io::Write;

/// Which of its fields are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fields {
    /// All of them: where it stands, too.
    All,
    /// Those that make the event: who reads its lines in order and appends them has the same.
    OfItsOwn,
}

/// What the metadata says of ids, as it stands in logs of others.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(borrow)]
    correlation_id: Option<Text<'a>>,
    #[serde(borrow)]
    causation_id: Option<Text<'a>>,
}

/// The ids of conversation and cause that metadata names as `correlationId` and `causationId`.
pub fn told_by(metadata: Option<&[u8]>) -> (Option<Uuid>, Option<Uuid>) {
    let Some(metadata) = metadata else { return (None, None) };
    if memchr::memmem::find(metadata, b"ationId").is_none() {
        return (None, None);
    }
    // Whatever else stands there is not looked at.
    let told: Told<'_> = serde_json::from_slice(metadata).unwrap_or_default();
    let id = |text: Option<Text<'_>>| Uuid::try_parse(&text?.0).ok();
    (id(told.correlation_id), id(told.causation_id))
}

/// What a kind is called.
pub fn kind_name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Domain => "domain",
        EventKind::Integration => "integration",
        EventKind::Trigger => "trigger",
        EventKind::Fat => "fat",
    }
}

/// Appends the line of an event to `out`.
pub fn write(event: &Event<'_>, fields: Fields, out: &mut Vec<u8>) -> Result<(), annals::Error> {
    let all = fields == Fields::All;
    out.push(b'{');
    if all {
        push_number(out, "\"position\":", event.position.get());
        out.push(b',');
    }
    out.extend_from_slice(b"\"stream\":");
    push_string(out, event.stream()?);
    if all {
        push_number(out, ",\"version\":", event.version.get());
    }
    out.extend_from_slice(b",\"type\":");
    push_string(out, event.event_type()?);
    push_id(out, ",\"id\":", event.id());
    if let Some(time) = event.occurred() {
        push_moment(out, ",\"time\":", time);
    }
    if all || event.occurred() != Some(event.recorded) {
        push_moment(out, ",\"recorded\":", event.recorded);
    }
    if !event.payload.is_empty() {
        push_body(out, "data", event.payload);
    }
    let metadata = event.metadata();
    if let Some(metadata) = metadata {
        push_body(out, "metadata", metadata);
    }
    push_tags(out, event)?;
    push_ids(out, event, metadata);
    if all || event.kind() != EventKind::Domain {
        out.extend_from_slice(b",\"kind\":\"");
        out.extend_from_slice(kind_name(event.kind()).as_bytes());
        out.push(b'"');
    }
    if all || event.schema_version() != 1 {
        push_number(out, ",\"schema_version\":", u64::from(event.schema_version()));
    }
    out.push(b'}');
    Ok(())
}

/// The ids of its conversation and its cause, where its metadata does not say the same.
fn push_ids(out: &mut Vec<u8>, event: &Event<'_>, metadata: Option<&[u8]>) {
    let ids = (event.correlation_id(), event.causation_id());
    let told = told_by(metadata);
    for (name, id, told) in
        [(",\"correlation_id\":", ids.0, told.0), (",\"causation_id\":", ids.1, told.1)]
    {
        match id {
            _ if id == told => {}
            Some(id) => push_id(out, name, id),
            None => {
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(b"null");
            }
        }
    }
}

fn push_tags(out: &mut Vec<u8>, event: &Event<'_>) -> Result<(), annals::Error> {
    out.extend_from_slice(b",\"tags\":[");
    for (nth, tag) in event.tags()?.iter().enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        push_string(out, tag);
    }
    out.push(b']');
    Ok(())
}

fn push_number(out: &mut Vec<u8>, name: &str, number: u64) {
    out.extend_from_slice(name.as_bytes());
    // A vector takes everything.
    let _ = write!(out, "{number}");
}

/// A moment that RFC 3339 can't say is a number.
fn push_moment(out: &mut Vec<u8>, name: &str, time: annals::Timestamp) {
    out.extend_from_slice(name.as_bytes());
    let text = moment(time);
    if text.ends_with('Z') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

fn push_id(out: &mut Vec<u8>, name: &str, id: Uuid) {
    out.extend_from_slice(name.as_bytes());
    out.push(b'"');
    out.extend_from_slice(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
    out.push(b'"');
}

fn push_body(out: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    match Body::of(bytes) {
        Body::Json(json) => {
            out.extend_from_slice(b"\":");
            out.extend_from_slice(json.as_bytes());
        }
        Body::Text(text) => {
            out.extend_from_slice(b"_text\":");
            push_string(out, text);
        }
        Body::Bytes(bytes) => {
            out.extend_from_slice(b"_base64\":");
            push_base64(out, bytes);
        }
    }
}
