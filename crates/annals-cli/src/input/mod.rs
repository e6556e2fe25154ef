//! Lines that are read to become events: unpacked, cut into blocks, parsed by several threads, and
//! handed on in their order.

mod blocks;
mod ordered;
mod pack;
mod source;
mod stdin;

pub use blocks::Block;
pub use ordered::in_order;
pub use pack::{Packing, pack};
pub use source::Source;
pub use stdin::all_of_stdin;
