//! Aggregates that stand still, and why.

use super::documents::{OwnCheckpoint, load_all, parse, position};
use super::keys::{Keys, Of};
use crate::toolkit::held::Held;
use crate::toolkit::{Port, ToolError};
use crate::{Commit, Position, Timestamp};
use serde_json::{Value, json};

/// An aggregate that is parked: an event of it could not be handled, and it waits for somebody to
/// say what is to become of it. The others go on.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Parked {
    /// Which.
    pub aggregate: String,
    /// The event that could not be handled.
    pub position: Position,
    /// What the last attempt failed with.
    pub why: String,
    /// How many attempts there were.
    pub attempts: u32,
    /// When it was parked, by the port's clock.
    pub since: Timestamp,
}

/// What held the processors' part of [`Held`] is called.
pub(super) const PROCESSOR: &str = "processor";

impl Parked {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let value = json!({
            "aggregate": self.aggregate,
            "position": self.position.get(),
            "why": self.why,
            "attempts": self.attempts,
            "since": self.since.micros(),
        });
        value.to_string().into_bytes()
    }

    pub(super) fn read(value: &Value) -> Option<Self> {
        Some(Self {
            aggregate: value.get("aggregate")?.as_str()?.to_owned(),
            position: position(value.get("position")?)?,
            why: value.get("why")?.as_str()?.to_owned(),
            attempts: u32::try_from(value.get("attempts")?.as_u64()?).ok()?,
            since: Timestamp::from_micros(value.get("since")?.as_i64()?),
        })
    }

    /// Those of the processor that is called so, in the order of their names; whether it runs or
    /// not.
    ///
    /// # Errors
    /// The store's.
    pub fn of(port: &Port, processor: &str) -> Result<Vec<Self>, ToolError> {
        load_all(port, &Keys::new(processor, port.store_id()), Of::Parked, Self::read)
    }
}

/// Says what is to become of what is parked, of a processor that does not run.
pub(super) fn by_hand(
    port: &Port,
    processor: &str,
    aggregate: &str,
    skip: bool,
) -> Result<(), ToolError> {
    let _held = Held::take(port, PROCESSOR, processor)?;
    let keys = Keys::new(processor, port.store_id());
    let key = keys.key(Of::Parked, aggregate);
    let Some(found) = port.document(&key)? else { return Err(not_parked(processor, aggregate)) };
    let parked = parse(&key, &found.value, Parked::read)?;
    let mut commit = Commit::new().delete_over(key, found.revision);
    if skip {
        let own = OwnCheckpoint { aggregate: parked.aggregate, at: parked.position };
        commit = commit.put(keys.key(Of::At, aggregate), own.to_bytes());
    }
    port.commit(commit)?;
    Ok(())
}

/// The error of who says what is to become of something that is not parked.
pub(super) fn not_parked(processor: &str, aggregate: &str) -> ToolError {
    let aggregate = aggregate.escape_debug();
    ToolError::setup(format!("'{aggregate}' is not parked by the processor '{processor}'"))
}
