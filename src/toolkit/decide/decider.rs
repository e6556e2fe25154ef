//! What makes states of events, and events of commands.

use crate::toolkit::EventTypes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Makes a state of events. The same events make the same state, whenever: no clock, no randomness,
/// nothing from outside.
pub trait Evolve: Send + Sync + 'static {
    /// What is made.
    type State: Send + 'static;
    /// Of what.
    type Event: EventTypes + Serialize + DeserializeOwned + Send + 'static;

    /// The state before anything has happened.
    fn initial(&self) -> Self::State;

    /// What has happened changes the state.
    fn evolve(&self, state: &mut Self::State, event: &Self::Event);

    /// Whether a state is that of something that is no more.
    fn is_deleted(&self, _state: &Self::State) -> bool {
        false
    }
}

/// Decides what a command makes happen.
pub trait Decider: Evolve {
    /// What is asked for.
    type Command;
    /// Why it is refused.
    type Refusal: std::error::Error + Send + Sync + 'static;

    /// What happens if this is asked for in this state; nothing at all is an answer, too.
    ///
    /// # Errors
    /// It is refused.
    fn decide(
        &self,
        state: &Self::State,
        command: &Self::Command,
    ) -> Result<Vec<Self::Event>, Self::Refusal>;
}
