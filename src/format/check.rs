//! Checks: CRC-32 where bits may rot, SipHash-1-3 under the file's key where a payload must not be
//! able to forge.

use crate::words::{LogOffset, Position};
use siphasher::{sip, sip128};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// The file's random key, made once when the file is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FileKey {
    bytes: [u8; 16],
    /// Folded into the checks of records, so that a record of another file fails.
    salt: u64,
}

/// The check of a frame's header, which the next frame repeats.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Chain(pub u64);

/// The keyed 128-bit hash by which the index knows a term.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct TermHash(pub u128);

/// Builds hashers for maps by [`TermHash`], which is a keyed hash already: its own low bits serve.
/// And for maps by 32-bit offsets, whose number somebody who writes files may choose, but not so
/// many of them that it matters.
pub type KeyedAlready = BuildHasherDefault<LowBits>;

/// See [`KeyedAlready`].
#[derive(Default)]
pub struct LowBits(u64);

impl Hasher for LowBits {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk::<8>().map_or(0, |low| u64::from_le_bytes(*low));
    }

    fn write_u32(&mut self, number: u32) {
        // Fibonacci hashing (Knuth, TAOCP 6.4): both ends of the word serve the map.
        self.0 = u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl FileKey {
    /// The key with these bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        let salt = sip::SipHasher13::new_with_key(&bytes).hash(b"record");
        Self { bytes, salt }
    }

    pub(super) fn bytes(&self) -> &[u8; 16] {
        &self.bytes
    }

    /// SipHash-1-3 of `bytes` under this key.
    pub(super) fn keyed(&self, bytes: &[u8]) -> u64 {
        sip::SipHasher13::new_with_key(&self.bytes).hash(bytes)
    }

    /// SipHash-1-3 with 128 bits of output, of `bytes` under this key.
    pub fn term(&self, bytes: &[u8]) -> TermHash {
        TermHash(sip128::SipHasher13::new_with_key(&self.bytes).hash(bytes).as_u128())
    }

    /// What a record's check is, from the CRC of its bytes and from where it stands.
    ///
    /// The place goes through the finaliser of SplitMix64 (Steele, Lea, Flood 2014), so records
    /// that are swapped fail.
    pub fn record_check(&self, crc: u32, at: LogOffset, position: Position) -> u32 {
        let mut place = self.salt ^ at.get() ^ position.get().wrapping_mul(0x9E37_79B9_7F4A_7C15);
        place = (place ^ (place >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        place = (place ^ (place >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let [.., a, b, c, d] = (place ^ (place >> 31)).to_be_bytes();
        crc ^ u32::from_be_bytes([a, b, c, d])
    }
}

/// Whether a stored check is what it should be. Under a fuzzer every check passes, or it would
/// never get past the first.
pub(super) fn matches<T: PartialEq>(stored: T, computed: T) -> bool {
    cfg!(fuzzing) || stored == computed
}

/// CRC-32 (ISO-HDLC, that of zlib) of `bytes`, going on from `before` (0 to begin).
pub(super) fn crc(before: u32, bytes: &[u8]) -> u32 {
    let mut hasher =
        if before == 0 { fresh() } else { crc32fast::Hasher::new_with_initial(before) };
    hasher.update(bytes);
    hasher.finalize()
}

/// A hasher that has seen nothing: what the processor can do is looked at once for all of them.
#[inline]
fn fresh() -> crc32fast::Hasher {
    static FRESH: LazyLock<crc32fast::Hasher> = LazyLock::new(crc32fast::Hasher::new);
    FRESH.clone()
}

/// CRC-32 of `first` and then `second`, as one.
pub(super) fn crc_of_two(first: &[u8], second: &[u8]) -> u32 {
    let mut hasher = fresh();
    hasher.update(first);
    hasher.update(second);
    hasher.finalize()
}
