//! Queries of plans: for the store, and for the list.

use super::plain::Kept;
use super::plan::{STREAMS, TAGS, TYPES};
use annals::{EventKind, Query, QueryItem, category_of};

/// What is asked for: any of these, or everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask(pub Option<Vec<Item>>);

#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub types: Vec<usize>,
    pub tags: Vec<usize>,
    pub stream: Option<usize>,
    pub category: Option<usize>,
    pub prefix: Option<usize>,
    pub kind: Option<EventKind>,
}

pub const PREFIXES: [&str; 4] = ["a", "a-", "b-1", "nothing"];
pub const CATEGORIES: [&str; 4] = ["a", "b", "plain", "ü"];

impl Ask {
    /// In the store's words.
    pub fn query(&self) -> Query {
        match &self.0 {
            None => Query::all(),
            Some(items) => Query::any(items.iter().map(Item::query)),
        }
    }

    /// Whether an event of the list is meant.
    pub fn means(&self, kept: &Kept) -> bool {
        self.0.as_ref().is_none_or(|items| items.iter().any(|item| item.means(kept)))
    }
}

impl Item {
    fn query(&self) -> QueryItem {
        let item = QueryItem::new()
            .types(self.types.iter().map(|nth| TYPES[*nth]))
            .tags(self.tags.iter().map(|nth| TAGS[*nth]));
        let item = self.stream.iter().fold(item, |item, nth| item.stream(STREAMS[*nth]));
        let item = self.category.iter().fold(item, |item, nth| item.category(CATEGORIES[*nth]));
        let item = self.prefix.iter().fold(item, |item, nth| item.stream_prefix(PREFIXES[*nth]));
        self.kind.iter().fold(item, |item, kind| item.kind(*kind))
    }

    fn means(&self, kept: &Kept) -> bool {
        let (stream, event) = (STREAMS[kept.stream], &kept.event);
        (self.types.is_empty() || self.types.contains(&event.event_type))
            && self.tags.iter().all(|tag| event.tags.contains(tag))
            && self.stream.is_none_or(|nth| STREAMS[nth] == stream)
            && self.category.is_none_or(|nth| CATEGORIES[nth] == category_of(stream))
            && self.prefix.is_none_or(|nth| stream.starts_with(PREFIXES[nth]))
            && self.kind.is_none_or(|kind| kind == event.kind)
    }
}
