//! Commands, handlers and projections of the aggregates of one type, under one name.

mod builder;
mod carried;
mod command;
mod on_command;
mod projections;
mod running;
mod status;

pub(super) use projections::within;

pub use builder::PipelineBuilder;
pub use carried::{SendError, Sent};
pub use command::Command;
pub use on_command::{At, OnCommand};
pub use running::Pipeline;
pub use status::{PartStatus, PipelineStatus};
