//! Reading a CloudEvent 1.0 as an event.

use super::body::{Body, from_base64};
use super::cloud::{SOURCE, content_type};
use super::json_parse::Kind;
use super::{Line, Wrong};
use crate::show::{escaped, far_moment, parse_moment};
use annals::{NewEvent, Timestamp, Uuid};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The attributes that are taken out of what a line has; what is left is metadata.
struct Attributes<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

/// What a line says: a CloudEvent, whose stream is its subject, or its source if it has none.
///
/// Of an event that does not come from a store, the source, an id that is no UUID, and attributes
/// that have no other place become its metadata.
pub fn parse(line: &[u8]) -> Result<Line, Wrong> {
    let text = super::text(line)?;
    let mut attributes: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_str(text).map_err(|error| Wrong::of_json(&error))?;
    // An attribute that is null is none (the JSON format, 2.2); data that is null is data.
    attributes.retain(|name, value| name == "data" || value.get() != "null");
    read(Attributes(attributes)).map_err(|what| Wrong { column: 1, what })
}

fn read(mut from: Attributes<'_>) -> Result<Line, String> {
    let version = from.needed("specversion")?;
    if version != "1.0" {
        let version = escaped(&version);
        return Err(format!("expected the `specversion` 1.0, not '{version}'"));
    }
    let (given, source) = (from.needed("id")?, from.needed("source")?);
    let event_type = from.needed("type")?;
    let is_ours = source.starts_with(SOURCE);
    let stream = match from.text("subject")? {
        Some(subject) if !subject.is_empty() => subject,
        _ => source.clone(),
    };
    let payload = from.payload()?;
    let is_said_anyway = from.0.get("datacontenttype").is_some_and(|said| {
        let said: String = serde_json::from_str(said.get()).unwrap_or_default();
        said == content_type(&Body::of(&payload))
    });
    if is_ours || is_said_anyway {
        from.take("datacontenttype");
    }
    let mut event = NewEvent::new(event_type, payload);
    let id = Uuid::try_parse(&given);
    event = event.id(id.clone().unwrap_or_else(|_| {
        // An id is one of its source's: together they name the event.
        Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{source}\n{given}").as_bytes())
    }));
    if let Some(time) = from.moment("time")? {
        event = event.occurred(time);
    }
    if let Some(id) = from.id("correlationid", is_ours)? {
        event = event.correlation_id(id);
    }
    if let Some(id) = from.id("causationid", is_ours)? {
        event = event.causation_id(id);
    }
    let mut recorded = None;
    if is_ours {
        recorded = from.moment("recordedtime")?;
        (event, _) = (from.own(event)?, from.take("position"));
        from.take("streamversion");
    } else {
        let mut metadata = Map::new();
        metadata.insert("source".to_owned(), source.into());
        if id.is_err() {
            metadata.insert("id".to_owned(), given.into());
        }
        for (name, value) in from.0 {
            let value: Value = serde_json::from_str(value.get()).map_err(|error| {
                format!("expected another value in `{}` ({error})", escaped(&name))
            })?;
            metadata.insert(name.into_owned(), value);
        }
        event = event.metadata(Value::Object(metadata).to_string());
        return Ok(Line { stream, event, recorded });
    }
    match from.0.keys().next() {
        Some(other) => Err(format!("expected no attribute `{}`", escaped(other))),
        None => Ok(Line { stream, event, recorded }),
    }
}

impl Attributes<'_> {
    fn take(&mut self, name: &str) -> Option<&RawValue> {
        self.0.remove(name)
    }

    fn parsed<T: for<'de> Deserialize<'de>>(&mut self, name: &str) -> Result<Option<T>, String> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let parsed = serde_json::from_str(value.get());
        parsed.map_err(|error| {
            let place = format!(" at line {} column {}", error.line(), error.column());
            format!("`{name}`: {}", error.to_string().replace(&place, ""))
        })
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        self.parsed(name)
    }

    fn needed(&mut self, name: &str) -> Result<String, String> {
        self.text(name)?.ok_or_else(|| format!("expected the attribute `{name}`"))
    }

    fn moment(&mut self, name: &str) -> Result<Option<Timestamp>, String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        // What RFC 3339 can't say is a number.
        let time = match text.parse() {
            Ok(micros) => far_moment(micros),
            Err(_) => parse_moment(&text),
        };
        time.map(Some).map_err(|error| format!("`{name}`: {error}"))
    }

    /// A UUID. Where it does not have to be one, another text is left where it is.
    fn id(&mut self, name: &str, has_to_be: bool) -> Result<Option<Uuid>, String> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let text: String = serde_json::from_str(value.get()).unwrap_or_default();
        match Uuid::try_parse(&text) {
            Ok(id) => {
                self.take(name);
                Ok(Some(id))
            }
            Err(_) if !has_to_be => Ok(None),
            Err(_) => {
                let value = escaped(value.get());
                Err(format!("`{name}`: expected a UUID, not {value}"))
            }
        }
    }

    /// The payload: JSON as it stands there, the text of a string that is no JSON, or bytes.
    fn payload(&mut self) -> Result<Vec<u8>, String> {
        let content: String = match self.0.get("datacontenttype") {
            Some(said) => serde_json::from_str(said.get())
                .map_err(|_| "`datacontenttype`: expected a string".to_owned())?,
            None => String::new(),
        };
        let is_json = content.is_empty() || {
            let media = content.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            media.ends_with("/json") || media.ends_with("+json")
        };
        let bytes = self.text("data_base64")?.map(|text| from_base64(&text)).transpose()?;
        match (self.take("data").map(RawValue::get), bytes) {
            (Some(_), Some(_)) => Err("expected `data` or `data_base64`, not both".to_owned()),
            (Some(data), None) if is_json => Ok(data.as_bytes().to_vec()),
            (Some(data), None) => match serde_json::from_str::<String>(data) {
                Ok(text) => Ok(text.into_bytes()),
                Err(_) => Ok(data.as_bytes().to_vec()),
            },
            (None, bytes) => Ok(bytes.unwrap_or_default()),
        }
    }

    /// What else an event of a store has.
    fn own(&mut self, mut event: NewEvent) -> Result<NewEvent, String> {
        if let Some(kind) = self.parsed::<Kind>("kind")? {
            event = event.kind(kind.into());
        }
        if let Some(text) = self.text("schemaversion")? {
            let version =
                text.parse().map_err(|_| "`schemaversion`: expected a number below 65536");
            event = event.schema_version(version?);
        }
        if let Some(text) = self.text("tags")? {
            let tags: Vec<String> = serde_json::from_str(&text)
                .map_err(|_| "`tags`: expected a JSON array of strings, as a string")?;
            event = event.tags(tags);
        }
        if let Some(text) = self.text("metadata")? {
            event = event.metadata(text);
        }
        if let Some(text) = self.text("metadatabase64")? {
            event = event.metadata(from_base64(&text)?);
        }
        Ok(event)
    }
}
