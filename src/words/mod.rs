//! The terms of the field as types: nothing here does I/O or knows bytes on disk.

mod commit;
mod durability;
mod error;
mod event;
mod limits;
mod names;
mod number;
mod query;
mod recorded;
mod time;

pub use commit::{Appended, Commit, ExpectedVersion, StreamAppend};
pub use durability::Durability;
pub use error::{
    AppendError, Conflict, Corruption, Error, ErrorKind, Invalid, LimitExceeded, Refusal,
};
pub use event::{EventKind, NewEvent};
pub use limits::Limit;
pub use names::{category_of, check_name};
pub use number::{LogOffset, Position, Version};
pub use query::{Query, QueryItem};
#[cfg(test)]
pub(crate) use recorded::derived_id;
pub use recorded::{Event, RecordedEvent, Tags};
pub(crate) use recorded::{IdOf, Name, NameSource};
pub use time::Timestamp;
