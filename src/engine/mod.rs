//! The only place where log, index and slots meet: open, commit, sync, space, view, verify.

mod afresh;
mod bell;
mod close;
mod commit;
mod copy;
mod core;
mod dissect;
mod examine;
mod fixed;
mod flow;
mod follow;
mod free;
mod genesis;
mod guard;
mod heads;
mod heal;
mod health;
mod indexer;
pub mod inside;
mod keeper;
mod landed;
mod map;
mod near;
mod open;
mod place;
mod query;
mod recover;
mod report;
mod salvage;
mod settings;
mod slots;
mod space;
mod sync;
mod verify;
mod view;
mod write;
mod writer;

#[cfg(all(test, loom))]
pub(crate) mod races;
#[cfg(test)]
mod tests;

pub use self::core::{READ_AHEAD, READ_ONE};
pub use bell::Awaited;
pub use copy::CopyReport;
pub use dissect::dissect;
pub use genesis::genesis;
pub use health::{Health, IndexStats, Stats};
pub use keeper::Chore;
pub use map::{FileExtent, FileMap, FilePart};
pub use near::Near;
pub use query::Matches;
pub use report::{Ending, RecoveryReport};
pub use salvage::{BrokenCommit, KeptRange, LostRange, SalvageReport, TornTail, salvage};
pub use settings::{Clock, Settings, SystemClock};
pub use verify::{Issue, VerifyReport};
pub use view::View;
pub use writer::Engine;
