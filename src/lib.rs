//! Annals: an embedded event store in one file.
//!
//! Link it, open `orders.annals`, append events under optimistic concurrency, replay and follow
//! them. What was acknowledged is never lost. No server, no side files.
//!
//! ```
//! use annals::{ExpectedVersion, NewEvent, Read, Store};
//!
//! let store = Store::in_memory()?; // or Store::open("orders.annals")
//! let placed = NewEvent::new("OrderPlaced", r#"{"total": 12}"#).tag("customer:7");
//! store.append("order-1", ExpectedVersion::NoStream, [placed])?;
//! let paid = store.append("order-1", 1, [NewEvent::new("OrderPaid", "{}")])?;
//! assert_eq!(paid.version().get(), 2);
//!
//! let mut cursor = store.read_stream("order-1", Read::new())?;
//! while let Some(event) = cursor.next_event()? {
//!     println!("{} {} {}", event.position, event.stream()?, event.event_type()?);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// The floors of the house, from the ground up: each uses only what stands above it here
// (tests/it/tidy.rs).
mod threads;
mod words;

mod format;
pub mod storage;

mod index;
mod log;

mod engine;

mod read;

mod wake;

mod store;

#[cfg(feature = "toolkit")]
pub mod toolkit;

pub use engine::{
    BrokenCommit, Chore, Clock, CopyReport, Ending, FileExtent, FileMap, FilePart, Health,
    IndexStats, Issue, KeptRange, LostRange, RecoveryReport, SalvageReport, Stats, SystemClock,
    TornTail, VerifyReport,
};
pub use read::{Counts, Cursor, Documents, Keys, Names, Read, Reader, StreamReport, View};
pub use store::{Options, Staged, Store};
pub use words::{
    AppendCondition, AppendError, Appended, Commit, ConditionFailed, Conflict, Corruption, Counted,
    Difference, Dissection, Document, DocumentConflict, DocumentRef, Durability, Error, ErrorKind,
    Event, EventKind, ExpectedVersion, Field, IdCheck, IdConflict, Invalid, Limit, LimitExceeded,
    LogOffset, Moment, NewEvent, Position, Query, QueryItem, RecordedEvent, Revision, Rewrite,
    Structure, StructureCheck, Summary, Tags, Timestamp, Version, category_of,
};

/// Ids of events and stores.
pub use uuid::Uuid;

/// For the simulator: parts of the recovery rule that can be switched off.
#[doc(hidden)]
pub use log::Rules;

/// For the fuzzers: structures of the file read from any bytes, written, and read again. For the
/// benches: the steps of a commit and the check of a record, each by itself.
#[doc(hidden)]
pub mod inside {
    pub use crate::engine::inside::Steps;
    pub use crate::format::inside::{Part, Reread, Sealed, header, record, run_page, segment};
    pub use crate::format::inside::{slot, stub};
    pub use crate::log::inside::frame;
}

/// The programs in README do what they say.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
