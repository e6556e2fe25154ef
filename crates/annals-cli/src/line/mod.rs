//! Events as lines of text: what `import` reads and what `read` and `export` write.

mod body;
mod cloud;
mod cloud_parse;
mod headers;
mod json;
mod json_parse;

pub use headers::Headers;
pub use json::kind_name;
pub use json_parse::Kind;

use annals::{Commit, Event, NewEvent, Timestamp, Uuid};

/// How events are written as lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum Format {
    /// JSON Lines: an object for each event, as `annals import --help` says.
    #[default]
    Jsonl,
    /// CloudEvents 1.0 in their JSON format, one on each line.
    Cloudevents,
}

/// What a line says.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// The stream that its event belongs to.
    pub stream: String,
    /// The event.
    pub event: NewEvent,
    /// When it was taken in by the store that it comes from, if the line says so.
    pub recorded: Option<Timestamp>,
}

/// The times of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Times {
    /// When it was taken in by the store that it comes from, if the line says so.
    pub recorded: Option<Timestamp>,
    /// When it happened, if the line says so.
    pub occurred: Option<Timestamp>,
}

/// Why a line is no event: where in it, counted in bytes from 1, and what was expected there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// Where.
    pub column: usize,
    /// What was expected.
    pub what: String,
}

impl Format {
    /// What a line says, which is the `number`th of its input.
    pub fn parse(self, line: &[u8], number: u64) -> Result<Line, Wrong> {
        match self {
            Self::Jsonl => json_parse::parse(line, number),
            Self::Cloudevents => cloud_parse::parse(line),
        }
    }

    /// Whether a line is an event that a store would take, and when that was.
    pub fn check(self, line: &[u8], number: u64) -> Result<Times, Wrong> {
        match self {
            Self::Jsonl => json_parse::check(line, number),
            Self::Cloudevents => {
                let line = cloud_parse::parse(line)?;
                line.check()?;
                Ok(line.times())
            }
        }
    }

    /// Appends the line of an event, without its end, to `out`.
    ///
    /// # Errors
    /// A name of the event fails its check.
    pub fn write(
        self,
        event: &Event<'_>,
        store: Uuid,
        out: &mut Vec<u8>,
    ) -> Result<(), annals::Error> {
        match self {
            Self::Jsonl => json::write(event, json::Fields::OfItsOwn, out),
            Self::Cloudevents => cloud::write(event, store, out),
        }
    }
}

impl Line {
    /// Its times.
    pub fn times(&self) -> Times {
        Times { recorded: self.recorded, occurred: self.event.get_occurred() }
    }

    /// Whether a store would take its event.
    pub fn check(&self) -> Result<(), Wrong> {
        let checked = Commit::new().event(&self.stream, self.event.clone()).check();
        checked.map_err(|error| Wrong { column: 1, what: error.to_string() })
    }
}

/// Appends the JSON of an event, with where it stands in its store, to `out`.
///
/// # Errors
/// A name of the event fails its check.
pub fn write_whole(event: &Event<'_>, out: &mut Vec<u8>) -> Result<(), annals::Error> {
    json::write(event, json::Fields::All, out)
}

/// A line that was written here, as text.
pub fn text_of(line: &[u8]) -> &str {
    std::str::from_utf8(line).unwrap_or_default()
}

/// A line as text.
fn text(line: &[u8]) -> Result<&str, Wrong> {
    std::str::from_utf8(line).map_err(|error| Wrong {
        column: error.valid_up_to() + 1,
        what: "expected UTF-8".to_owned(),
    })
}

impl Wrong {
    fn of_json(error: &serde_json::Error) -> Self {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let what = error.to_string().replace(&place, "");
        Self { column: error.column().max(1), what }
    }
}

/// A string as JSON.
fn push_string(out: &mut Vec<u8>, text: &str) {
    // A vector takes everything.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests;
