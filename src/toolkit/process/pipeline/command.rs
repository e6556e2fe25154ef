//! What is asked for.

use crate::toolkit::Envelope;

/// What is asked for: the command's name, which aggregate it is meant for, and what it says, as
/// JSON.
///
/// ```
/// use annals::Uuid;
/// use annals::toolkit::{Command, Envelope};
/// let request = Envelope::new().correlation_id(Uuid::new_v4());
/// let command = Command::new("place", "7", r#"{"total": 12}"#).envelope(request);
/// assert_eq!((command.name(), command.id()), ("place", "7"));
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Command {
    name: String,
    id: String,
    body: Vec<u8>,
    pub(super) envelope: Envelope,
}

impl Command {
    /// Asks for this of the aggregate with this id, whose stream is `{aggregate type}-{id}`. The
    /// body is JSON; whether it is what the command has to say is looked at when it is sent.
    pub fn new(name: impl Into<String>, id: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let envelope = Envelope::new();
        Self { name: name.into(), id: id.into(), body: body.into(), envelope }
    }

    /// What the events get that come of it: conversation, cause, metadata.
    #[must_use]
    pub fn envelope(mut self, envelope: Envelope) -> Self {
        self.envelope = envelope;
        self
    }

    /// What is asked for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Of which aggregate.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it says.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}
