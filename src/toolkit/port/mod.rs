//! The toolkit's only way to a store: under the names of a tenant, past interceptors.

mod events;
mod ids;
mod interceptor;
#[expect(clippy::module_inception, reason = "the part is called as its folder")]
mod port;
mod received;
mod scope;
mod staged;
mod totals;
mod trace;

#[cfg(test)]
mod tests;

pub use events::Events;
pub use ids::{CountingIds, Ids, RandomIds};
pub use interceptor::{Append, Interceptor, Publish};
pub use port::Port;
pub use received::Received;
pub use staged::Staged;
pub use totals::Totals;
pub use trace::{TraceContext, Traced};
