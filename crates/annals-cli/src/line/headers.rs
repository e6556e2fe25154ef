//! Events as rows of CSV: everything but payload and metadata.

use super::json::kind_name;
use crate::show::moment;
use annals::Event;
use csv::Writer;
use std::io;

/// Writes rows of CSV (RFC 4180), the names of the columns first.
pub struct Headers<W: io::Write> {
    rows: Writer<W>,
}

/// The columns.
const NAMES: [&str; 14] = [
    "position",
    "stream",
    "version",
    "type",
    "id",
    "time",
    "recorded",
    "tags",
    "correlation_id",
    "causation_id",
    "kind",
    "schema_version",
    "payload_bytes",
    "metadata_bytes",
];

impl<W: io::Write> Headers<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Result<Self, csv::Error> {
        let mut rows = Writer::from_writer(out);
        rows.write_record(NAMES)?;
        Ok(Self { rows })
    }

    /// One more row. Tags stand behind one another with spaces between; spaces in them are `%20`,
    /// and percent signs `%25`.
    pub fn write(&mut self, event: &Event<'_>) -> Result<Result<(), csv::Error>, annals::Error> {
        let tags = event.tags()?;
        let mut joined = String::new();
        for tag in tags.iter() {
            if !joined.is_empty() {
                joined.push(' ');
            }
            joined.push_str(&tag.replace('%', "%25").replace(' ', "%20"));
        }
        let id = |id: Option<annals::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
        Ok(self.rows.write_record([
            &event.position.to_string(),
            event.stream()?,
            &event.version.to_string(),
            event.event_type()?,
            &event.id().to_string(),
            &event.occurred().map(moment).unwrap_or_default(),
            &moment(event.recorded),
            &joined,
            &id(event.correlation_id()),
            &id(event.causation_id()),
            kind_name(event.kind()),
            &event.schema_version().to_string(),
            &event.payload.len().to_string(),
            &event.metadata().map(|it| it.len().to_string()).unwrap_or_default(),
        ]))
    }

    /// Hands over what is left.
    pub fn finish(mut self) -> io::Result<()> {
        self.rows.flush()
    }
}
