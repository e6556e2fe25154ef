//! Page 0: what the file is. Written once, repeated in each slot.

use super::bytes::{get_16, get_u32, put, put_u32};
use super::check::{FileKey, crc, matches};
use super::layout::{FORMAT_VERSION, HEADER_MAGIC, PAGE, header, slot};
use uuid::Uuid;

/// Which file it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The store's id.
    pub store_id: Uuid,
    /// The file's key.
    pub key: FileKey,
}

/// Page 0 after its checks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FileHeader {
    /// Which file it is.
    pub identity: Identity,
}

/// Why a page 0 or a slot says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unopenable {
    /// It does not begin with its magic bytes.
    Foreign,
    /// It is of this newer version.
    Newer(u32),
    /// It is of this version from before the first that is kept readable.
    Older(u32),
    /// It needs features that are unknown here.
    Features(u64),
    /// It fails its check, or its numbers make no sense.
    Damaged,
}

impl FileHeader {
    /// Page 0 of this file.
    pub fn encode(&self) -> Vec<u8> {
        let mut page = vec![0; header::LEN];
        put(&mut page, header::MAGIC, &HEADER_MAGIC);
        self.identity.encode(&mut page);
        let check = crc(0, page.get(..header::CHECK).unwrap_or_default());
        put_u32(&mut page, header::CHECK, check);
        page
    }

    /// Reads page 0. The magic bytes, the version's place and the check are the same in every
    /// version.
    pub fn decode(page: &[u8]) -> Result<Self, Unopenable> {
        if !page.starts_with(&HEADER_MAGIC) {
            return Err(Unopenable::Foreign);
        }
        let covered = page.get(..header::CHECK).ok_or(Unopenable::Damaged)?;
        if page.len() < header::LEN || !matches(get_u32(page, header::CHECK), crc(0, covered)) {
            return Err(Unopenable::Damaged);
        }
        Identity::decode(page).map(|identity| Self { identity })
    }
}

impl Identity {
    /// The bits that all derived ids of the store begin with: SipHash-1-3 with 128 bits of output,
    /// under the file's key, of the store's id.
    pub fn id_bits(&self) -> u128 {
        self.key.term(self.store_id.as_bytes()).0
    }

    /// What page 0 or a slot says, whether or not it passes its check; nothing if it is no page.
    pub fn unchecked(page: &[u8]) -> Option<Self> {
        let store_id = Uuid::from_bytes(get_16(page, header::STORE_ID));
        (page.len() >= header::LEN).then(|| Self { store_id, key: Self::key(page) })
    }

    /// Writes it to where page 0 and the slots have it.
    pub(super) fn encode(&self, page: &mut [u8]) {
        put_u32(page, header::FORMAT_VERSION, FORMAT_VERSION);
        put_u32(page, header::PAGE_SIZE, u32::try_from(PAGE).unwrap_or_default());
        put(page, header::STORE_ID, self.store_id.as_bytes());
        put(page, header::FILE_KEY, self.key.bytes());
    }

    /// Reads it from a page whose check has passed.
    pub(super) fn decode(page: &[u8]) -> Result<Self, Unopenable> {
        let version = get_u32(page, header::FORMAT_VERSION);
        if version > FORMAT_VERSION {
            return Err(Unopenable::Newer(version));
        }
        if version < FORMAT_VERSION {
            return Err(Unopenable::Older(version));
        }
        if u64::from(get_u32(page, header::PAGE_SIZE)) != PAGE {
            return Err(Unopenable::Damaged);
        }
        Ok(Self {
            store_id: Uuid::from_bytes(get_16(page, header::STORE_ID)),
            key: Self::key(page),
        })
    }

    /// The file's key as a page has it, for the check that comes before anything else is believed.
    pub(super) fn key(page: &[u8]) -> FileKey {
        FileKey::new(get_16(page, header::FILE_KEY))
    }
}

const _: () = assert!(
    header::FORMAT_VERSION == slot::FORMAT_VERSION
        && header::PAGE_SIZE == slot::PAGE_SIZE
        && header::STORE_ID == slot::STORE_ID
        && header::FILE_KEY == slot::FILE_KEY,
    "a slot repeats page 0's fields in the same places"
);
