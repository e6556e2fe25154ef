//! What a replay finds out.

use annals::{Cursor, Event};
use serde_json::Value;
use std::collections::HashMap;
use std::error::Error;

/// How a carrier did.
#[derive(Default)]
pub struct Carrier {
    /// Flights that arrived.
    pub arrivals: u32,
    /// Flights that never left.
    pub cancellations: u32,
    /// Minutes that the arrivals were late, early ones subtracted.
    delay: f64,
}

impl Carrier {
    /// Minutes that an arrival was late on average, if there was any.
    pub fn mean_delay(&self) -> Option<f64> {
        (self.arrivals > 0).then(|| self.delay / f64::from(self.arrivals))
    }
}

/// The number of events of each type. The cursor lends one event at a time: nothing is copied.
pub fn types(
    mut cursor: Cursor,
    mut progress: impl FnMut(u64),
) -> Result<HashMap<String, u64>, annals::Error> {
    let mut types = HashMap::<String, u64>::new();
    while let Some(event) = cursor.next_event()? {
        change(&mut types, event.event_type()?, |count| *count += 1);
        progress(event.position.get());
    }
    Ok(types)
}

/// The carriers, by what the payloads say. Every payload is decoded, needed or not.
pub fn carriers(
    mut cursor: Cursor,
    mut progress: impl FnMut(u64),
) -> Result<HashMap<String, Carrier>, Box<dyn Error>> {
    let mut carriers = HashMap::<String, Carrier>::new();
    while let Some(event) = cursor.next_event()? {
        let payload: Value = serde_json::from_slice(event.payload)?;
        match event.event_type()? {
            "FlightArrived" => {
                let delay = payload.get("arr_delay").and_then(Value::as_f64);
                let delay = delay.ok_or_else(|| wrong(&event, "a number in `arr_delay`"))?;
                change(&mut carriers, code(&event, &payload)?, |carrier| {
                    carrier.arrivals += 1;
                    carrier.delay += delay;
                });
            }
            "FlightCancelled" => {
                let code = code(&event, &payload)?;
                change(&mut carriers, code, |carrier| carrier.cancellations += 1);
            }
            _ => {}
        }
        progress(event.position.get());
    }
    Ok(carriers)
}

fn code<'p>(event: &Event<'_>, payload: &'p Value) -> Result<&'p str, String> {
    payload
        .get("carrier")
        .and_then(Value::as_str)
        .ok_or_else(|| wrong(event, "a string in `carrier`"))
}

fn wrong(event: &Event<'_>, expected: &str) -> String {
    format!("the event at position {} was expected to have {expected}", event.position)
}

/// Changes the value under this name, which is copied only when it is new.
pub fn change<V: Default>(map: &mut HashMap<String, V>, name: &str, how: impl FnOnce(&mut V)) {
    match map.get_mut(name) {
        Some(value) => how(value),
        None => how(map.entry(name.to_owned()).or_default()),
    }
}
