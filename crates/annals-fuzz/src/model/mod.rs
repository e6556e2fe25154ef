//! Plans of commits, readings and reopenings, carried out on a store and on a list of events that
//! does the same in the plainest way.
#![allow(missing_docs, clippy::unwrap_used, reason = "they are named as the store names them")]

mod arbitrary;
mod ask;
mod plain;
mod plan;
mod run;

pub use ask::{Ask, CATEGORIES, Item, PREFIXES};
pub use plan::{
    Change, Condition, Difference, Expected, KEYS, KeyRange, Leaving, Made, MadeEvent, Part, Range,
    STREAMS, Step, TAGS, TYPES, What,
};
pub use run::{Home, InMemory, run};
