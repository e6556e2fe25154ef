//! From one thing of the log to the next, by their first bytes.

use super::bytes::{get_u16, get_u32, index, pad8};
use super::layout::{
    COMMIT_TAG, DOCUMENT_TAG, END_TAG, EVENT_TAG, FRAME_LEN, NAME_TAG, frame, name,
};
use super::record::RawDocument;

/// What stands at a place of the log, as far as who goes from event to event has to know it.
/// Nothing is checked: where this leads to has to prove what it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// An event.
    Event,
    /// Something else, of so many bytes: what follows stands behind it.
    Over(usize),
    /// The end of a segment: what follows stands in the next one.
    End,
}

impl Step {
    /// What these bytes, which begin where something ends, begin with; nothing if that is nothing
    /// of the log, or is not whole as far as its length.
    #[inline]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        // A frame has its padding there, which is a multiple of 8: no tag is one.
        match *bytes.get(name::TAG)? {
            EVENT_TAG => Some(Self::Event),
            NAME_TAG => {
                let length = get_u16(bytes.get(..name::LEN)?, name::LENGTH);
                Some(Self::Over(pad8(name::LEN + index(u64::from(length)))))
            }
            DOCUMENT_TAG => RawDocument::len_hint(bytes).map(Self::Over),
            _ => match get_u32(bytes.get(..FRAME_LEN)?, frame::TAG) {
                COMMIT_TAG => Some(Self::Over(FRAME_LEN)),
                END_TAG => Some(Self::End),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::NameRecord;

    #[test]
    fn each_thing_leads_to_what_stands_behind_it() {
        let mut document = Vec::new();
        RawDocument::write("key", Some(b"a value"), &mut document);
        let length = document.len();
        assert_eq!(Step::of(&document), Some(Step::Over(length)));
        assert_eq!(Step::of(&document[..6]), None);

        let mut name = vec![0; NameRecord::len_of("a name")];
        name[name::TAG] = NAME_TAG;
        name[name::LENGTH] = 6;
        assert_eq!(Step::of(&name), Some(Step::Over(name.len())));
        assert_eq!(Step::of(&name[..6]), None);

        let framed = |tag: u32| [&tag.to_le_bytes()[..], &[0; FRAME_LEN - 4]].concat();
        assert_eq!(Step::of(&framed(COMMIT_TAG)), Some(Step::Over(FRAME_LEN)));
        assert_eq!(Step::of(&framed(END_TAG)), Some(Step::End));
        assert_eq!(Step::of(&framed(COMMIT_TAG)[1..]), None);
        assert_eq!(Step::of(&[0, 0, 0, 0, EVENT_TAG]), Some(Step::Event));
        for nothing in [&[][..], &[0; 200], &[0xFF; 200]] {
            assert_eq!(Step::of(nothing), None);
        }
    }
}
