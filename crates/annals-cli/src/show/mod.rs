//! What people and programs get to see.

mod escape;
mod near;
mod numbers;
mod out;
mod progress;
mod table;
mod times;

pub use escape::{cut, escaped, escaped_line, path_name};
pub use near::nearest;
pub use numbers::{bytes, count, per_second, thousands};
pub use out::{Colour, Harmless, Out, Style, said};
pub use progress::Progress;
pub use table::{Column, Table};
pub use times::{far_moment, moment, parse_moment, parse_when, short};
