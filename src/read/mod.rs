//! Reading a view: cursors over everything, a stream or what a query means, single events,
//! documents, names, counts. A reader never blocks a writer.

mod counts;
mod cursor;
mod documents;
mod keys;
mod listing;
mod names;
mod range;
mod summary;
mod verify;
mod view;

pub use counts::Counts;
pub use cursor::Cursor;
pub use documents::Documents;
pub use keys::Keys;
pub use names::Names;
pub use range::Read;
pub use verify::StreamReport;
pub use view::{Reader, View};
