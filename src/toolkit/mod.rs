//! From stored events to a working application: typed events, deciders, projections, subscriptions,
//! processors, tenants.
//!
//! All of it goes through a [`Port`], and stands on the public functions of [`Store`](crate::Store)
//! alone: whoever wants something else builds it on the same footing.

mod decide;
mod error;
mod held;
mod port;
mod project;
mod sleeper;
mod spans;
mod typed;

pub use decide::{Decider, Evolve};
pub use error::{Failure, ToolError};
pub use port::{
    Append, CountingIds, Events, Ids, Interceptor, Port, Publish, RandomIds, Received, Totals,
    TraceContext, Traced,
};
pub use project::{
    Checkpoint, Comparison, Fold, Following, Inline, OnError, Order, Output, Progress, Projected,
    Projection, Projector, Running, Sink,
};
pub use typed::{
    Codec, CodecError, Encoding, Envelope, EventType, EventTypes, Metadata, MetadataTags,
    TagResolver, Unknown,
};
