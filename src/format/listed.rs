//! Names as a run lists them, one behind another in a page.

use super::bytes::{get_u16, get_u32, index, put, put_u16, put_u32};
use super::layout::{PAGE_HEAD_LEN, listed};
use super::term::TermKind;
use crate::words::Limit;

/// A name that a run lists, with its first and last event and how many there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listed<'a> {
    /// What it is the name of.
    pub kind: TermKind,
    /// The name.
    pub text: &'a str,
    /// Its events in the run.
    pub count: u32,
    /// The first of them, counted from the run's first position.
    pub first: u32,
    /// The last of them.
    pub last: u32,
}

impl<'a> Listed<'a> {
    /// Bytes that it takes.
    pub fn len(&self) -> usize {
        listed::LEN + self.text.len()
    }

    /// A document's key: the term says the rest.
    pub fn of_document(text: &'a str) -> Self {
        Self { kind: TermKind::Document, text, count: 1, first: 0, last: 0 }
    }

    /// Whether a page of names has no more from `at` bytes behind its head on.
    pub fn is_end(page: &[u8], at: usize) -> bool {
        let kind =
            page.get(PAGE_HEAD_LEN..).and_then(|room| room.get(at.saturating_add(listed::KIND)));
        kind.is_none_or(|kind| *kind == 0)
    }

    /// Writes it.
    pub fn encode(&self, out: &mut [u8]) {
        put(out, listed::KIND, &[self.kind.byte()]);
        put_u16(out, listed::LENGTH, u16::try_from(self.text.len()).unwrap_or(u16::MAX));
        put_u32(out, listed::COUNT, self.count);
        put_u32(out, listed::FIRST, self.first);
        put_u32(out, listed::LAST, self.last);
        put(out, listed::LEN, self.text.as_bytes());
    }

    /// Reads the one that stands at `at` bytes behind the head of a page of names; nothing where
    /// the page has no more.
    pub fn decode(page: &'a [u8], at: usize) -> Option<Self> {
        let bytes = page.get(PAGE_HEAD_LEN..)?.get(at..)?;
        let kind = TermKind::named(*bytes.get(listed::KIND)?)?;
        let length = index(u64::from(get_u16(bytes, listed::LENGTH)));
        let text = bytes.get(listed::LEN..listed::LEN.checked_add(length)?)?;
        let text = std::str::from_utf8(text).ok()?;
        let sane = u64::try_from(length).is_ok_and(|length| length <= Limit::Name.allowed());
        let (count, first, last) = (
            get_u32(bytes, listed::COUNT),
            get_u32(bytes, listed::FIRST),
            get_u32(bytes, listed::LAST),
        );
        (sane && first <= last && count > 0).then_some(Self { kind, text, count, first, last })
    }
}
