//! Reading through a port.

use super::port::Port;
use super::{Received, Totals};
use crate::toolkit::ToolError;
use crate::{Cursor, Position, RecordedEvent};
use std::fmt;

/// Reads events through a port: as [`Cursor`] does, with the names of the port's tenant, past its
/// interceptors. It holds no lock.
///
/// As an [`Iterator`] it gives owned events; [`Events::next_event`] lends them without copying.
pub struct Events {
    port: Port,
    cursor: Cursor,
    /// What an interceptor has put in an event's place.
    replaced: Option<RecordedEvent>,
    /// An interceptor has failed.
    ended: bool,
}

impl Events {
    pub(super) fn new(port: Port, cursor: Cursor) -> Self {
        Self { port, cursor, replaced: None, ended: false }
    }

    /// The next event, lent until the next call; nothing at the end.
    ///
    /// # Errors
    /// The store's, and what an interceptor fails with. After one it has ended.
    pub fn next_event(&mut self) -> Result<Option<Received<'_>>, ToolError> {
        let Self { port, cursor, replaced, ended } = self;
        if *ended {
            return Ok(None);
        }
        let Some(event) = cursor.next_event()? else { return Ok(None) };
        let event = Received::new(event, port.scope());
        if port.has_interceptors() {
            *ended = true;
            *replaced = port.intercept_read(&event)?;
            *ended = false;
            if let Some(event) = replaced {
                return Ok(Some(Received::from(&*event)));
            }
        }
        Ok(Some(event))
    }

    /// Up to which position it has looked; at the end the head of what it reads from. See
    /// [`Cursor::marker`].
    pub fn marker(&self) -> Position {
        self.cursor.marker()
    }

    /// All that are left, and up to where it has looked then.
    ///
    /// # Errors
    /// Those of [`Events::next_event`].
    pub fn events_and_marker(mut self) -> Result<(Vec<RecordedEvent>, Position), ToolError> {
        let events = self.by_ref().collect::<Result<_, _>>()?;
        Ok((events, self.marker()))
    }

    /// Counts what is left.
    ///
    /// # Errors
    /// Those of [`Events::next_event`].
    pub fn totals(mut self) -> Result<Totals, ToolError> {
        let mut totals = Totals::default();
        while let Some(event) = self.next_event()? {
            totals.add(&event)?;
        }
        Ok(totals)
    }
}

impl Iterator for Events {
    type Item = Result<RecordedEvent, ToolError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_event();
        next.and_then(|event| Ok(event.map(|event| event.to_recorded()).transpose()?)).transpose()
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}
