//! Reading what a projection has made.

use super::place::{Place, output_prefix, place_key};
use crate::toolkit::{Encoding, Port, ToolError};
use crate::{Document, Keys, Position};
use serde::de::DeserializeOwned;

/// Reads the output of a projection, from wherever: no projector has to run. While an output is
/// made anew, this is the old one.
#[derive(Clone, Debug)]
pub struct Projected {
    port: Port,
    name: String,
}

/// How far an output reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Checkpoint {
    /// Every event up to here that the projection wants is in the output.
    pub position: Position,
    /// The version of the projection that made it.
    pub version: u32,
    /// How often it was made anew, from 1.
    pub generation: u64,
    /// How many events could not be applied, and were passed over.
    pub skipped: u64,
}

impl Projected {
    /// Of the projection that is called so.
    pub fn of(port: impl Into<Port>, name: impl Into<String>) -> Self {
        Self { port: port.into(), name: name.into() }
    }

    /// How far the output reaches; nothing if there is none yet.
    ///
    /// # Errors
    /// The store's.
    pub fn checkpoint(&self) -> Result<Option<Checkpoint>, ToolError> {
        let place = self.place()?;
        Ok(place.map(|Place { version, generation, position, skipped, .. }| Checkpoint {
            position,
            version,
            generation,
            skipped,
        }))
    }

    /// How many positions there are behind the output's.
    ///
    /// # Errors
    /// The store's.
    pub fn lag(&self) -> Result<u64, ToolError> {
        let reached = self.place()?.map_or(Position::START, |place| place.position);
        Ok(self.port.head()?.get().saturating_sub(reached.get()))
    }

    /// Whether there is a document under this key.
    ///
    /// # Errors
    /// The store's.
    pub fn exists(&self, key: &str) -> Result<bool, ToolError> {
        Ok(self.get(key)?.is_some())
    }

    /// The document under this key.
    ///
    /// # Errors
    /// The store's.
    pub fn get(&self, key: &str) -> Result<Option<Document>, ToolError> {
        let mut place = self.place()?;
        while let Some(Place { generation, .. }) = place {
            let prefix = output_prefix(&self.name, generation);
            if let Some(found) = self.port.document(&format!("{prefix}{key}"))? {
                return Ok(Some(within(&prefix, found)));
            }
            // Another output may have taken its place meanwhile, and it was deleted.
            place = self.place()?.filter(|place| place.generation != generation);
        }
        Ok(None)
    }

    /// The value under this key, as JSON.
    ///
    /// # Errors
    /// The store's; the document is no such value.
    pub fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ToolError> {
        let found = self.get(key)?;
        Ok(found.map(|found| Encoding::Json.read(&found.value)).transpose()?)
    }

    /// The value under the key that a [`Fold`](super::Fold) of one state has.
    ///
    /// # Errors
    /// The store's; the document is no such value.
    pub fn state<T: DeserializeOwned>(&self) -> Result<Option<T>, ToolError> {
        self.read(super::fold::ONLY)
    }

    /// The documents under these keys, in the order of the keys.
    ///
    /// # Errors
    /// The store's.
    pub fn documents(
        &self,
        keys: Keys,
    ) -> Result<impl Iterator<Item = Result<Document, ToolError>> + use<>, ToolError> {
        let generation = self.place()?.map_or(0, |place| place.generation);
        let prefix = output_prefix(&self.name, generation);
        let found = self.port.documents(keys.behind(&prefix))?;
        Ok(found.map(move |found| found.map(|found| within(&prefix, found))))
    }

    fn place(&self) -> Result<Option<Place>, ToolError> {
        Ok(Place::load(&self.port, &place_key(&self.name))?.0)
    }
}

/// Under the key that the projection gave it.
fn within(prefix: &str, mut document: Document) -> Document {
    if document.key.starts_with(prefix) {
        document.key.drain(..prefix.len());
    }
    document
}
