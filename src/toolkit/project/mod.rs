//! Read models: made of events, one after another, with a checkpoint that goes with what was made.

mod documents;
mod fold;
mod following;
mod inline;
mod order;
mod output;
mod place;
mod policy;
mod projected;
mod projection;
mod projector;
mod sink;
mod target;

#[cfg(test)]
mod tests;

pub use fold::Fold;
pub use following::Following;
pub use inline::Inline;
pub use order::{Comparison, Order};
pub use output::Output;
pub use policy::Progress;
pub use projected::{Checkpoint, Projected};
pub use projection::Projection;
pub use projector::Projector;
pub use sink::Sink;
