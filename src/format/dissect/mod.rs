//! Structures taken apart, field by field, as the tables of the layout have them.
//!
//! Any bytes are taken apart: what can't be is said, and nothing is believed.

mod entries;
mod fixed;
mod record;
mod say;
mod shape;

pub use entries::{entry_of_slot, values_of_page};
pub use fixed::{frame, header, holder, page, run, segment, slot, stub};
pub use record::record;
pub use shape::{Spot, piece};
