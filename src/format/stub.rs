//! Stubs: what stands after the synced end while nothing follows it.

use super::bytes::{get_u32, get_u64, put_u32, put_u64};
use super::check::{FileKey, matches};
use super::frame::Epoch;
use super::layout::{STUB_TAG, stub};
use crate::words::LogOffset;

/// Says that a sync returned: the last commit's own frame can't. The next frame overwrites it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stub {
    /// Where it stands.
    pub at: LogOffset,
    /// When it was written.
    pub epoch: Epoch,
    /// Up to where everything is synced; at most `at`.
    pub watermark: LogOffset,
}

impl Stub {
    /// Its bytes.
    pub fn encode(&self, key: &FileKey) -> [u8; stub::LEN] {
        let mut bytes = [0; stub::LEN];
        put_u32(&mut bytes, stub::TAG, STUB_TAG);
        put_u64(&mut bytes, stub::LOG_OFFSET, self.at.get());
        put_u64(&mut bytes, stub::EPOCH, self.epoch.counter);
        put_u64(&mut bytes, stub::EPOCH_SALT, self.epoch.salt);
        put_u64(&mut bytes, stub::WATERMARK, self.watermark.get());
        let check = key.keyed(bytes.get(..stub::CHECK).unwrap_or_default());
        put_u64(&mut bytes, stub::CHECK, check);
        bytes
    }

    /// Whether the bytes begin like a stub: the cheap look before [`Stub::decode`].
    pub fn looks_like(bytes: &[u8]) -> bool {
        get_u32(bytes, stub::TAG) == STUB_TAG
    }

    /// Reads a stub, wherever it says that it stands.
    pub fn find(bytes: &[u8], key: &FileKey) -> Option<Self> {
        Self::decode(bytes, LogOffset::new(get_u64(bytes, stub::LOG_OFFSET)), key)
    }

    /// Reads a stub that stands at `at`; nothing if it isn't one, or stands elsewhere.
    pub fn decode(bytes: &[u8], at: LogOffset, key: &FileKey) -> Option<Self> {
        let bytes = bytes.get(..stub::LEN)?;
        if get_u32(bytes, stub::TAG) != STUB_TAG || get_u64(bytes, stub::LOG_OFFSET) != at.get() {
            return None;
        }
        let check = key.keyed(bytes.get(..stub::CHECK)?);
        let decoded = Self {
            at,
            epoch: Epoch {
                counter: get_u64(bytes, stub::EPOCH),
                salt: get_u64(bytes, stub::EPOCH_SALT),
            },
            watermark: LogOffset::new(get_u64(bytes, stub::WATERMARK)),
        };
        let holds = matches(get_u64(bytes, stub::CHECK), check) && decoded.watermark <= at;
        holds.then_some(decoded)
    }
}
