//! What becomes of commands of one name.

use super::{Command, SendError, Sent};
use crate::toolkit::{Decider, Events, ExecuteError, Failure, Port, Repository, Retry, ToolError};
use crate::{ExpectedVersion, NewEvent, Read, Version, category_of};
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::thread;

/// What becomes of commands of one name: what type their JSON is read into, what has to hold for
/// what they say, and what then happens.
///
/// ```
/// use annals::NewEvent;
/// use annals::toolkit::OnCommand;
/// use serde::Deserialize;
/// #[derive(Deserialize)]
/// struct Place {
///     total: u64,
/// }
/// let place = OnCommand::new("place", |place: &Place, order| match order.version().get() {
///     0 => Ok(vec![NewEvent::new("OrderPlaced", place.total.to_string())]),
///     _ => Err("it was placed before".into()),
/// });
/// let place = place.check(|place| match place.total {
///     0 => Err("an order of nothing".into()),
///     _ => Ok(()),
/// });
/// # drop(place);
/// ```
pub struct OnCommand<C> {
    name: String,
    /// The category of those whose repository decides.
    category: Option<String>,
    check: Option<Box<Check<C>>>,
    act: Box<Act<C>>,
}

type Check<C> = dyn Fn(&C) -> Result<(), Failure> + Send + Sync;
type Act<C> = dyn Fn(&C, &Call<'_>) -> Result<Sent, SendError> + Send + Sync;

/// A command that is carried out, whatever its type.
pub(super) type Carry = Arc<dyn Fn(&Call<'_>) -> Result<Sent, SendError> + Send + Sync>;

/// A command that was sent, and where to.
pub(super) struct Call<'a> {
    pub(super) port: &'a Port,
    pub(super) category: &'a str,
    pub(super) retry: &'a Retry,
    pub(super) command: &'a Command,
}

/// The aggregate that a command is meant for, as it is now.
pub struct At<'a> {
    port: &'a Port,
    id: &'a str,
    stream: &'a str,
    version: Version,
}

impl<C: DeserializeOwned + 'static> OnCommand<C> {
    /// The function says what happens if this is asked for. Its events are appended to the
    /// aggregate's stream at the version at which it was seen; if somebody was faster, it is asked
    /// again. No event at all is an answer, too; an error refuses the command.
    pub fn new(
        name: impl Into<String>,
        decide: impl Fn(&C, &At<'_>) -> Result<Vec<NewEvent>, Failure> + Send + Sync + 'static,
    ) -> Self {
        let act = move |asked: &C, call: &Call<'_>| {
            let stream = call.stream();
            call.attempts(|attempts| {
                let version = call.port.stream_version(&stream)?;
                let id = call.command.id();
                let at = At { port: call.port, id, stream: &stream, version };
                let events = decide(asked, &at).map_err(|failure| call.refused(failure))?;
                let landed = call.append(&stream, version, events)?;
                let version = landed.as_ref().map_or(version, crate::Appended::version);
                Ok(Sent { stream: stream.clone(), version, appended: landed, attempts })
            })
        };
        Self { name: name.into(), category: None, check: None, act: Box::new(act) }
    }

    /// The repository's decider says what happens if this is asked for, as the command that `make`
    /// makes of it. The repository has to be that of the pipeline's aggregate type.
    ///
    /// ```
    /// use annals::toolkit::{Codec, Decider, Evolve, OnCommand, Port, Repository};
    /// use annals::{Store, event_types};
    /// use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)]
    /// # enum Moved { By(i64) }
    /// # event_types! { Moved { By => "MovedBy" version 1 } }
    /// # struct Purse;
    /// # impl Evolve for Purse {
    /// #     type State = i64;
    /// #     type Event = Moved;
    /// #     fn initial(&self) -> i64 { 0 }
    /// #     fn evolve(&self, cents: &mut i64, Moved::By(by): &Moved) { *cents += by }
    /// # }
    /// # impl Decider for Purse {
    /// #     type Command = i64;
    /// #     type Refusal = std::fmt::Error;
    /// #     fn decide(&self, cents: &i64, by: &i64) -> Result<Vec<Moved>, std::fmt::Error> {
    /// #         if cents + by < 0 { Err(std::fmt::Error) } else { Ok(vec![Moved::By(*by)]) }
    /// #     }
    /// # }
    /// #[derive(Deserialize)]
    /// struct Pay {
    ///     cents: i64,
    /// }
    /// let port = Port::new(&Store::in_memory()?);
    /// let purses = Repository::new(&port, "purse", Purse, Codec::json())?;
    /// let pay = OnCommand::decided("pay", &purses, |pay: &Pay| -pay.cents);
    /// # drop(pay);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decided<D: Decider>(
        name: impl Into<String>,
        repository: &Repository<D>,
        make: impl Fn(&C) -> D::Command + Send + Sync + 'static,
    ) -> Self {
        let category = category_of(repository.boundary("").name()).to_owned();
        let repository = repository.clone();
        let act = move |asked: &C, call: &Call<'_>| {
            let (id, stream) = (call.command.id(), call.stream());
            let done = repository.execute_with(id, &make(asked), &call.command.envelope);
            let done = done.map_err(|error| match error {
                ExecuteError::Refused(refusal) => call.refused(refusal.into()),
                ExecuteError::Conflicts { attempts, last } => {
                    SendError::Conflicts { attempts, error: last }
                }
                ExecuteError::OutcomeUnknown { error, .. } | ExecuteError::Tool(error) => {
                    SendError::Tool(error)
                }
            })?;
            let (version, attempts) = (done.version, done.attempts);
            Ok(Sent { stream, version, appended: done.appended, attempts })
        };
        Self { name: name.into(), category: Some(category), check: None, act: Box::new(act) }
    }

    /// What has to hold for what is asked, whatever the aggregate; before anything is read.
    #[must_use]
    pub fn check(
        mut self,
        check: impl Fn(&C) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.check = Some(Box::new(check));
        self
    }

    /// The name, the category that it is for, and what carries a command out.
    pub(super) fn into_parts(self) -> (String, Option<String>, Carry) {
        let Self { name, category, check, act } = self;
        let carry = move |call: &Call<'_>| {
            let command = || call.command.name().to_owned();
            let malformed = |what: String| SendError::Malformed { command: command(), what };
            if call.command.id().is_empty() {
                return Err(malformed(
                    "it does not say of which aggregate: its id is empty".into(),
                ));
            }
            let asked: C = serde_json::from_slice(call.command.body())
                .map_err(|error| malformed(error.to_string()))?;
            if let Some(check) = &check {
                let invalid = |failure| SendError::Invalid { command: command(), failure };
                check(&asked).map_err(invalid)?;
            }
            act(&asked, call)
        };
        (name, category, Arc::new(carry))
    }
}

impl Call<'_> {
    fn stream(&self) -> String {
        format!("{}-{}", self.category, self.command.id())
    }

    fn refused(&self, failure: Failure) -> SendError {
        SendError::Refused { command: self.command.name().to_owned(), failure }
    }

    fn append(
        &self,
        stream: &str,
        version: Version,
        events: Vec<NewEvent>,
    ) -> Result<Option<crate::Appended>, SendError> {
        if events.is_empty() {
            return Ok(None);
        }
        let envelope = &self.command.envelope;
        let events = events.into_iter().map(|event| {
            let event = envelope.around(event);
            if event.get_id().is_some() { event } else { event.id(self.port.next_id()) }
        });
        Ok(Some(self.port.append(stream, ExpectedVersion::Exact(version), events)?))
    }

    /// Makes attempts until one does not end in a conflict, or there were enough.
    fn attempts(
        &self,
        mut attempt: impl FnMut(u32) -> Result<Sent, SendError>,
    ) -> Result<Sent, SendError> {
        let mut attempts = 1;
        loop {
            let error = match attempt(attempts) {
                Err(SendError::Tool(error)) if error.is_conflict() => error,
                done => return done,
            };
            let Some(pause) = self.retry.pause(attempts) else {
                return Err(SendError::Conflicts { attempts, error });
            };
            thread::sleep(pause);
            attempts += 1;
        }
    }
}

impl At<'_> {
    /// The aggregate's id.
    pub fn id(&self) -> &str {
        self.id
    }

    /// Its stream.
    pub fn stream(&self) -> &str {
        self.stream
    }

    /// Its version; 0 if nothing of it has happened yet.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Its events up to that version.
    ///
    /// # Errors
    /// The store's.
    pub fn events(&self) -> Result<Events, ToolError> {
        self.port.read_stream(self.stream, Read::new().to(self.version))
    }
}

impl<C> fmt::Debug for OnCommand<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnCommand").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("At")
            .field("stream", &self.stream)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
