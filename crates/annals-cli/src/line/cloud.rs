//! Writing an event as a CloudEvent 1.0, in its JSON format
//! (<https://github.com/cloudevents/spec>): what has no attribute there is an extension attribute.

use super::body::{Body, push_base64};
use super::json::kind_name;
use super::push_string;
use crate::show::moment;
use annals::{Event, EventKind, Uuid};

/// What `source` begins with for events of a store; its id follows.
pub const SOURCE: &str = "annals:";

/// Appends the line of an event of this store to `out`.
pub fn write(event: &Event<'_>, store: Uuid, out: &mut Vec<u8>) -> Result<(), annals::Error> {
    out.extend_from_slice(b"{\"specversion\":\"1.0\"");
    push(out, "id", &event.id().to_string());
    push(out, "source", &format!("{SOURCE}{store}"));
    push(out, "type", event.event_type()?);
    push(out, "subject", event.stream()?);
    if let Some(time) = event.occurred() {
        push(out, "time", &moment(time));
    }
    // Integers are 32 bits wide in CloudEvents: positions and versions are strings.
    push(out, "position", &event.position.to_string());
    push(out, "streamversion", &event.version.to_string());
    push(out, "recordedtime", &moment(event.recorded));
    if let Some(id) = event.correlation_id() {
        push(out, "correlationid", &id.to_string());
    }
    if let Some(id) = event.causation_id() {
        push(out, "causationid", &id.to_string());
    }
    if event.kind() != EventKind::Domain {
        push(out, "kind", kind_name(event.kind()));
    }
    if event.schema_version() != 1 {
        push(out, "schemaversion", &event.schema_version().to_string());
    }
    let tags = event.tags()?;
    if !tags.is_empty() {
        let tags: Vec<&str> = tags.iter().collect();
        push(out, "tags", &serde_json::to_string(&tags).unwrap_or_default());
    }
    match event.metadata().map(Body::of) {
        Some(Body::Json(text) | Body::Text(text)) => push(out, "metadata", text),
        Some(Body::Bytes(bytes)) => {
            out.extend_from_slice(b",\"metadatabase64\":");
            push_base64(out, bytes);
        }
        None => {}
    }
    if !event.payload.is_empty() {
        push_data(out, event.payload);
    }
    out.push(b'}');
    Ok(())
}

fn push_data(out: &mut Vec<u8>, payload: &[u8]) {
    let body = Body::of(payload);
    push(out, "datacontenttype", content_type(&body));
    match body {
        Body::Json(json) => {
            out.extend_from_slice(b",\"data\":");
            out.extend_from_slice(json.as_bytes());
        }
        Body::Text(text) => push(out, "data", text),
        Body::Bytes(bytes) => {
            out.extend_from_slice(b",\"data_base64\":");
            push_base64(out, bytes);
        }
    }
}

/// What a payload is said to be.
pub fn content_type(body: &Body<'_>) -> &'static str {
    match body {
        Body::Json(_) => "application/json",
        Body::Text(_) => "text/plain",
        Body::Bytes(_) => "application/octet-stream",
    }
}

fn push(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    push_string(out, value);
}
