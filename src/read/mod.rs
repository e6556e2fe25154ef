//! Reading a view: cursors over everything or a stream, single events, names. A reader never blocks
//! a writer.

mod cursor;
mod names;
mod query;
mod range;
mod view;

pub use cursor::Cursor;
pub use names::Names;
pub use range::Read;
pub use view::{Reader, View};
