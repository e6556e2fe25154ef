//! Handlers of events: in order for each aggregate, at the same time for several, exactly once.

mod delivery;
mod documents;
mod effects;
mod handler;
mod keys;
mod lanes;
mod parked;
mod pipeline;
mod processor;
mod queue;
mod reading;
mod settings;
mod shared;
mod status;

pub use delivery::Delivery;
pub use effects::Effects;
pub use handler::Handler;
pub use parked::Parked;
pub use pipeline::{
    At, Command, OnCommand, PartStatus, Pipeline, PipelineBuilder, PipelineStatus, SendError, Sent,
};
pub use processor::Processor;
pub use queue::{Queue, QueueOptions};
pub use status::Status;
