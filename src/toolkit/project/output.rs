//! The documents that a projection writes, until they are committed.

use crate::Commit;
use crate::toolkit::{Encoding, Port, ToolError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::fmt;

/// The documents of a projection: as they are in the store, and as they will be when what has been
/// applied is committed. Keys are the projection's own.
pub struct Output<'a> {
    port: &'a Port,
    /// What is put before a key in the store.
    prefix: &'a str,
    changes: &'a mut Changes,
}

/// What is to be committed: values, or nothing where a document is to go.
#[derive(Default)]
pub(super) struct Changes {
    values: HashMap<String, Option<Vec<u8>>>,
    /// What was put, in bytes; what has been replaced since counts, too.
    bytes: usize,
}

/// Changes of one commit, and their bytes: far within the limits of a commit.
const FULL: usize = 16_384;
const FULL_BYTES: usize = 32 << 20;

impl Changes {
    /// Whether they are to be committed before more is added.
    pub(super) fn is_full(&self) -> bool {
        self.values.len() >= FULL || self.bytes >= FULL_BYTES
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.bytes = 0;
    }

    fn set(&mut self, key: String, value: Option<Vec<u8>>) {
        self.bytes += value.as_ref().map_or(0, Vec::len);
        self.values.insert(key, value);
    }
}

impl<'a> Output<'a> {
    pub(super) fn new(port: &'a Port, prefix: &'a str, changes: &'a mut Changes) -> Self {
        Self { port, prefix, changes }
    }

    /// The document under this key.
    ///
    /// # Errors
    /// The store's.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ToolError> {
        if let Some(changed) = self.changes.values.get(key) {
            return Ok(changed.clone());
        }
        let found = self.port.document(&format!("{}{key}", self.prefix))?;
        Ok(found.map(|found| found.value))
    }

    /// Puts a value under this key.
    pub fn put(&mut self, key: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.changes.set(key.into(), Some(value.into()));
    }

    /// Deletes what is under this key.
    pub fn delete(&mut self, key: impl Into<String>) {
        self.changes.set(key.into(), None);
    }

    /// The value under this key, written as JSON.
    ///
    /// # Errors
    /// The store's; the document is no such value.
    pub fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ToolError> {
        let found = self.get(key)?;
        Ok(found.map(|value| Encoding::Json.read(&value)).transpose()?)
    }

    /// Puts a value under this key, as JSON.
    ///
    /// # Errors
    /// The value can't be written so.
    pub fn write<T: Serialize + ?Sized>(
        &mut self,
        key: impl Into<String>,
        value: &T,
    ) -> Result<(), ToolError> {
        self.put(key, Encoding::Json.write(value)?);
        Ok(())
    }

    /// The port that events come from, for whoever has to look up more. What is found there may be
    /// newer than the event.
    pub fn port(&self) -> &Port {
        self.port
    }
}

/// A commit with these changes, too.
pub(super) fn add_to(commit: Commit, prefix: &str, changes: &Changes) -> Commit {
    changes.values.iter().fold(commit, |commit, (key, value)| {
        let key = format!("{prefix}{key}");
        match value {
            Some(value) => commit.put(key, value.as_slice()),
            None => commit.delete(key),
        }
    })
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("changes", &self.changes.values.len())
            .finish_non_exhaustive()
    }
}
