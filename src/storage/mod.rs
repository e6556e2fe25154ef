//! A device of bytes: what Annals asks of a file, of memory, or of a device of yours.
//!
//! The one place with `unsafe` (maps and system calls, in `sys`) and the one place that uses
//! `std::fs`.

mod device;
mod file;
mod memory;
#[cfg(all(test, loom))]
pub(crate) mod modelled;
mod sys;
mod transfer;

pub use device::Storage;
pub(crate) use file::NewFile;
pub use file::{Access, FileStorage};
pub use memory::MemoryStorage;
pub use sys::{Map, process_name};
pub use transfer::{read_full, sync_full, write_full};
pub(crate) use transfer::{read_through, write_zeros};
