//! The model: what should be in the store, as a list of commits.

use annals::Commit;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// An event as the model has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelEvent {
    pub(crate) stream: String,
    pub(crate) version: u64,
    pub(crate) event_type: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) tags: Vec<String>,
}

/// The key of a document, and the value that was put under it; nothing where it was deleted.
pub(crate) type Change = (&'static str, Option<Vec<u8>>);

/// A commit as the model has it.
#[derive(Debug)]
pub(crate) struct ModelCommit {
    pub(crate) events: Vec<ModelEvent>,
    pub(crate) documents: Vec<Change>,
    /// As it was made, so that it can be made once more.
    pub(crate) made: Commit,
}

/// A document as the model has it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ModelDocument<'a> {
    pub(crate) revision: u64,
    pub(crate) head: u64,
    pub(crate) value: Option<&'a [u8]>,
}

/// The names of all streams.
pub(crate) const STREAMS: [&str; 4] = ["s-0", "s-1", "s-2", "s-3"];

/// The keys of all documents.
pub(crate) const KEYS: [&str; 4] = ["d/0", "d/1", "d/2", "e"];

/// What should be in the store: commits in the order of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) commits: Vec<Arc<ModelCommit>>,
}

impl Model {
    /// Each event, in order.
    pub(crate) fn events(&self) -> impl Iterator<Item = &ModelEvent> {
        self.commits.iter().flat_map(|commit| &commit.events)
    }

    /// How many events the first so many commits have.
    pub(crate) fn head(&self, commits: usize) -> u64 {
        self.commits[..commits].iter().map(|commit| commit.events.len() as u64).sum()
    }

    /// The version of each stream.
    pub(crate) fn versions(&self) -> HashMap<&str, u64> {
        self.events().map(|event| (event.stream.as_str(), event.version)).collect()
    }

    /// Each document after the first so many commits, those that were deleted too.
    pub(crate) fn documents(&self, commits: usize) -> BTreeMap<&'static str, ModelDocument<'_>> {
        let mut documents: BTreeMap<&'static str, ModelDocument<'_>> = BTreeMap::new();
        let mut head = 0;
        for commit in &self.commits[..commits] {
            head += commit.events.len() as u64;
            for (key, value) in &commit.documents {
                let document = documents.entry(key).or_default();
                let (revision, value) = (document.revision + 1, value.as_deref());
                *document = ModelDocument { revision, head, value };
            }
        }
        documents
    }

    /// Only the first so many commits.
    pub(crate) fn cut(&self, commits: usize) -> Self {
        Self { commits: self.commits[..commits].to_vec() }
    }
}
