//! From stored events to a working application: typed events, deciders, projections, subscriptions,
//! processors, tenants.
//!
//! All of it goes through a [`Port`], and stands on the public functions of [`Store`](crate::Store)
//! alone: whoever wants something else builds it on the same footing.

mod decide;
mod error;
mod follow;
mod held;
mod names;
mod on_error;
mod port;
mod process;
mod project;
mod retry;
mod running;
mod shown;
mod sleeper;
mod snapshot;
mod spans;
mod testing;
mod typed;

pub use decide::{
    Boundary, Change, Decider, Done, Evolve, ExecuteError, Executed, Handle, Lifecycle, Loaded,
    Past, RebuildProgress, Rebuilt, Repository, SnapshotUse, SnapshotWrite, TypedEvents,
    UnitOfWork, UnitPhase, Which,
};
pub use error::{Failure, ToolError};
#[cfg(feature = "async")]
pub use follow::EventStream;
pub use follow::{Arriving, Follow, Lag, Subscription, SubscriptionHandle, subscribe};
pub use on_error::OnError;
pub use port::{
    Append, CountingIds, Events, Ids, Interceptor, Port, Publish, RandomIds, Received, Staged,
    Totals, TraceContext, Traced,
};
pub use process::{
    At, Command, Delivery, Effects, Handler, OnCommand, Parked, PartStatus, Pipeline,
    PipelineBuilder, PipelineStatus, Processor, Queue, QueueOptions, SendError, Sent, Status,
};
pub use project::{
    Checkpoint, Comparison, Fold, Following, Inline, Order, Output, Progress, Projected,
    Projection, Projector, Sink,
};
pub use retry::Retry;
pub use running::Running;
pub use snapshot::{AsOf, Found, Kept, Snapshot, SnapshotPolicy, Snapshots, Stale};
pub use testing::{Decided, FixedClock, Scenario};
pub use typed::{
    Codec, CodecError, Encoding, Envelope, EventType, EventTypes, Metadata, MetadataTags,
    TagResolver, Unknown,
};
