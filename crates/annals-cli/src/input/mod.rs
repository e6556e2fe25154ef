//! Lines that are read to become events: unpacked, cut into blocks, parsed by several threads, and
//! handed on in their order.

mod blocks;
mod ordered;
mod pack;
mod source;

pub use blocks::Block;
pub use ordered::in_order;
pub use pack::{Packing, pack};
pub use source::Source;
