//! Snapshots of one kind of state.

use super::header::{Header, Label};
use super::{AsOf, SnapshotPolicy, Stale};
use crate::toolkit::error::contain;
use crate::toolkit::{CodecError, Encoding, Port, ToolError};
use crate::{Commit, Document, DocumentRef, Durability, Keys, Revision, Timestamp, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;

/// What all keys of snapshots begin with.
const SNAPSHOT: &str = "~snapshot";
/// The longest name of a kind, in bytes.
const LONGEST: usize = 128;
/// Digits of a version in a key.
const DIGITS: usize = 20;

/// The snapshots of one kind of state: how they are written, when, and how many are kept.
///
/// They are documents: the newest of a state under `~snapshot/{kind}/{key}`; if more than one is
/// kept, each one under `~snapshot/{kind}/{key}/{version}` too, the version with 20 digits. A
/// snapshot is a line of JSON that says what it is, and the state behind it. One that is of another
/// kind, schema or encoding, or can't be read, is [`Stale`]: it is passed over, as if there were
/// none. So whoever changes what a state looks like, or how it is made of events, counts the schema
/// up, and that is all. They are written as [`Durability::Buffered`]: they can be made again.
///
/// ```
/// use annals::toolkit::{Encoding, SnapshotPolicy, Snapshots};
/// let of_accounts = Snapshots::<u64>::new("account", 2)?
///     .policy(SnapshotPolicy::Every(100))
///     .keep(3)
///     .encoding(Encoding::Json);
/// assert!(Snapshots::<u64>::new("a/b", 1).is_err());
/// # Ok::<(), annals::toolkit::ToolError>(())
/// ```
pub struct Snapshots<S> {
    kind: Arc<str>,
    schema: u32,
    encoding: Encoding,
    policy: SnapshotPolicy,
    keep: usize,
    write: fn(Encoding, &S) -> Result<Vec<u8>, CodecError>,
    read: fn(Encoding, &[u8]) -> Result<S, CodecError>,
}

/// A state that was saved.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Snapshot<S> {
    /// The state.
    pub state: S,
    /// Of when it is.
    pub as_of: AsOf,
    /// When it was written.
    pub written: Timestamp,
    /// How often the document was changed under whose key it stands.
    pub revision: Revision,
}

/// What there was when a snapshot was looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found<S> {
    /// None.
    Nothing,
    /// One that is passed over.
    Stale {
        /// Why.
        why: Stale,
        /// How often the document was changed under whose key it stands.
        revision: Revision,
    },
    /// One.
    Snapshot(Snapshot<S>),
}

/// A snapshot that is kept, without its state.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Kept {
    /// Of which version; of one that can't be read and stands under no version,
    /// [`Version::NONE`].
    pub version: Version,
    /// When it was written.
    pub written: Timestamp,
    /// Its bytes, those of its header included.
    pub bytes: usize,
    /// Why it is passed over, if it is; whether its state can be read is not looked at.
    pub stale: Option<Stale>,
}

impl<S: Serialize + DeserializeOwned> Snapshots<S> {
    /// Of states of this kind, in this version of their schema: as JSON, written when asked for,
    /// one kept of each state.
    ///
    /// # Errors
    /// [`ToolError::Setup`]: the kind's name is empty, longer than 128 bytes, or has a `/` or NUL.
    pub fn new(kind: &str, schema: u32) -> Result<Self, ToolError> {
        if kind.is_empty() || kind.len() > LONGEST || kind.contains(['/', '\0']) {
            return Err(ToolError::setup(format!(
                "'{}' can't be the name of a kind of snapshots: use 1 to {LONGEST} bytes without \
                 '/' and NUL",
                kind.escape_debug()
            )));
        }
        Ok(Self {
            kind: kind.into(),
            schema,
            encoding: Encoding::default(),
            policy: SnapshotPolicy::default(),
            keep: 1,
            write: |encoding, state| encoding.write(state),
            read: |encoding, bytes| encoding.read(bytes),
        })
    }
}

impl<S> Snapshots<S> {
    /// Written so.
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Written when this says so.
    #[must_use]
    pub fn policy(mut self, policy: SnapshotPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// At most so many are kept of each state, one at the least: older ones go when one is written.
    #[must_use]
    pub fn keep(mut self, snapshots: usize) -> Self {
        self.keep = snapshots.max(1);
        self
    }

    /// When one is due.
    pub fn get_policy(&self) -> &SnapshotPolicy {
        &self.policy
    }

    /// The newest one of the state with this key: a stream's name, or that of a boundary. This is
    /// one look-up. Whether the events are there that it says are in it, only a load knows.
    ///
    /// # Errors
    /// The store's.
    pub fn latest(&self, port: &Port, key: &str) -> Result<Found<S>, ToolError> {
        self.latest_if(port, key, &|_| true)
    }

    /// The newest one, if it is of a moment that suits.
    pub(in crate::toolkit) fn latest_if(
        &self,
        port: &Port,
        key: &str,
        suits: &dyn Fn(&AsOf) -> bool,
    ) -> Result<Found<S>, ToolError> {
        let newest = self.newest(key);
        let found = port.with_document(&newest, |document| self.open(key, document, suits))?;
        Ok(found.unwrap_or(Found::Nothing))
    }

    /// The newest of those that are kept whose moment suits; what is stale is passed over.
    pub(in crate::toolkit) fn newest_if(
        &self,
        port: &Port,
        key: &str,
        suits: &dyn Fn(&AsOf) -> bool,
    ) -> Result<Found<S>, ToolError> {
        let newest = self.latest_if(port, key, suits)?;
        if matches!(newest, Found::Snapshot(_)) {
            return Ok(newest);
        }
        let older = self.listed(port, key)?.into_iter().rev().flat_map(|(documents, _)| documents);
        for document in older {
            let found = port.with_document(&document, |older| self.open(key, older, suits))?;
            if let Some(Found::Snapshot(older)) = found {
                // It is another document, so its revision is not that of the newest.
                return Ok(Found::Snapshot(Snapshot { revision: Revision::NONE, ..older }));
            }
        }
        Ok(newest)
    }

    /// All that are kept of the state with this key, by version, the oldest first.
    ///
    /// # Errors
    /// The store's.
    pub fn list(&self, port: &Port, key: &str) -> Result<Vec<Kept>, ToolError> {
        Ok(self.listed(port, key)?.into_iter().map(|(_, kept)| kept).collect())
    }

    /// Deletes all but the newest `keep` of the state with this key, and says how many went.
    ///
    /// # Errors
    /// Those of [`Port::commit`].
    pub fn prune(&self, port: &Port, key: &str, keep: usize) -> Result<usize, ToolError> {
        loop {
            let newest = self.newest(key);
            // Who writes one puts the newest over the one that he has seen: so while this one is
            // there still, none has come since.
            let seen = port.with_document(&newest, |document| document.revision)?;
            let mut gone = self.listed(port, key)?;
            gone.truncate(gone.len().saturating_sub(keep));
            let count = gone.len();
            if count == 0 {
                return Ok(0);
            }
            let mut documents: Vec<String> = gone.into_iter().flat_map(|(keys, _)| keys).collect();
            let goes = documents.contains(&newest);
            documents.retain(|document| *document != newest);
            let commit = Commit::new().durability(Durability::Buffered);
            let commit = documents.into_iter().fold(commit, Commit::delete);
            let seen = seen.unwrap_or(Revision::NONE);
            let commit = match goes {
                true => commit.delete_over(newest, seen),
                false => commit.expect_document(newest, seen),
            };
            match port.commit(commit) {
                Err(error) if error.is_conflict() => {}
                done => return done.map(|_| count),
            }
        }
    }

    /// Deletes all of the state with this key, and says how many went.
    ///
    /// # Errors
    /// Those of [`Port::commit`].
    pub fn delete(&self, port: &Port, key: &str) -> Result<usize, ToolError> {
        self.prune(port, key, 0)
    }

    /// Saves a state, if the newest snapshot is the one of this revision still; gives the revision
    /// that it has now. So what was made of a snapshot that was deleted meanwhile does not come
    /// back.
    pub(in crate::toolkit) fn save(
        &self,
        port: &Port,
        key: &str,
        as_of: AsOf,
        state: &S,
        over: Revision,
    ) -> Result<Revision, ToolError> {
        let who = || format!("writing a state of the kind '{}'", self.kind);
        let mut value = self.label(key).line(&as_of);
        value.extend(contain(who, || Ok((self.write)(self.encoding, state)))??);

        let (newest, own) = (self.newest(key), self.version_key(key, as_of.version));
        let old = self.listed(port, key)?.into_iter().flat_map(|(documents, _)| documents);
        let is_written =
            |document: &String| *document == newest || self.keep > 1 && *document == own;
        let mut old: Vec<String> = old.filter(|document| !is_written(document)).collect();
        old.truncate((old.len() + 1).saturating_sub(self.keep));
        let mut commit = Commit::new().durability(Durability::Buffered);
        commit = old.into_iter().fold(commit, Commit::delete);
        if self.keep > 1 {
            commit = commit.put(own, value.clone());
        }
        let revisions = port.commit(commit.put_over(&*newest, over, value))?.revisions;
        let written = revisions.into_iter().find(|(key, _)| *key == newest);
        Ok(written.map_or(Revision::NONE, |(_, revision)| revision))
    }

    /// What a document holds, if it is of a moment that suits.
    fn open(
        &self,
        key: &str,
        document: &DocumentRef<'_>,
        suits: &dyn Fn(&AsOf) -> bool,
    ) -> Found<S> {
        let (written, revision) = (document.recorded, document.revision);
        let stale = |why| Found::Stale { why, revision };
        let (header, state) = match Header::read(document.value) {
            Ok(read) => read,
            Err(why) => return stale(why),
        };
        let as_of = header.as_of;
        if let Some(why) = self.label(key).stale(header) {
            return stale(why);
        }
        if !suits(&as_of) {
            return Found::Nothing;
        }
        let who = || format!("reading a state of the kind '{}'", self.kind);
        let read = contain(who, || Ok((self.read)(self.encoding, state)));
        match read.and_then(|state| Ok(state?)) {
            Ok(state) => Found::Snapshot(Snapshot { state, as_of, written, revision }),
            Err(error) => stale(Stale::Unreadable(error.to_string())),
        }
    }

    /// Those that are kept, each with the keys of its documents, by version.
    fn listed(&self, port: &Port, key: &str) -> Result<Vec<(Vec<String>, Kept)>, ToolError> {
        let mut all: Vec<(Vec<String>, Kept)> = Vec::new();
        for document in port.documents(self.versions(key))? {
            let document = document?;
            if let Some(version) = self.version_in(&document.key, key) {
                let kept = self.kept(key, &document, Some(version));
                // A state whose key ends as if it were a version of this one.
                if !matches!(kept.stale, Some(Stale::Key { .. })) {
                    all.push((vec![document.key], kept));
                }
            }
        }
        if let Some(newest) = port.document(&self.newest(key))? {
            let kept = self.kept(key, &newest, None);
            match all.iter_mut().find(|(_, other)| other.version == kept.version) {
                Some((documents, _)) => documents.push(newest.key),
                None => all.push((vec![newest.key], kept)),
            }
        }
        all.sort_by_key(|(_, kept)| kept.version);
        Ok(all)
    }

    /// What is known of a document, whose key says this version or none.
    fn kept(&self, key: &str, document: &Document, version: Option<Version>) -> Kept {
        let (says, stale) = match Header::read(&document.value) {
            Ok((header, _)) => (header.as_of.version, self.label(key).stale(header)),
            Err(stale) => (Version::NONE, Some(stale)),
        };
        let (version, bytes) = (version.unwrap_or(says), document.value.len());
        Kept { version, written: document.recorded, bytes, stale }
    }

    fn label<'a>(&'a self, key: &'a str) -> Label<'a> {
        let encoding = self.encoding.name();
        Label { kind: &self.kind, key, schema: self.schema, encoding }
    }

    /// The key under which the newest one stands.
    fn newest(&self, key: &str) -> String {
        format!("{SNAPSHOT}/{}/{key}", self.kind)
    }

    /// The key under which the one of this version stands, if more than one is kept.
    fn version_key(&self, key: &str, version: Version) -> String {
        format!("{SNAPSHOT}/{}/{key}/{version:0DIGITS$}", self.kind, version = version.get())
    }

    /// Keys among which are those of all versions: none of them has a digit but 0 at first.
    fn versions(&self, key: &str) -> Keys {
        Keys::prefix(self.newest(key) + "/0")
    }

    /// The version that a document's key says, if it is one of this state: what has anything but a
    /// version behind the state's key is that of a state whose key goes on.
    fn version_in(&self, document: &str, key: &str) -> Option<Version> {
        let digits = document.strip_prefix(&*self.newest(key))?.strip_prefix('/')?;
        let are_all = digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
        are_all.then(|| digits.parse().ok().map(Version::new))?
    }
}

impl<S> Clone for Snapshots<S> {
    fn clone(&self) -> Self {
        Self { kind: self.kind.clone(), policy: self.policy.clone(), ..*self }
    }
}

impl<S> fmt::Debug for Snapshots<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshots")
            .field("kind", &self.kind)
            .field("schema", &self.schema)
            .field("encoding", &self.encoding)
            .field("policy", &self.policy)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}
