//! A tenant's part of a store: what is put before its names, and taken away again.
//!
//! A tenant `acme` has the streams that begin with `acme/`, the documents whose keys do, and the
//! events that have the tag `acme/`; each other tag of his begins so, too. Ids that he gives are
//! mixed with a number of his own, or another tenant's would be in his way.

use crate::toolkit::ToolError;
use crate::{
    AppendError, Appended, Commit, Invalid, Keys, Limit, NewEvent, Query, QueryItem, RecordedEvent,
    Rewrite, Uuid,
};
use std::sync::Arc;

/// The longest name of a tenant, in bytes.
const LONGEST: usize = 64;

/// What is put before the names of a tenant; nothing for who sees the whole store.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// Ends with the `/` that no name of a tenant has.
    prefix: Arc<str>,
    mask: u128,
}

impl Scope {
    /// Of the tenant that is called so, in the store with this id.
    pub(super) fn of(name: &str, store: Uuid) -> Result<Self, ToolError> {
        check(name)?;
        let prefix = format!("{name}/").into();
        Ok(Self { prefix, mask: mask(name, store) })
    }

    /// The tenant's name.
    pub(super) fn name(&self) -> &str {
        self.prefix.strip_suffix('/').unwrap_or(&self.prefix)
    }

    /// The tag that all events of the tenant have.
    pub(super) fn tag(&self) -> &str {
        &self.prefix
    }

    /// What the tenant calls so, as the store has it. An empty name stays empty, since it is
    /// refused.
    pub(super) fn outer(&self, name: impl AsRef<str>) -> String {
        match name.as_ref() {
            "" => String::new(),
            name => format!("{}{name}", self.prefix),
        }
    }

    /// A category of the tenant's, as the store has it: that of streams whose names begin with a
    /// `-` is empty.
    pub(super) fn category(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// As the tenant calls it; nothing if it is not his.
    pub(super) fn inner<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(&*self.prefix)
    }

    /// An id that the tenant gave, as the store has it; and back.
    pub(super) fn mixed(&self, id: Uuid) -> Uuid {
        Uuid::from_u128(id.as_u128() ^ self.mask)
    }

    /// Those of the keys, or tags, that are the tenant's.
    pub(super) fn keys(&self, keys: Keys) -> Keys {
        keys.behind(&self.prefix)
    }

    /// What the query means of the tenant's events.
    pub(super) fn query(&self, query: Query) -> Query {
        if query.is_all() {
            return Query::from(QueryItem::new().tag(self.tag()));
        }
        query.map_items(|item| match item {
            // Refused, and it stays so.
            item if item == QueryItem::new() => item,
            item => item
                .map_streams(|name| self.category(&name))
                .map_tags(|tag| self.outer(tag))
                .tag(self.tag()),
        })
    }

    /// As the store takes it.
    pub(super) fn commit(&self, commit: Commit) -> Commit {
        commit.rewrite(&mut &*self)
    }

    /// As the tenant sees it.
    pub(super) fn appended(&self, mut appended: Appended) -> Appended {
        let names = appended.versions.iter_mut().map(|(name, _)| name);
        let keys = appended.revisions.iter_mut().map(|(key, _)| key);
        names.chain(keys).for_each(|name| self.strip(name));
        appended
    }

    /// As the tenant sees it; what he asked for is in his own words.
    pub(super) fn error(&self, mut error: AppendError) -> AppendError {
        match &mut error {
            AppendError::Conflict(conflict) => self.strip(&mut conflict.stream),
            AppendError::DocumentConflict(conflict) => self.strip(&mut conflict.key),
            AppendError::IdConflict(conflict) => conflict.id = self.mixed(conflict.id),
            AppendError::Invalid(Invalid::StreamTwice { stream }) => self.strip(stream),
            AppendError::Invalid(Invalid::DocumentTwice { key }) => self.strip(key),
            AppendError::Invalid(Invalid::IdTwice { id }) => *id = self.mixed(*id),
            AppendError::Limit(exceeded) => {
                let own = self.takes(exceeded.limit);
                exceeded.allowed = exceeded.allowed.saturating_sub(own);
                exceeded.given = exceeded.given.saturating_sub(own);
            }
            _ => {}
        }
        error
    }

    /// How much of this the store needs for itself, to tell the tenant's things from others'.
    fn takes(&self, limit: Limit) -> u64 {
        match limit {
            Limit::Tags => 1,
            // Of a name nobody knows whether it is that of a type, which is left as it is.
            Limit::Key => u64::try_from(self.prefix.len()).unwrap_or(u64::MAX),
            _ => 0,
        }
    }

    /// As the tenant sees it; the event is his.
    pub(super) fn recorded(&self, mut event: RecordedEvent) -> RecordedEvent {
        self.strip(&mut event.stream);
        event.tags.retain(|tag| tag != self.tag());
        event.tags.iter_mut().for_each(|tag| self.strip(tag));
        if event.id_given {
            event.id = self.mixed(event.id);
        }
        event
    }

    /// As the tenant calls it, if it is his.
    pub(super) fn strip(&self, name: &mut String) {
        if name.starts_with(&*self.prefix) {
            name.drain(..self.prefix.len());
        }
    }
}

impl Rewrite for &Scope {
    fn stream(&mut self, name: String) -> String {
        self.outer(name)
    }

    fn event(&mut self, _: &str, event: NewEvent) -> NewEvent {
        let event = event.map_tags(|tag| self.outer(tag)).tag(self.tag());
        match event.get_id() {
            Some(id) => event.id(self.mixed(id)),
            None => event,
        }
    }

    fn key(&mut self, key: String) -> String {
        self.outer(key)
    }

    fn query(&mut self, query: Query) -> Query {
        Scope::query(self, query)
    }
}

/// Whether a tenant may be called so.
fn check(name: &str) -> Result<(), ToolError> {
    let refuse = |why: String| {
        Err(ToolError::setup(format!(
            "'{}' can't be the name of a tenant: {why}; use 1 to {LONGEST} of the letters a to z, \
             A to Z, digits, '_' and '.', beginning with a letter or digit",
            name.escape_debug()
        )))
    };
    if name.is_empty() {
        return refuse("it is empty".to_owned());
    }
    if name.len() > LONGEST {
        return refuse(format!("it has {} bytes", name.len()));
    }
    let allowed = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.');
    if let Some(letter) = name.chars().find(|letter| !allowed(letter)) {
        let letter = letter.escape_debug();
        return refuse(format!("there is a '{letter}' in it"));
    }
    if !name.starts_with(|letter: char| letter.is_ascii_alphanumeric()) {
        return refuse("it begins with a mark".to_owned());
    }
    Ok(())
}

/// A number of the tenant's own: FNV-1a over the store's id and the name, twice, from other starts.
/// It keeps ids of tenants apart that do not know it; it is no secret.
fn mask(name: &str, store: Uuid) -> u128 {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;
    let bytes = store.as_bytes().iter().chain(name.as_bytes());
    bytes.fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(PRIME)
    })
}

/// The error of a tenant's handle that can't be had from a tenant's handle.
pub(super) fn nested(outer: &Scope) -> ToolError {
    ToolError::setup(format!(
        "this is the handle of the tenant '{}': tenants have no tenants of their own",
        outer.name()
    ))
}
