//! A stream looked at event by event.

use crate::engine::{Issue, READ_ONE, View};
use crate::words::{Error, Event, Position, Timestamp};

/// What looking at a stream has found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct StreamReport {
    /// Events that are as they should be.
    pub events: u64,
    /// What is wrong. Empty if all is well.
    pub issues: Vec<Issue>,
}

impl StreamReport {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.issues.is_empty()
    }

    fn issue(&mut self, position: Option<Position>, what: String) {
        self.issues.push(Issue { log_offset: None, file_offset: None, position, what });
    }

    /// Damage is an issue; any other error stays one. `whose` says what can't be had.
    fn damage(
        &mut self,
        position: Option<Position>,
        whose: &str,
        error: Error,
    ) -> Result<(), Error> {
        let damage = error.corruption().cloned().ok_or(error)?;
        self.issues.push(Issue {
            log_offset: damage.log_offset,
            file_offset: damage.file_offset,
            position,
            what: format!("{whose}: {}", damage.what),
        });
        Ok(())
    }
}

/// Versions that are looked up at once.
const BATCH: u64 = 1_024;

/// Looks at each event that the index says a stream has.
pub(super) fn verify_stream(view: &View, name: &str) -> Result<StreamReport, Error> {
    let mut report = StreamReport::default();
    let hash = view.core.hash(name);
    let version = view.ask(|sources| sources.version(hash, view.head))?.get();
    let mut fetch = view.core.fetch(view.segments.clone(), READ_ONE);
    let (mut next, mut before) = (1, None);
    while next <= version {
        let last = version.min(next.saturating_add(BATCH - 1));
        let positions = match view.versions(hash, (next, last)) {
            Ok(positions) => positions,
            Err(error) => {
                report.damage(None, &format!("versions {next} to {last}"), error)?;
                return Ok(report);
            }
        };
        for (nth, position) in (next..).zip(positions.into_iter().map(Position::new)) {
            let whose = format!("version {nth}");
            let looked_at = match view.place(position) {
                Ok(Some(place)) => view
                    .event(&mut fetch, place)
                    .and_then(|event| Ok((event.recorded, wrong_with(&event, name, nth, before)?))),
                Ok(None) => {
                    report.issue(Some(position), format!("{whose}: no event is there"));
                    continue;
                }
                Err(error) => Err(error),
            };
            match looked_at {
                Err(error) => report.damage(Some(position), &whose, error)?,
                Ok((recorded, wrong)) => {
                    before = Some((position, recorded));
                    report.events += u64::from(wrong.is_empty());
                    for what in wrong {
                        report.issue(Some(position), format!("{whose}: {what}"));
                    }
                }
            }
        }
        next = last.saturating_add(1);
    }
    Ok(report)
}

/// What of an event is not as it should be in its place in the stream.
fn wrong_with(
    event: &Event<'_>,
    name: &str,
    version: u64,
    before: Option<(Position, Timestamp)>,
) -> Result<Vec<String>, Error> {
    let mut wrong = Vec::new();
    // Whatever it says of them, its names have to be there.
    let (stream, _, _) = (event.stream()?, event.event_type()?, event.tags()?);
    if stream != name {
        wrong.push(format!("the event there is of stream '{stream}'"));
    }
    if event.version.get() != version {
        wrong.push(format!("the event there says that it is version {}", event.version));
    }
    if before.is_some_and(|(before, _)| event.position <= before) {
        wrong.push("it stands before the version before it".to_owned());
    }
    if before.is_some_and(|(_, before)| event.recorded < before) {
        wrong.push("it was recorded before the version before it".to_owned());
    }
    Ok(wrong)
}
