//! What goes with an event beside its payload.

use super::CodecError;
use serde_json::{Map, Value};

/// An event's metadata: a JSON object. Keys that the toolkit gives a meaning: `context`, the
/// bounded context; `createdBy`; `traceparent` and `tracestate`, the trace context of W3C.
///
/// ```
/// use annals::toolkit::Metadata;
/// let metadata = Metadata::new().context("sales").created_by("ann").set("channel", "web");
/// assert_eq!(metadata.get("channel"), Some("web"));
/// let bytes = metadata.to_bytes();
/// assert_eq!(Metadata::from_bytes(Some(&bytes))?, metadata);
/// assert!(Metadata::from_bytes(Some(b"[]")).is_err());
/// # Ok::<(), annals::toolkit::CodecError>(())
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Metadata {
    fields: Map<String, Value>,
}

/// The bounded context that an event belongs to.
const CONTEXT: &str = "context";
/// Who caused it.
const CREATED_BY: &str = "createdBy";

impl Metadata {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads what an event has; none is the same as nothing in it.
    ///
    /// # Errors
    /// The bytes are no JSON object.
    pub fn from_bytes(bytes: Option<&[u8]>) -> Result<Self, CodecError> {
        let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else { return Ok(Self::new()) };
        let fields = serde_json::from_slice(bytes).map_err(CodecError::unreadable)?;
        Ok(Self { fields })
    }

    /// As an event has it.
    pub fn to_bytes(&self) -> Vec<u8> {
        // A map of texts to JSON has no part that can't be written.
        serde_json::to_vec(&self.fields).unwrap_or_default()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// With this under this key.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.fields.insert(key.into(), value.into());
        self
    }

    /// Of this bounded context.
    #[must_use]
    pub fn context(self, name: impl Into<String>) -> Self {
        self.set(CONTEXT, name.into())
    }

    /// Caused by this user or program.
    #[must_use]
    pub fn created_by(self, name: impl Into<String>) -> Self {
        self.set(CREATED_BY, name.into())
    }

    /// The text under this key, if there is one.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.value(key)?.as_str()
    }

    /// Whatever is under this key.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.fields.get(key)
    }

    /// The bounded context.
    pub fn get_context(&self) -> Option<&str> {
        self.get(CONTEXT)
    }

    /// Who caused it.
    pub fn get_created_by(&self) -> Option<&str> {
        self.get(CREATED_BY)
    }
}
