//! Who lends events that stand in the log: what of them is decoded, looked up and checked when it
//! is asked for.

use super::super::Segment;
use super::names::{NameCache, damaged_name};
use crate::format::{Identity, RawEvent};
use crate::threads::OnceLock;
use crate::words::{Error, Lender, Parts, Position};
use std::sync::Arc;

/// The segment that events are lent from.
pub(super) struct FromLog {
    pub(super) segment: Option<Arc<Segment>>,
    pub(super) identity: Identity,
    /// Where the names of the last event are.
    pub(super) names: Names,
    /// The names that were copied.
    pub(super) copied: NameCache,
    /// What derived ids begin with, once one was asked for.
    id_bits: OnceLock<u128>,
}

/// Where names are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// In the segment's map.
    Mapped,
    /// Copied, those that could be had.
    Copied,
}

impl FromLog {
    pub(super) fn new(identity: Identity) -> Self {
        let (copied, id_bits) = (NameCache::default(), OnceLock::new());
        Self { segment: None, identity, names: Names::Mapped, copied, id_bits }
    }
}

impl Lender for FromLog {
    fn parts<'r>(&self, record: &'r [u8]) -> Parts<'r> {
        // It was read before, and is what it was.
        RawEvent::parse(record).map_or_else(Parts::default, |raw| Parts {
            check: raw.stored_check(),
            id: raw.id,
            correlation_id: raw.correlation_id,
            causation_id: raw.causation_id,
            occurred: raw.occurred,
            kind: raw.kind,
            schema_version: raw.schema_version,
            metadata: raw.metadata,
            stream: raw.stream,
            event_type: raw.event_type,
            tags: raw.tag_refs,
        })
    }

    fn check_name(&self, reference: u32, position: Position) -> Result<(), Error> {
        let segment = self.segment.as_deref();
        let is_there = match (self.names, segment) {
            (Names::Copied, _) => self.copied.name(reference).is_some(),
            (Names::Mapped, None) => false,
            (Names::Mapped, Some(lent)) => {
                lent.has_name(lent.known_stable(), reference, &self.identity.key)
            }
        };
        match is_there {
            true => Ok(()),
            false => Err(damaged_name(segment.map(|lent| lent.place), reference, position)),
        }
    }

    fn name(&self, reference: u32) -> &str {
        let name = match self.names {
            Names::Copied => self.copied.name(reference),
            Names::Mapped => self.segment.as_deref().map(|segment| segment.name(reference)),
        };
        name.unwrap_or_default()
    }

    fn id_bits(&self) -> u128 {
        *self.id_bits.get_or_init(|| self.identity.id_bits())
    }
}
