//! Reading a view: cursors over everything, a stream or what a query means, single events,
//! documents, names. A reader never blocks a writer.

mod cursor;
mod documents;
mod keys;
mod names;
mod range;
mod view;

pub use cursor::Cursor;
pub use documents::Documents;
pub use keys::Keys;
pub use names::Names;
pub use range::Read;
pub use view::{Reader, View};
