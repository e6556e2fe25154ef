//! What the lines say, counted by themselves: neither by the store nor by what loads it.

use super::line::Lines;
use super::summary::change;
use serde_json::Value;
use std::collections::HashMap;
use std::io::BufRead;
use uuid::Uuid;

/// How often there is what.
#[derive(Default)]
pub struct Counted {
    /// Events.
    pub events: u64,
    /// By id, the number of the event, from 1 on.
    pub numbers: HashMap<Uuid, u64>,
    /// By type, how many there are.
    pub types: HashMap<String, u64>,
    /// By stream.
    pub streams: HashMap<String, u64>,
    /// By tag.
    pub tags: HashMap<String, u64>,
    /// By correlation id.
    pub correlations: HashMap<Uuid, u64>,
}

impl Counted {
    /// One event more.
    pub fn add<'t>(
        &mut self,
        (id, event_type, stream): (Uuid, &str, &str),
        tags: impl Iterator<Item = &'t str>,
        correlation: Option<Uuid>,
    ) -> Result<(), String> {
        self.events += 1;
        if let Some(before) = self.numbers.insert(id, self.events) {
            return Err(format!("id {id} is there twice, in event {before} and {}", self.events));
        }
        change(&mut self.types, event_type, |count| *count += 1);
        change(&mut self.streams, stream, |count| *count += 1);
        tags.for_each(|tag| change(&mut self.tags, tag, |count| *count += 1));
        if let Some(id) = correlation {
            *self.correlations.entry(id).or_default() += 1;
        }
        Ok(())
    }
}

/// Counts the lines of this reader. An error says which line is wrong.
pub fn count(reader: &mut dyn BufRead, mut progress: impl FnMut(u64)) -> Result<Counted, String> {
    let (mut counted, mut lines) = (Counted::default(), Lines::new(reader));
    while lines.next(|line| one(&mut counted, line))?.is_some() {
        progress(counted.events);
    }
    Ok(counted)
}

fn one(counted: &mut Counted, line: &str) -> Result<(), String> {
    let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let text = |key| {
        let text = value.get(key).and_then(Value::as_str);
        text.ok_or_else(|| format!("expected a string in `{key}`"))
    };
    let uuid = |text| Uuid::try_parse(text).map_err(|error| format!("'{text}': {error}"));
    let tags = value.get("tags").and_then(Value::as_array).into_iter().flatten();
    let correlation = value.pointer("/metadata/correlationId").and_then(Value::as_str);
    counted.add(
        (uuid(text("id")?)?, text("type")?, text("stream")?),
        tags.filter_map(Value::as_str),
        correlation.map(uuid).transpose()?,
    )
}
