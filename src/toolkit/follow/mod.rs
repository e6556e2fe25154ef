//! Subscriptions: what has happened, then what happens, event by event, none twice and none missed.

mod handle;
mod start;
mod steps;
#[cfg(feature = "async")]
mod stream;
mod subscribe;
mod subscription;

#[cfg(test)]
mod tests;

pub use handle::SubscriptionHandle;
pub use start::{Follow, Lag};
#[cfg(feature = "async")]
pub use stream::EventStream;
pub use subscribe::subscribe;
pub use subscription::{Arriving, Subscription};
