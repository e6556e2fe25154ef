//! What it looks like. Drawing changes nothing.

mod cells;
mod events;
mod foot;
mod frame;
mod help;
mod streams;

pub use frame::draw;
