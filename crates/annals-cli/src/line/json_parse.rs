//! Reading a line of JSON as an event.

use super::body::{Text, from_base64};
use super::json::told_by;
use super::{Line, Times, Wrong};
use crate::show::{escaped, far_moment, parse_moment};
use annals::{EventKind, Limit, NewEvent, Timestamp, Uuid};
use serde::de::{self, Deserializer, IgnoredAny, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;

/// What a line may have. Of a body one form may be given, and none is an empty payload, or no
/// metadata.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members<'a> {
    #[serde(borrow)]
    stream: Text<'a>,
    #[serde(rename = "type", borrow)]
    event_type: Text<'a>,
    #[serde(default, deserialize_with = "id")]
    id: Option<Uuid>,
    #[serde(default, deserialize_with = "time")]
    time: Option<Timestamp>,
    #[serde(default, deserialize_with = "time")]
    recorded: Option<Timestamp>,
    #[serde(borrow, default, deserialize_with = "json")]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    data_text: Option<Text<'a>>,
    #[serde(default, deserialize_with = "base64")]
    data_base64: Option<Vec<u8>>,
    #[serde(borrow, default, deserialize_with = "json")]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata_text: Option<Text<'a>>,
    #[serde(default, deserialize_with = "base64")]
    metadata_base64: Option<Vec<u8>>,
    #[serde(borrow, default)]
    tags: Vec<Text<'a>>,
    // Where it is said that there is none, metadata is not asked.
    #[serde(default, deserialize_with = "said_id")]
    correlation_id: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "said_id")]
    causation_id: Option<Option<Uuid>>,
    #[serde(default)]
    kind: Kind,
    #[serde(default = "first_schema")]
    schema_version: u16,
    // Where it stood in the store that it comes from: here it gets its own.
    #[serde(rename = "position")]
    _position: Option<IgnoredAny>,
    #[serde(rename = "version")]
    _version: Option<IgnoredAny>,
}

/// What an event is for, by name.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A fact of the domain.
    #[default]
    Domain,
    /// Meant for other systems.
    Integration,
    /// Says that something is due.
    Trigger,
    /// Carries the whole state with it.
    Fat,
}

impl From<Kind> for EventKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Domain => Self::Domain,
            Kind::Integration => Self::Integration,
            Kind::Trigger => Self::Trigger,
            Kind::Fat => Self::Fat,
        }
    }
}

fn first_schema() -> u16 {
    1
}

/// The space of the ids of events whose lines have none.
const IDS: Uuid = Uuid::from_u128(0x6cf3_27a1_93ba_4b5e_9d0c_8e6f_5a10_c4d7);

/// What a line says, which is the `number`th of its input: an event without id gets one that
/// follows from both, so that the same input has the same ids whenever it is read.
pub fn parse(line: &[u8], number: u64) -> Result<Line, Wrong> {
    Members::of(line)?.into_line(line, number)
}

/// Whether a store would take the event of a line, and its times. What it says is copied only where
/// that is not seen at a glance.
pub fn check(line: &[u8], number: u64) -> Result<Times, Wrong> {
    let members = Members::of(line)?;
    let times = Times { recorded: members.recorded, occurred: members.time };
    if !members.are_small() {
        members.into_line(line, number)?.check()?;
    }
    Ok(times)
}

impl<'a> Members<'a> {
    fn of(line: &'a [u8]) -> Result<Self, Wrong> {
        let text = super::text(line)?;
        // An array of as many values would do for one.
        if text.trim_ascii_start().starts_with('[') {
            return Err(Wrong { column: 1, what: "expected an object".to_owned() });
        }
        serde_json::from_str(text).map_err(|error| Wrong::of_json(&error))
    }

    /// Whether it is within all limits, as nearly every line is.
    fn are_small(&self) -> bool {
        let within = |limit: Limit, length: usize| {
            u64::try_from(length).is_ok_and(|length| length <= limit.allowed())
        };
        let is_name = |name: &str| {
            within(Limit::Name, name.len()) && !name.is_empty() && !name.contains('\0')
        };
        is_name(&self.stream.0)
            && is_name(&self.event_type.0)
            && within(Limit::Tags, self.tags.len())
            && self.tags.iter().all(|tag| is_name(&tag.0))
            && self.data.is_none_or(|data| within(Limit::Payload, data.get().len()))
            && self.metadata.is_none_or(|it| within(Limit::Metadata, it.get().len()))
            // Of these there may be too many.
            && self.data_text.is_none()
            && self.data_base64.is_none()
            && self.metadata_text.is_none()
            && self.metadata_base64.is_none()
    }

    fn into_line(self, line: &[u8], number: u64) -> Result<Line, Wrong> {
        let wrong = |what: &str| Wrong { column: 1, what: what.to_owned() };
        let raw = |json: &RawValue| json.get().as_bytes().to_vec();
        let text = |text: Text<'_>| text.0.into_owned().into_bytes();
        let one = |forms: [Option<Vec<u8>>; 3], what: &str| {
            let mut forms = forms.into_iter().flatten();
            let first = forms.next();
            match forms.next() {
                Some(_) => Err(wrong(what)),
                None => Ok(first),
            }
        };
        let data = one(
            [self.data.map(raw), self.data_text.map(text), self.data_base64],
            "expected one of `data`, `data_text` and `data_base64`, not several",
        )?;
        let metadata = one(
            [self.metadata.map(raw), self.metadata_text.map(text), self.metadata_base64],
            "expected one of `metadata`, `metadata_text` and `metadata_base64`, not several",
        )?;
        let told = told_by(metadata.as_deref());
        let id = self.id.unwrap_or_else(|| id_of(line, number));
        let mut event = NewEvent::new(self.event_type.0, data.unwrap_or_default())
            .id(id)
            .tags(self.tags.into_iter().map(|tag| tag.0))
            .kind(self.kind.into())
            .schema_version(self.schema_version);
        if let Some(time) = self.time {
            event = event.occurred(time);
        }
        if let Some(metadata) = metadata {
            event = event.metadata(metadata);
        }
        if let Some(id) = self.correlation_id.unwrap_or(told.0) {
            event = event.correlation_id(id);
        }
        if let Some(id) = self.causation_id.unwrap_or(told.1) {
            event = event.causation_id(id);
        }
        Ok(Line { stream: self.stream.0.into_owned(), event, recorded: self.recorded })
    }
}

/// The id of an event whose line has none.
fn id_of(line: &[u8], number: u64) -> Uuid {
    let mut name = number.to_le_bytes().to_vec();
    name.extend_from_slice(line);
    Uuid::new_v5(&IDS, &name)
}

/// Any JSON; `null` is some.
fn json<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

fn id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Uuid>, D::Error> {
    let Some(Text(text)) = Option::deserialize(from)? else { return Ok(None) };
    Uuid::try_parse(&text)
        .map(Some)
        .map_err(|_| de::Error::custom(format_args!("expected a UUID, not '{}'", escaped(&text))))
}

fn said_id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Uuid>>, D::Error> {
    id(from).map(Some)
}

fn base64<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
    let text = Option::<Text<'de>>::deserialize(from)?;
    text.map(|text| from_base64(&text.0)).transpose().map_err(de::Error::custom)
}

/// A time is RFC 3339; one that is too far away for that is a number of microseconds since 1970.
fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    struct Moment;
    impl<'de> Visitor<'de> for Moment {
        type Value = Option<Timestamp>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a time like 2013-01-31T18:00:00Z")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            parse_moment(text).map(Some).map_err(E::custom)
        }

        fn visit_i64<E: de::Error>(self, micros: i64) -> Result<Self::Value, E> {
            far_moment(micros).map(Some).map_err(E::custom)
        }

        fn visit_u64<E: de::Error>(self, micros: u64) -> Result<Self::Value, E> {
            let micros = i64::try_from(micros).map_err(E::custom)?;
            self.visit_i64(micros)
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }
    from.deserialize_any(Moment)
}
