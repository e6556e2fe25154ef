//! Events, counted.

use super::Received;
use crate::{Error, Moment, Position, Timestamp};
use std::collections::BTreeMap;

/// How many events there are, between which ones, and of which types.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Totals {
    /// How many.
    pub events: u64,
    /// The first: its position, and when it was recorded.
    pub first: Option<(Position, Timestamp)>,
    /// The last one.
    pub last: Option<(Position, Timestamp)>,
    /// How many of each type.
    pub types: BTreeMap<String, u64>,
    /// The bytes of all payloads.
    pub payload_bytes: u64,
}

impl Totals {
    pub(super) fn add(&mut self, event: &Received<'_>) -> Result<(), Error> {
        let moment = (event.position, event.recorded);
        self.events += 1;
        self.first.get_or_insert(moment);
        self.last = Some(moment);
        let bytes = u64::try_from(event.payload.len()).unwrap_or(u64::MAX);
        self.payload_bytes = self.payload_bytes.saturating_add(bytes);
        let name = event.event_type()?;
        match self.types.get_mut(name) {
            Some(events) => *events += 1,
            None => drop(self.types.insert(name.to_owned(), 1)),
        }
        Ok(())
    }
}

impl From<crate::Summary> for Totals {
    fn from(summary: crate::Summary) -> Self {
        let moment = |moment: Moment| (moment.position, moment.recorded);
        Self {
            events: summary.events,
            first: summary.first.map(moment),
            last: summary.last.map(moment),
            types: summary.types.into_iter().map(|of| (of.name, of.events)).collect(),
            payload_bytes: summary.payload_bytes,
        }
    }
}
