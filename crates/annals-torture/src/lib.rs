#![cfg(target_os = "linux")]
#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a proof that is run by a command"
)]

//! Annals on the real kernel: what [`annals_sim`] simulates, as far as a machine can be brought to
//! do it.
//!
//! - [`kill`]: SIGKILL at any moment. [`syscalls`]: at each system call of a plan. [`faults`]: each
//!   system call that has to do with a file fails, by EIO, ENOSPC, EDQUOT, EROFS, EINTR or by being
//!   short, once and from then on. Everything acknowledged is there afterwards.
//! - [`powercut`]: the file system, ext4 or XFS on a loop device, is shut down by its ioctl.
//!   [`eio`]: write-back fails, since the memory under the disk is full, and the next sync says
//!   that all is well. Everything acknowledged as durable is there afterwards.
//! - [`soak`]: the writer and its four readers are killed at random, while copies are made.
//!   Everything acknowledged is there, and everything that any reader has seen.
//!
//! A writer is a process of its own, several threads of which commit (`writer`), and says before
//! and after each commit what it does (`said`). What a commit writes follows from the store's seed,
//! the thread and a number (`plan`), so a store can be held to the plan with nothing else at hand
//! (`walk`, `check`). The ledger knows what was said, and holds the store to that too: nothing
//! acknowledged is missing, nothing refused is there, nothing that was lost comes back.
//!
//! A file system that is shut down stands for a machine without power: what its device had then is
//! there. It is not a device that tears sectors or forgets what it has acknowledged: those are
//! simulated.

mod base;
mod check;
mod disk;
mod eio;
mod faults;
mod kill;
mod ledger;
mod outcome;
mod plan;
mod powercut;
mod process;
mod reader;
mod said;
mod soak;
mod syscalls;
mod trace;
mod walk;
mod writer;

pub use check::check_file;
pub use disk::FileSystem;
pub use eio::eio;
pub use faults::{Way, Where, faults};
pub use kill::kill;
pub use outcome::{Keep, Outcome};
pub use powercut::powercut;
pub use process::Program;
pub use reader::{Reading, read};
pub use soak::soak;
pub use syscalls::syscalls;
pub use writer::{Part, write};
