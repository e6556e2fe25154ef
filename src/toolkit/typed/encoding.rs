//! How values are written as bytes.

use super::CodecError;
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};
use std::marker::PhantomData;

/// How payloads, snapshots and documents are written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Encoding {
    /// JSON: any program can read it, fields may come and go.
    #[default]
    Json,
    /// bincode 2 in its standard configuration: a third of the bytes, but fields are known by their
    /// order alone, so each change of a type is a new schema version. For bytes of one's own: how
    /// deep a type may lie in itself is not bounded.
    #[cfg(feature = "bincode")]
    Bincode,
}

impl Encoding {
    /// The name by which snapshots say how they are written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            #[cfg(feature = "bincode")]
            Self::Bincode => "bincode",
        }
    }

    /// Writes a value.
    ///
    /// ```
    /// use annals::toolkit::Encoding;
    /// let bytes = Encoding::Json.write(&("a", 7))?;
    /// assert_eq!(bytes, br#"["a",7]"#);
    /// assert_eq!(Encoding::Json.read::<(String, u8)>(&bytes)?, ("a".to_owned(), 7));
    /// assert!(Encoding::Json.read::<(String, u8)>(b"[7]").is_err());
    /// # Ok::<(), annals::toolkit::CodecError>(())
    /// ```
    ///
    /// # Errors
    /// The value can't be written so: a map whose keys are no text, in JSON.
    pub fn write<T: Serialize + ?Sized>(self, value: &T) -> Result<Vec<u8>, CodecError> {
        match self {
            Self::Json => serde_json::to_vec(value).map_err(CodecError::unwritable),
            #[cfg(feature = "bincode")]
            Self::Bincode => bincode::serde::encode_to_vec(value, bincode::config::standard())
                .map_err(CodecError::unwritable),
        }
    }

    /// Reads a value; all of the bytes have to belong to it.
    ///
    /// # Errors
    /// The bytes are no such value.
    pub fn read<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, CodecError> {
        self.read_seed(PhantomData, bytes)
    }

    /// Reads what a seed makes of it.
    pub(super) fn read_seed<'de, S: DeserializeSeed<'de>>(
        self,
        seed: S,
        bytes: &'de [u8],
    ) -> Result<S::Value, CodecError> {
        match self {
            Self::Json => {
                let mut reader = serde_json::Deserializer::from_slice(bytes);
                let value = seed.deserialize(&mut reader).map_err(CodecError::unreadable)?;
                reader.end().map_err(CodecError::unreadable)?;
                Ok(value)
            }
            #[cfg(feature = "bincode")]
            Self::Bincode => {
                let config = bincode::config::standard();
                // A number may take sixteen times the room in memory that it takes here.
                let (value, length) = match bytes.len() {
                    ..SHORT => decode(seed, bytes, config.with_limit::<{ 16 * SHORT }>()),
                    _ => decode(seed, bytes, config.with_limit::<{ 16 * LONG }>()),
                }?;
                if length != bytes.len() {
                    let left = bytes.len().saturating_sub(length);
                    return Err(CodecError::unreadable(format!("{left} bytes are left over")));
                }
                Ok(value)
            }
        }
    }
}

/// Bytes of most values, and of the longest that a store takes.
#[cfg(feature = "bincode")]
const SHORT: usize = 64 << 10;
#[cfg(feature = "bincode")]
const LONG: usize = 64 << 20;

/// With a limit, since bincode makes room for as much as the bytes say there is.
#[cfg(feature = "bincode")]
fn decode<'de, S: DeserializeSeed<'de>>(
    seed: S,
    bytes: &'de [u8],
    config: impl bincode::config::Config,
) -> Result<(S::Value, usize), CodecError> {
    bincode::serde::seed_decode_from_slice(seed, bytes, config).map_err(CodecError::unreadable)
}
