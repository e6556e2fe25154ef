//! How far a program is: kept as a document of the store, or in a file.

use crate::exit::{Failure, Outcome};
use crate::output::to_file;
use crate::show::{escaped, path_name};
use annals::{Position, Store, Uuid};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The keys of checkpoints begin so; their names follow.
const KEYS: &str = "~replay/";

/// A checkpoint.
pub struct Checkpoint {
    store: Store,
    place: Place,
}

enum Place {
    /// The document with this key.
    Document(String),
    /// This file.
    File(PathBuf),
}

/// What stands there.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    /// The store that it is of.
    store: Uuid,
    /// Everything up to here was acknowledged.
    position: u64,
}

impl Checkpoint {
    /// The one of this name, in the store.
    pub fn in_store(store: &Store, name: &str) -> Self {
        Self { store: store.clone(), place: Place::Document(format!("{KEYS}{name}")) }
    }

    /// The one in this file, of the store.
    pub fn in_file(store: &Store, path: &Path) -> Self {
        Self { store: store.clone(), place: Place::File(path.to_owned()) }
    }

    /// Where it is; at the start if there is none yet.
    pub fn get(&self) -> Outcome<Position> {
        let bytes = match &self.place {
            Place::Document(key) => self.store.document(key)?.map(|document| document.value),
            // A pipe would be waited for.
            Place::File(path) if path.metadata().is_ok_and(|it| !it.is_file()) => {
                let what = format!("{} is there, and is no plain file", self.name());
                return Err(Failure::can_not(what));
            }
            Place::File(path) => match fs::read(path) {
                Ok(bytes) => Some(bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(self.failed("reading", &error)),
            },
        };
        let Some(bytes) = bytes else { return Ok(Position::START) };
        let kept: Kept = serde_json::from_slice(&bytes).map_err(|_| {
            Failure::can_not(format!("{} is no checkpoint of `replay`", self.name()))
        })?;
        // In the store itself it stays true when that is copied to one with another id.
        if matches!(self.place, Place::File(_)) && kept.store != self.store.id() {
            let what = format!("{} is of the store with the id {}", self.name(), kept.store);
            return Err(Failure::can_not(format!("{what}, this one has {}", self.store.id())));
        }
        Ok(Position::new(kept.position))
    }

    /// Moves it there, durably.
    pub fn set(&self, position: Position) -> Outcome {
        let kept = Kept { store: self.store.id(), position: position.get() };
        let bytes = serde_json::to_vec(&kept).unwrap_or_default();
        match &self.place {
            Place::Document(key) => {
                self.store.put(key, bytes)?;
                Ok(())
            }
            Place::File(path) => to_file(path, true, |file| {
                file.write_all(&bytes).map_err(|error| self.failed("writing", &error))
            }),
        }
    }

    fn failed(&self, doing: &str, error: &io::Error) -> Failure {
        Failure::io(format_args!("{doing} {} failed", self.name()), error)
    }

    fn name(&self) -> String {
        match &self.place {
            Place::Document(key) => format!("the document '{}'", escaped(key)),
            Place::File(path) => format!("'{}'", path_name(path)),
        }
    }
}
