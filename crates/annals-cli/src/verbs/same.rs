//! Whether two events are the same: what `diff`, `append` and `import` ask.

use annals::{Event, NewEvent, RecordedEvent};

/// What of two events is not the same; `recorded` says whether the times at which their stores took
/// them in have to be.
///
/// # Errors
/// A name of one of them fails its check.
pub fn difference(
    a: &Event<'_>,
    b: &Event<'_>,
    recorded: bool,
) -> Result<Option<&'static str>, annals::Error> {
    let differ = [
        (a.position != b.position, "position"),
        (a.stream()? != b.stream()?, "stream"),
        (a.version != b.version, "version"),
        (a.event_type()? != b.event_type()?, "type"),
        (a.id() != b.id(), "id"),
        (a.payload != b.payload, "payload"),
        (a.metadata() != b.metadata(), "metadata"),
        (!a.tags()?.iter().eq(b.tags()?.iter()), "list of tags"),
        (a.occurred() != b.occurred(), "time"),
        (a.correlation_id() != b.correlation_id(), "correlation id"),
        (a.causation_id() != b.causation_id(), "causation id"),
        (a.kind() != b.kind(), "kind"),
        (a.schema_version() != b.schema_version(), "schema version"),
        (recorded && a.recorded != b.recorded, "recorded time"),
    ];
    Ok(differ.into_iter().find_map(|(differs, what)| differs.then_some(what)))
}

/// That another event is there under the id of this one of a stream, in words; nothing if it is the
/// same. `place` says where.
///
/// # Errors
/// As [`difference`].
pub fn another(
    there: &RecordedEvent,
    (stream, event): (&str, &NewEvent),
    place: &str,
) -> Result<Option<String>, annals::Error> {
    let event = event.to_recorded(stream, there.position, there.version, there.recorded);
    let differs = difference(&there.as_event(), &event.as_event(), false)?;
    Ok(differs.map(|what| {
        format!(
            "an event with the id {} is there already, {place}, but its {what} is not the same",
            there.id
        )
    }))
}
