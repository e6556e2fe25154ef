//! A document's record: a key, and the value that it has from then on, or that it is deleted.

use super::seal::{body_crc, seal, verify};
use crate::format::bytes::{get_i64, get_u16, get_u32, get_u64, index, pad8};
use crate::format::bytes::{put, put_i64, put_u16, put_u32, put_u64, u64_of};
use crate::format::check::FileKey;
use crate::format::layout::{DOCUMENT_TAG, document};
use crate::format::term::DocumentPlace;
use crate::words::{Limit, LogOffset, Position, Revision, Timestamp, has_nul};

/// What the flags say.
mod flag {
    /// The document is deleted: there is no value.
    pub(super) const DELETED: u8 = 1;
    /// So was the one before, which `before` names.
    pub(super) const BEFORE_DELETED: u8 = 1 << 1;
    pub(super) const KNOWN: u8 = (1 << 2) - 1;
}

/// What a document's flags say, in words.
pub fn document_flags(flags: u8) -> Vec<&'static str> {
    let known = [(flag::DELETED, "deleted"), (flag::BEFORE_DELETED, "before deleted")];
    known.into_iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| name).collect()
}

/// A document's record, its parts found.
#[derive(Clone, Copy, Debug)]
pub struct RawDocument<'a> {
    /// The whole record.
    pub(super) bytes: &'a [u8],
    /// Its key, UTF-8 without NUL.
    pub key: &'a str,
    /// Its value; nothing if it is deleted.
    pub value: Option<&'a [u8]>,
    /// Bytes from the frame's header to this record.
    pub distance: u32,
    /// Its number among the records of its key.
    pub revision: Revision,
    /// The record of its key before this one; nothing if the log has none.
    pub before: Option<DocumentPlace>,
    /// The position of the last event of its commit, or before it.
    pub head: Position,
    /// When the store took it in.
    pub recorded: Timestamp,
}

impl<'a> RawDocument<'a> {
    /// Reads a document's record.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        if *bytes.get(document::TAG)? != DOCUMENT_TAG || bytes.len() < document::LEN {
            return None;
        }
        let flags = *bytes.get(document::FLAGS)?;
        let key_len = index(u64::from(get_u16(bytes, document::KEY_LENGTH)));
        let value_len = index(u64::from(get_u32(bytes, document::VALUE_LENGTH)));
        if key_len == 0 || u64_of(key_len) > Limit::Key.allowed() {
            return None;
        }
        let key_end = document::LEN.checked_add(key_len)?;
        let key = std::str::from_utf8(bytes.get(document::LEN..key_end)?).ok()?;
        let value_end = key_end.checked_add(value_len)?;
        let value = bytes.get(key_end..value_end)?;
        let deleted = flags & flag::DELETED != 0;
        let revision = Revision::new(get_u64(bytes, document::REVISION));
        let before = get_u64(bytes, document::BEFORE);
        let sane = flags & !flag::KNOWN == 0
            && !has_nul(key)
            && !(deleted && value_len > 0)
            && revision > Revision::NONE
            && revision <= Revision::MAX
            && before.is_multiple_of(8)
            && (before > 0 || flags & flag::BEFORE_DELETED == 0)
            && (before == 0 || revision > Revision::new(1));
        let before = (before > 0).then(|| DocumentPlace {
            at: LogOffset::new(before),
            revision: revision.previous(),
            deleted: flags & flag::BEFORE_DELETED != 0,
        });
        sane.then_some(Self {
            bytes: bytes.get(..pad8(value_end))?,
            key,
            value: (!deleted).then_some(value),
            distance: get_u32(bytes, document::DISTANCE),
            revision,
            before,
            head: Position::new(get_u64(bytes, document::HEAD)),
            recorded: Timestamp::from_micros(get_i64(bytes, document::RECORDED)),
        })
    }

    /// How long the record at the beginning of `bytes` is, as far as its first bytes tell.
    pub fn len_hint(bytes: &[u8]) -> Option<usize> {
        if *bytes.get(document::TAG)? != DOCUMENT_TAG || bytes.len() < document::LEN {
            return None;
        }
        let key = u64::from(get_u16(bytes, document::KEY_LENGTH));
        let value = u64::from(get_u32(bytes, document::VALUE_LENGTH));
        Some(pad8(document::LEN.saturating_add(index(key + value))))
    }

    /// The check it has, if it is the right one for a document at `at`.
    pub fn check(&self, at: LogOffset, key: &FileKey) -> Option<u32> {
        verify(self.bytes, document::LEN, at, Position::START, key)
    }

    /// Appends the whole record to `out`: a head without place, and the body. Returns the body's
    /// CRC.
    pub fn write(key: &str, value: Option<&[u8]>, out: &mut Vec<u8>) -> u32 {
        let start = out.len();
        out.resize(start + document::LEN, 0);
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(value.unwrap_or_default());
        out.resize(start + pad8(out.len() - start), 0);
        let record = out.get_mut(start..).unwrap_or_default();
        let flags = if value.is_none() { flag::DELETED } else { 0 };
        put(record, document::TAG, &[DOCUMENT_TAG, flags]);
        put_u16(record, document::KEY_LENGTH, u16::try_from(key.len()).unwrap_or(u16::MAX));
        let value_len = value.map_or(0, <[u8]>::len);
        put_u32(record, document::VALUE_LENGTH, u32::try_from(value_len).unwrap_or(u32::MAX));
        body_crc(record, document::LEN)
    }
}

/// What of a document's record depends on where it stands.
pub struct DocumentHead {
    /// Bytes from the frame's header to this record.
    pub distance: u32,
    /// Its number among the records of its key.
    pub revision: Revision,
    /// The record of its key before this one.
    pub before: Option<DocumentPlace>,
    /// The position of the last event of its commit, or before it.
    pub head: Position,
    /// When the store took it in.
    pub recorded: Timestamp,
}

impl DocumentHead {
    /// Completes the record at the beginning of `record`. Returns its check.
    pub fn write(&self, record: &mut [u8], body_crc: u32, at: LogOffset, key: &FileKey) -> u32 {
        if let Some(before) = self.before.filter(|before| before.deleted) {
            debug_assert!(before.at > LogOffset::ZERO, "nothing stands where the log begins");
            let flags = record.get(document::FLAGS).copied().unwrap_or_default();
            put(record, document::FLAGS, &[flags | flag::BEFORE_DELETED]);
        }
        put_u32(record, document::DISTANCE, self.distance);
        put_u64(record, document::REVISION, self.revision.get());
        put_u64(record, document::BEFORE, self.before.map_or(0, |before| before.at.get()));
        put_u64(record, document::HEAD, self.head.get());
        put_i64(record, document::RECORDED, self.recorded.micros());
        seal(record, document::LEN, body_crc, at, Position::START, key)
    }
}
