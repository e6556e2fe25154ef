//! Records: what a commit's frame holds. A name, an event, which refers to names, or a document.

mod document;
mod event;
mod name;
mod seal;

use super::bytes::{get_u16, index, pad8};
use super::layout::{DOCUMENT_TAG, EVENT_TAG, NAME_TAG, name as head};
pub(super) use document::document_flags;
pub use document::{DocumentHead, RawDocument};
pub(super) use event::event_flags;
pub use event::{BodyPlan, EventHead, EventOutline, RawEvent, event_head_len, write_tag_ref};
pub use name::NameRecord;
pub(super) use seal::{body_crc, record_crc, seal, verify};

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

    /// How long the record at the beginning of `bytes` is, as far as its first bytes tell.
    pub fn len_hint(bytes: &[u8]) -> Option<usize> {
        match *bytes.get(head::TAG)? {
            NAME_TAG => Some(pad8(head::LEN + index(u64::from(get_u16(bytes, head::LENGTH))))),
            EVENT_TAG => RawEvent::len_hint(bytes),
            DOCUMENT_TAG => RawDocument::len_hint(bytes),
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
