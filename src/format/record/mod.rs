//! Records: what a commit's frame holds. A name, an event, which refers to names, or a document.

mod document;
mod event;
mod name;
mod seal;

use super::layout::{DOCUMENT_TAG, EVENT_TAG, NAME_TAG, name as head};
pub use document::{DocumentHead, RawDocument};
pub use event::{BodyPlan, EventHead, EventOutline, RawEvent, event_head_len, write_tag_ref};
pub use name::NameRecord;
pub(super) use seal::{body_crc, seal, verify};

/// A record of any kind, read from its bytes; its check has not been looked at yet.
#[derive(Clone, Copy, Debug)]
pub enum Record<'a> {
    /// A name.
    Name(NameRecord<'a>),
    /// An event.
    Event(RawEvent<'a>),
    /// A document.
    Document(RawDocument<'a>),
}

impl<'a> Record<'a> {
    /// Reads the record that `bytes` begin with; nothing if they don't, or end before it does.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        match *bytes.get(head::TAG)? {
            NAME_TAG => NameRecord::parse(bytes).map(Self::Name),
            EVENT_TAG => RawEvent::parse(bytes).map(Self::Event),
            DOCUMENT_TAG => RawDocument::parse(bytes).map(Self::Document),
            _ => None,
        }
    }

    /// Its length, a multiple of 8.
    pub fn len(&self) -> usize {
        match self {
            Self::Name(name) => name.bytes.len(),
            Self::Event(event) => event.bytes.len(),
            Self::Document(document) => document.bytes.len(),
        }
    }
}
