//! Events as the program has them, one after another.

use super::Boundary;
use crate::toolkit::ToolError;
use crate::toolkit::port::{Events, Port};
use crate::toolkit::typed::{Codec, EventTypes};
use crate::{Position, Read, Timestamp, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// An event that was read, and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Past<E> {
    /// Its number in its stream; of a query, among the events that it means.
    pub version: Version,
    /// Its number in the store.
    pub position: Position,
    /// When the store took it in.
    pub recorded: Timestamp,
    /// What has happened.
    pub event: E,
}

/// The events that a state is made of, one after another: an iterator. Those of a type that the
/// program does not know are errors or passed over, as the codec says. After an error it has ended.
pub struct TypedEvents<E> {
    events: Events,
    codec: Codec<E>,
    version: Version,
    /// Those up to this version are not wanted.
    after: Version,
    ended: bool,
}

impl<E> TypedEvents<E> {
    pub(super) fn new(
        port: &Port,
        codec: &Codec<E>,
        boundary: &Boundary,
        after: Version,
    ) -> Result<Self, ToolError> {
        let (events, version) = match boundary.get_query() {
            None => (port.read_stream(boundary.name(), Read::new().after(after))?, after),
            // Which of its events is the one after so many, only counting tells.
            Some(query) => (port.query(query, Read::new())?, Version::NONE),
        };
        Ok(Self { events, codec: codec.clone(), version, after, ended: false })
    }
}

impl<E: EventTypes + Serialize + DeserializeOwned> TypedEvents<E> {
    fn find(&mut self) -> Result<Option<Past<E>>, ToolError> {
        while let Some(event) = self.events.next_event()? {
            self.version = self.version.next().unwrap_or(Version::MAX);
            let (version, position, recorded) = (self.version, event.position, event.recorded);
            if version > self.after
                && let Some(event) = self.codec.decode(&event)?
            {
                return Ok(Some(Past { version, position, recorded, event }));
            }
        }
        Ok(None)
    }
}

impl<E: EventTypes + Serialize + DeserializeOwned> Iterator for TypedEvents<E> {
    type Item = Result<Past<E>, ToolError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let found = self.find();
        self.ended = !matches!(found, Ok(Some(_)));
        found.transpose()
    }
}

impl<E> fmt::Debug for TypedEvents<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedEvents").field("version", &self.version).finish_non_exhaustive()
    }
}
