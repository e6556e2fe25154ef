//! Reading of the log, and of the events of one aggregate.

use super::lanes::{Fresh, later};
use super::shared::Shared;
use crate::toolkit::error::contain;
use crate::toolkit::shown::Shown;
use crate::toolkit::{Events, Received, ToolError};
use crate::{Position, Read, Timestamp};

/// What was read.
pub(super) struct Found {
    pub(super) fresh: Vec<Fresh>,
    /// There is no more up to here.
    pub(super) read: Position,
    /// Whether there may be more.
    pub(super) more: bool,
    /// When the next event is due, if it was not yet.
    pub(super) due: Option<Timestamp>,
}

/// Events that are looked at, at the most, to find those of one aggregate among others.
const LOOKS: usize = 1_024;

impl Shared {
    /// Reads on in the log. The cursor stays for the next time.
    pub(super) fn read_log(
        &self,
        cursor: &mut Option<Events>,
        after: Position,
        most: usize,
        now: Timestamp,
    ) -> Result<Found, ToolError> {
        let mut found = Found { fresh: Vec::new(), read: after, more: true, due: None };
        if cursor.is_none() {
            let durable = self.port.durable();
            if durable <= after {
                found.more = self.is_there_more(after)?;
                return Ok(found);
            }
            let read = Read::new().after(after).to(durable);
            *cursor = Some(self.port.query(&self.query, read)?);
        }
        let Some(events) = cursor else { return Ok(found) };
        while found.fresh.len() < most {
            let Some(event) = events.next_event()? else {
                found.read = after.max(events.marker());
                *cursor = None;
                return Ok(found);
            };
            if !self.settings.delay.is_zero() {
                let due = later(event.recorded, self.settings.delay);
                if due > now {
                    found.due = Some(due);
                    let before = Position::new(event.position.get().saturating_sub(1));
                    found.read = after.max(before);
                    *cursor = None;
                    return Ok(found);
                }
            }
            let fresh = self.fresh(&event)?;
            found.read = event.position;
            found.fresh.push(fresh);
        }
        Ok(found)
    }

    /// Reads the events of one aggregate that come after a position.
    pub(super) fn read_lane(
        &self,
        name: &str,
        after: Position,
        to: Position,
        most: usize,
    ) -> Result<Found, ToolError> {
        let mut found = Found { fresh: Vec::new(), read: to.max(after), more: false, due: None };
        let read = Read::new().after(after).to(to);
        let by_key = self.settings.key.is_some();
        let wanted = if by_key { Some(self.query.clone()) } else { self.query.in_stream(name) };
        let Some(wanted) = wanted else { return Ok(found) };
        let mut events = self.port.query(&wanted, read)?;
        let mut looks = 0;
        while let Some(event) = events.next_event()? {
            looks += 1;
            let position = event.position;
            let fresh = self.fresh(&event)?;
            if fresh.aggregate.as_deref().unwrap_or(&fresh.event.stream) == name {
                found.fresh.push(fresh);
            }
            if found.fresh.len() >= most || looks >= LOOKS {
                found.read = position;
                return Ok(found);
            }
        }
        Ok(found)
    }

    /// An event as it comes into a lane.
    fn fresh(&self, event: &Received<'_>) -> Result<Fresh, ToolError> {
        let of = |what: &str| format!("the {what} of the processor '{}'", self.settings.name);
        let key = self.settings.key.as_ref();
        let aggregate = key.map(|key| contain(|| of("aggregate key"), || Ok(key(event))));
        let id = self.settings.id.as_ref();
        let id = id.map(|id| contain(|| of("deduplication id"), || Ok(id(event))));
        let event = event.to_recorded()?;
        Ok(Fresh { event, aggregate: aggregate.transpose()?, id: id.transpose()?.flatten() })
    }

    /// Whether there may be more than was read; if not, somebody is woken when there is.
    fn is_there_more(&self, after: Position) -> Result<bool, ToolError> {
        Shown::Durable.wake(&self.port, after, &self.waker)
    }
}
