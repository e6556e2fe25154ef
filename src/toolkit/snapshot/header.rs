//! The first line of a snapshot: what it is, and of when.

use super::Stale;
use crate::{Position, Timestamp, Version};
use serde_json::{Map, Value, json};

/// Of when a state is: which events are in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct AsOf {
    /// The version of its stream; of a query, how many events it meant so far.
    pub version: Version,
    /// The position of its stream's last event; of a query, up to where events were looked for.
    pub position: Position,
    /// When the last event in it was recorded.
    pub recorded: Timestamp,
    /// Whether it was made of what a query means, and not of a stream.
    pub by_query: bool,
}

impl AsOf {
    /// Before anything has happened.
    pub(in crate::toolkit) fn start(by_query: bool) -> Self {
        let recorded = Timestamp::from_micros(i64::MIN);
        Self { version: Version::NONE, position: Position::START, recorded, by_query }
    }
}

/// What a snapshot has to be, whenever it was taken.
pub(super) struct Label<'a> {
    pub kind: &'a str,
    pub key: &'a str,
    pub schema: u32,
    pub encoding: &'a str,
}

/// What a snapshot says that it is.
pub(super) struct Header {
    kind: String,
    key: String,
    schema: u32,
    encoding: String,
    pub as_of: AsOf,
}

impl Label<'_> {
    /// A header, with the end of its line.
    pub fn line(&self, as_of: &AsOf) -> Vec<u8> {
        let Self { kind, key, schema, encoding } = self;
        let line = json!({
            "kind": kind,
            "key": key,
            "schema": schema,
            "encoding": encoding,
            "version": as_of.version.get(),
            (place(as_of.by_query)): as_of.position.get(),
            "recorded": as_of.recorded.micros(),
        });
        let mut line = line.to_string().into_bytes();
        line.push(b'\n');
        line
    }

    /// Why a snapshot with this header is passed over, if it is.
    pub fn stale(&self, found: Header) -> Option<Stale> {
        let Header { kind, key, schema, encoding, .. } = found;
        if kind != self.kind {
            Some(Stale::Kind { found: kind })
        } else if key != self.key {
            Some(Stale::Key { found: key })
        } else if schema != self.schema {
            Some(Stale::Schema { found: schema })
        } else if encoding != self.encoding {
            Some(Stale::Encoding { found: encoding })
        } else {
            None
        }
    }
}

impl Header {
    /// What a snapshot says that it is, and its state's bytes.
    ///
    /// # Errors
    /// It is no snapshot.
    pub fn read(bytes: &[u8]) -> Result<(Self, &[u8]), Stale> {
        let unreadable = |what: String| Stale::Unreadable(what);
        let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
        let (Some(line), Some(state)) = (parts.next(), parts.next()) else {
            return Err(unreadable("it has no header".to_owned()));
        };
        let line: Map<String, Value> = serde_json::from_slice(line)
            .map_err(|error| unreadable(format!("its header is none: {error}")))?;
        let header = Self::of(line);
        Ok((header.ok_or_else(|| unreadable("its header lacks something".to_owned()))?, state))
    }

    fn of(mut line: Map<String, Value>) -> Option<Self> {
        let number = |key: &str| line.get(key).and_then(Value::as_u64);
        let schema = number("schema").and_then(|schema| u32::try_from(schema).ok())?;
        let version = number("version")?.into();
        let by_query = line.contains_key(place(true));
        let position = number(place(by_query))?.into();
        let recorded = Timestamp::from_micros(line.get("recorded")?.as_i64()?);
        let as_of = AsOf { version, position, recorded, by_query };
        let mut text = |key: &str| match line.remove(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let (kind, key, encoding) = (text("kind")?, text("key")?, text("encoding")?);
        Some(Self { kind, key, schema, encoding, as_of })
    }
}

/// What a header calls the position. The two don't mean the same, so one is never taken for the
/// other.
fn place(by_query: bool) -> &'static str {
    if by_query { "marker" } else { "position" }
}
