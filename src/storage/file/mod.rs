//! A device that is a file.

mod create;
mod lock;
mod open;

pub use create::NewFile;
pub(super) use create::fill_with_zeros;
pub use open::{Access, FileStorage};
