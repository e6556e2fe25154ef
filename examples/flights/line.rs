//! The lines of a log of flights, as events.

use annals::{NewEvent, Timestamp};
use serde_json::{Map, Value};
use std::io::BufRead;
use std::ops::Range;
use uuid::Uuid;

/// What a line has; the last two may be missing.
const KEYS: &str = "stream, type, id, time, data, metadata, tags";

/// What a line says.
pub struct Line {
    /// The stream that its event belongs to.
    pub stream: String,
    /// The event's id.
    pub id: Uuid,
    /// The tag of the event's flight, if it is about one.
    pub flight: Option<String>,
    /// The event.
    pub event: NewEvent,
}

/// Lines, one after another; empty ones are passed over.
pub struct Lines<'r> {
    reader: &'r mut dyn BufRead,
    text: String,
    number: u64,
}

impl<'r> Lines<'r> {
    /// Those of this reader, from where it is.
    pub fn new(reader: &'r mut dyn BufRead) -> Self {
        Self { reader, text: String::new(), number: 0 }
    }

    /// What `parse` makes of the next line; nothing at the end. An error says which line it was.
    pub fn next<T>(
        &mut self,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        loop {
            self.text.clear();
            self.number += 1;
            let number = self.number;
            let failed = |error: &dyn std::fmt::Display| format!("line {number}: {error}");
            if self.reader.read_line(&mut self.text).map_err(|error| failed(&error))? == 0 {
                return Ok(None);
            }
            if !self.text.trim_ascii().is_empty() {
                return parse(&self.text).map(Some).map_err(|error| failed(&error));
            }
        }
    }
}

/// What this line says. The error says what was expected.
///
/// The payload is the text of `data` as it stands in the line, so that no digit of it changes.
pub fn parse(line: &str) -> Result<Line, String> {
    let (mut stream, mut event_type, mut id, mut time, mut payload) =
        (None, None, None, None, None);
    let (mut correlation, mut causation, mut tags) = (None, None, Vec::new());
    for (key, value, text) in members(line)? {
        match key.as_str() {
            "stream" => stream = Some(string(&key, &value)?.to_owned()),
            "type" => event_type = Some(string(&key, &value)?.to_owned()),
            "id" => id = Some(uuid(&key, &value)?),
            "time" => time = Some(moment(&key, &value)?),
            "data" => payload = Some(text),
            "metadata" => {
                for (key, value) in
                    value.as_object().ok_or("expected `metadata` to be an object")?
                {
                    match key.as_str() {
                        "correlationId" => correlation = Some(uuid(key, value)?),
                        "causationId" => causation = Some(uuid(key, value)?),
                        _ => return Err(format!("expected no `{key}` in `metadata`")),
                    }
                }
            }
            "tags" => {
                for tag in value.as_array().ok_or("expected `tags` to be an array")? {
                    tags.push(string("tags", tag)?.to_owned());
                }
            }
            _ => return Err(format!("expected no key `{key}` beside {KEYS}")),
        }
    }
    let missing = |key| format!("expected a `{key}`");
    let stream = stream.ok_or_else(|| missing("stream"))?;
    let event_type = event_type.ok_or_else(|| missing("type"))?;
    let payload = payload.ok_or_else(|| missing("data"))?;
    let id = id.ok_or_else(|| missing("id"))?;
    let flight = tags.iter().find(|tag| is_flight(tag)).cloned();
    let mut event = NewEvent::new(event_type, payload)
        .id(id)
        .occurred(time.ok_or_else(|| missing("time"))?)
        .tags(tags);
    if let Some(id) = correlation {
        event = event.correlation_id(id);
    }
    if let Some(id) = causation {
        event = event.causation_id(id);
    }
    Ok(Line { stream, id, flight, event })
}

/// Whether a tag says which flight it is: its number, the same every day.
pub fn is_flight(tag: &str) -> bool {
    tag.starts_with("flight:")
}

fn string<'v>(key: &str, value: &'v Value) -> Result<&'v str, String> {
    value.as_str().ok_or_else(|| format!("expected a string in `{key}`, not {value}"))
}

fn uuid(key: &str, value: &Value) -> Result<Uuid, String> {
    let text = string(key, value)?;
    Uuid::try_parse(text).map_err(|_| format!("expected a UUID in `{key}`, not '{text}'"))
}

fn moment(key: &str, value: &Value) -> Result<Timestamp, String> {
    let text = string(key, value)?;
    timestamp(text).ok_or_else(|| {
        format!("expected a moment like 2013-01-01T06:00:00Z in `{key}`, not '{text}'")
    })
}

/// `2013-01-01T06:00:00Z` as a timestamp. Dates to days after Howard Hinnant's `days_from_civil`.
fn timestamp(text: &str) -> Option<Timestamp> {
    let number = |range: Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    // A year that begins in March has its leap day at its end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = 365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    let timestamp = Timestamp::from_micros(seconds * 1_000_000);
    // February 30th comes back as March 2nd: what does not print as it was written was no moment.
    let printed = timestamp.to_string();
    (printed.strip_suffix(".000000Z") == text.strip_suffix('Z')).then_some(timestamp)
}

/// The members of a JSON object: each with its key, its value, and the value's text in the line.
fn members(line: &str) -> Result<Vec<(String, Value, &str)>, String> {
    let line = line.trim_ascii();
    split(line).ok_or_else(|| match serde_json::from_str::<Map<String, Value>>(line) {
        Ok(_) => "expected a JSON object with members".to_owned(),
        Err(error) => {
            let place = format!(" at line {} column {}", error.line(), error.column());
            let why = error.to_string().replace(&place, "");
            format!("expected a JSON object; column {}: {why}", error.column())
        }
    })
}

fn split(line: &str) -> Option<Vec<(String, Value, &str)>> {
    let mut members = Vec::new();
    let mut rest = line.strip_prefix('{')?;
    loop {
        let (key, _, after) = value(rest)?;
        let (value, text, after) = value(after.trim_ascii_start().strip_prefix(':')?)?;
        members.push((key.as_str()?.to_owned(), value, text));
        match after.trim_ascii_start().strip_prefix(',') {
            Some(more) => rest = more,
            None => return (after.trim_ascii() == "}").then_some(members),
        }
    }
}

/// The JSON value that this begins with, the value's text, and what follows.
fn value(text: &str) -> Option<(Value, &str, &str)> {
    let text = text.trim_ascii_start();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    let (own, rest) = text.split_at_checked(values.byte_offset())?;
    Some((value, own, rest))
}
