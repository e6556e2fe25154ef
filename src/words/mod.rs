//! The terms of the field as types: nothing here does I/O or knows bytes on disk.

mod commit;
mod condition;
mod derived;
mod dissection;
mod document;
mod durability;
mod error;
mod event;
mod expected;
mod lent;
mod limits;
mod names;
mod number;
mod query;
mod recorded;
mod refusal;
mod summary;
mod time;

pub use commit::{Appended, Commit, IdCheck, Rewrite};
pub(crate) use commit::{Change, DocumentPart};
pub use condition::AppendCondition;
pub(crate) use derived::DerivedId;
pub use dissection::{Dissection, Field, Structure, StructureCheck};
pub use document::{Document, DocumentRef};
pub use durability::Durability;
pub use error::{Corruption, Error, ErrorKind};
pub use event::{EventKind, NewEvent};
pub use expected::ExpectedVersion;
pub use lent::{Event, Tags};
pub(crate) use lent::{Lender, Lent, Parts, Rest};
pub use limits::Limit;
pub(crate) use names::has_nul;
pub use names::{category_of, check_key, check_name};
pub use number::{LogOffset, Position, Revision, Version};
pub use query::{Query, QueryItem};
pub use recorded::RecordedEvent;
pub use refusal::{
    AppendError, ConditionFailed, Conflict, Difference, DocumentConflict, IdConflict, Invalid,
    LimitExceeded, Refusal,
};
pub use summary::{Counted, Moment, Summary};
pub use time::Timestamp;
