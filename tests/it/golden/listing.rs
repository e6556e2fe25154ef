//! What a golden store holds, one JSON object a line: first the store, then each event in the order
//! of positions, then each document in the order of keys, then the deleted ones.
//!
//! What an event does not have is left out: no tags, no ids but its own, no metadata; a domain
//! event's kind; schema version 1. Times are microseconds since 1970. Bytes are a string if they
//! are text, else hex; more than 100 of them are said by their number and their CRC-32.

use annals::{Document, EventKind, RecordedEvent, Revision};
use serde_json::{Map, Value, json};

/// Longer values are said by their check.
const LONG: usize = 100;

pub struct Listing {
    /// What is said of the store as a whole.
    pub store: Value,
    pub events: Vec<Value>,
    pub documents: Vec<Value>,
    /// Keys whose documents were deleted, and the revisions that the deletions took.
    pub deleted: Vec<(String, Revision)>,
}

impl Listing {
    pub fn parse(text: &str) -> Self {
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let store = lines.next().unwrap();
        let (mut events, mut documents, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
        for line in lines {
            if line.get("position").is_some() {
                events.push(line);
            } else if line.get("key").is_some() {
                documents.push(line);
            } else {
                let revision = Revision::new(line["revision"].as_u64().unwrap());
                deleted.push((line["deleted"].as_str().unwrap().to_owned(), revision));
            }
        }
        Self { store, events, documents, deleted }
    }

    pub fn to_text(&self) -> String {
        let deleted = self
            .deleted
            .iter()
            .map(|(key, revision)| json!({ "deleted": key, "revision": revision.get() }));
        let lines = [self.store.clone()].into_iter();
        let lines = lines.chain(self.events.iter().cloned()).chain(self.documents.iter().cloned());
        lines.chain(deleted).map(|line| format!("{line}\n")).collect()
    }
}

/// The line of an event.
pub fn event(event: &RecordedEvent) -> Value {
    let mut line = Map::new();
    let mut put = |key: &str, value: Value| line.insert(key.to_owned(), value);
    put("position", event.position.get().into());
    put("stream", event.stream.as_str().into());
    put("version", event.version.get().into());
    put("type", event.event_type.as_str().into());
    put("id", event.id.to_string().into());
    put("id_given", event.id_given.into());
    put("recorded", event.recorded.micros().into());
    put("payload", bytes(&event.payload));
    if event.kind != EventKind::Domain {
        put("kind", format!("{:?}", event.kind).into());
    }
    if event.schema_version != 1 {
        put("schema_version", event.schema_version.into());
    }
    if !event.tags.is_empty() {
        put("tags", event.tags.clone().into());
    }
    if let Some(id) = event.correlation_id {
        put("correlation_id", id.to_string().into());
    }
    if let Some(id) = event.causation_id {
        put("causation_id", id.to_string().into());
    }
    if let Some(occurred) = event.occurred {
        put("occurred", occurred.micros().into());
    }
    if let Some(metadata) = &event.metadata {
        put("metadata", bytes(metadata));
    }
    Value::Object(line)
}

/// The line of a document.
pub fn document(document: &Document) -> Value {
    json!({
        "key": document.key,
        "revision": document.revision.get(),
        "head": document.head.get(),
        "recorded": document.recorded.micros(),
        "value": bytes(&document.value),
    })
}

fn bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        _ if bytes.len() > LONG => {
            json!({ "bytes": bytes.len(), "crc32": crc32fast::hash(bytes) })
        }
        Ok(text) => text.into(),
        Err(_) => json!({ "hex": bytes.iter().map(|b| format!("{b:02x}")).collect::<String>() }),
    }
}
