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
        self.advance()?;
        Ok(self.event())
    }

    /// Goes to the next event, which [`Events::event`] then lends; `false` at the end.
    ///
    /// # Errors
    /// Those of [`Events::next_event`].
    pub fn advance(&mut self) -> Result<bool, ToolError> {
        self.replaced = None;
        if self.ended || !self.cursor.advance()? {
            return Ok(false);
        }
        if self.port.has_interceptors()
            && let Some(event) = self.cursor.event()
        {
            self.ended = true;
            self.replaced = self.port.intercept_read(&Received::new(event, self.port.scope()))?;
            self.ended = false;
        }
        Ok(true)
    }

    /// The event that it stands at; nothing before the first, and at the end.
    pub fn event(&self) -> Option<Received<'_>> {
        if self.ended {
            return None;
        }
        match &self.replaced {
            Some(event) => Some(Received::from(event)),
            None => self.cursor.event().map(|event| Received::new(event, self.port.scope())),
        }
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
