//! Little-endian numbers in and out of byte slices. Reading past the end gives zero, which no field
//! takes for valid.

macro_rules! number {
    ($get:ident, $put:ident, $type:ty, $size:literal) => {
        pub(super) fn $get(bytes: &[u8], at: usize) -> $type {
            let field = bytes.get(at..).and_then(|rest| rest.first_chunk::<$size>());
            field.map_or(0, |field| <$type>::from_le_bytes(*field))
        }

        pub(super) fn $put(bytes: &mut [u8], at: usize, value: $type) {
            put(bytes, at, &value.to_le_bytes());
        }
    };
}

number!(get_u16, put_u16, u16, 2);
number!(get_u32, put_u32, u32, 4);
number!(get_u64, put_u64, u64, 8);
number!(get_i64, put_i64, i64, 8);

/// Copies `value` to `at`. The place is there: offsets come from the layout, buffers from their
/// `LEN`.
pub(super) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    let place = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..value.len()));
    debug_assert!(place.is_some(), "no room for {} bytes at {at}", value.len());
    if let Some(place) = place {
        place.copy_from_slice(value);
    }
}

/// The 16 bytes at `at`.
pub(super) fn get_16(bytes: &[u8], at: usize) -> [u8; 16] {
    bytes.get(at..).and_then(|rest| rest.first_chunk::<16>()).copied().unwrap_or_default()
}

/// A length or offset as an index. One that this machine can't address finds nothing.
pub fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A length in memory as a number on disk.
pub fn u64_of(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The next multiple of 8.
pub const fn pad8(length: usize) -> usize {
    length.saturating_add(7) & !7
}
