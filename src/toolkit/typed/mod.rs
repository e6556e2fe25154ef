//! Events as an enum of the program: names, schema versions, payloads, tags, metadata.

mod codec;
mod encoding;
mod envelope;
mod error;
mod event_types;
mod metadata;
mod tags;
mod upcast;
mod variant;

#[cfg(test)]
mod tests;

pub use codec::{Codec, Unknown};
pub use encoding::Encoding;
pub use envelope::Envelope;
pub use error::CodecError;
pub use event_types::{EventType, EventTypes};
pub use metadata::Metadata;
pub use tags::{MetadataTags, TagResolver};
