//! A name's record: written once in a segment, for events of the same segment to refer to.

use super::seal::{body_crc, seal, verify};
use crate::format::bytes::{get_u16, index, pad8, put, put_u16, u64_of};
use crate::format::check::FileKey;
use crate::format::layout::{NAME_TAG, name};
use crate::words::{Limit, LogOffset, Position, has_nul};

/// A name as it stands in a segment, for events of the same segment to refer to.
#[derive(Clone, Copy, Debug)]
pub struct NameRecord<'a> {
    /// The whole record.
    pub(super) bytes: &'a [u8],
    /// The name, UTF-8 without NUL.
    pub text: &'a str,
}

impl<'a> NameRecord<'a> {
    /// The name of a record that was parsed and checked before; nothing if it is not one.
    pub fn text_again(bytes: &'a [u8]) -> &'a str {
        let length = index(u64::from(get_u16(bytes, name::LENGTH)));
        let text = bytes.get(name::LEN..name::LEN + length).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }

    /// Reads a name's record.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        if *bytes.get(name::TAG)? != NAME_TAG {
            return None;
        }
        let length = index(u64::from(get_u16(bytes, name::LENGTH)));
        if length == 0 || u64_of(length) > Limit::Name.allowed() {
            return None;
        }
        let text = bytes.get(name::LEN..name::LEN + length)?;
        let text = std::str::from_utf8(text).ok()?;
        let bytes = bytes.get(..pad8(name::LEN + length))?;
        (!has_nul(text)).then_some(Self { bytes, text })
    }

    /// The bytes that a name takes as a record.
    pub fn len_of(text: &str) -> usize {
        pad8(name::LEN + text.len())
    }

    /// Writes a name's record to `out`, which is exactly as long. Returns the record's check.
    pub fn write(out: &mut [u8], text: &str, at: LogOffset, key: &FileKey) -> u32 {
        out.fill(0);
        put(out, name::TAG, &[NAME_TAG]);
        put_u16(out, name::LENGTH, u16::try_from(text.len()).unwrap_or(u16::MAX));
        put(out, name::LEN, text.as_bytes());
        seal(out, name::LEN, body_crc(out, name::LEN), at, Position::START, key)
    }

    /// The check it has, if it is the right one for a name at `at`.
    pub fn check(&self, at: LogOffset, key: &FileKey) -> Option<u32> {
        verify(self.bytes, name::LEN, at, Position::START, key)
    }
}
