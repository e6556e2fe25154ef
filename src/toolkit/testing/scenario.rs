//! Given events, when a command, then events.

use crate::toolkit::{Decider, Evolve};
use std::fmt::{Debug, Write};

/// What has happened before a command, for tests of deciders: given these events, when this is
/// asked for, then that happens. It needs no store.
///
/// ```
/// use annals::event_types;
/// use annals::toolkit::{Decider, Evolve, Scenario};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// enum Door { Opened, Closed }
/// event_types! { Door { Opened => "DoorOpened" version 1, Closed => "DoorClosed" version 1 } }
///
/// #[derive(Debug)]
/// struct Missing;
/// # impl std::error::Error for Missing {}
/// # impl std::fmt::Display for Missing {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
/// #         f.write_str("there is no door")
/// #     }
/// # }
/// struct Doorman;
/// impl Evolve for Doorman {
///     type State = Option<bool>;
///     type Event = Door;
///     fn initial(&self) -> Option<bool> { None }
///     fn evolve(&self, open: &mut Option<bool>, event: &Door) {
///         *open = Some(*event == Door::Opened);
///     }
/// }
/// impl Decider for Doorman {
///     type Command = bool;
///     type Refusal = Missing;
///     fn decide(&self, open: &Option<bool>, wanted: &bool) -> Result<Vec<Door>, Missing> {
///         match open {
///             None => Err(Missing),
///             Some(open) if open == wanted => Ok(vec![]),
///             Some(_) => Ok(vec![if *wanted { Door::Opened } else { Door::Closed }]),
///         }
///     }
/// }
///
/// Scenario::of(Doorman).when(true).then_refused(|refusal| matches!(refusal, Missing));
/// Scenario::of(Doorman)
///     .given([Door::Closed])
///     .when(true)
///     .then([Door::Opened])
///     // What has happened is given now.
///     .when(true)
///     .then_nothing();
/// ```
///
/// It stops the test where something else happens, and says what was expected and what came:
///
/// ```should_panic
/// # use annals::event_types;
/// # use annals::toolkit::{Decider, Evolve, Scenario};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// # enum Door { Opened }
/// # event_types! { Door { Opened => "DoorOpened" version 1 } }
/// # struct Doorman;
/// # impl Evolve for Doorman {
/// #     type State = ();
/// #     type Event = Door;
/// #     fn initial(&self) {}
/// #     fn evolve(&self, _: &mut (), _: &Door) {}
/// # }
/// # impl Decider for Doorman {
/// #     type Command = bool;
/// #     type Refusal = std::fmt::Error;
/// #     fn decide(&self, _: &(), _: &bool) -> Result<Vec<Door>, std::fmt::Error> { Ok(vec![]) }
/// # }
/// Scenario::of(Doorman).when(true).then([Door::Opened]);
/// ```
pub struct Scenario<D: Evolve> {
    decider: D,
    given: Vec<D::Event>,
}

/// What was decided: to be compared with what is expected.
#[must_use = "what was decided is to be looked at by `then`"]
pub struct Decided<D: Decider> {
    scenario: Scenario<D>,
    decided: Result<Vec<D::Event>, D::Refusal>,
}

impl<D: Evolve> Scenario<D> {
    /// Of this decider, and nothing has happened.
    #[must_use = "nothing is looked at before `when` and `then`"]
    pub fn of(decider: D) -> Self {
        Self { decider, given: Vec::new() }
    }

    /// These events have happened, after those that were given before.
    #[must_use = "nothing is looked at before `when` and `then`"]
    pub fn given(mut self, events: impl IntoIterator<Item = D::Event>) -> Self {
        self.given.extend(events);
        self
    }

    /// The state that the given events make.
    pub fn state(&self) -> D::State {
        let mut state = self.decider.initial();
        self.given.iter().for_each(|event| self.decider.evolve(&mut state, event));
        state
    }
}

impl<D: Decider> Scenario<D> {
    /// This is asked for.
    pub fn when(self, command: D::Command) -> Decided<D> {
        let decided = self.decider.decide(&self.state(), &command);
        Decided { scenario: self, decided }
    }
}

impl<D: Decider> Decided<D>
where
    D::Event: Debug + PartialEq,
{
    /// Exactly these events happen, in this order. They are given in the scenario that comes of it.
    ///
    /// # Panics
    /// Anything else happens.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = D::Event>) -> Scenario<D> {
        let expected: Vec<_> = expected.into_iter().collect();
        match self.decided {
            Ok(events) if events == expected => self.scenario.given(events),
            other => self.scenario.differs(&listed(&expected), &told(&other)),
        }
    }

    /// Nothing happens, and that is no refusal.
    ///
    /// # Panics
    /// Anything happens, or it is refused.
    #[track_caller]
    pub fn then_nothing(self) -> Scenario<D> {
        self.then([])
    }

    /// It is refused, and for a reason of which this is true.
    ///
    /// # Panics
    /// It is not refused, or for another reason.
    #[track_caller]
    pub fn then_refused(self, expected: impl FnOnce(&D::Refusal) -> bool) -> Scenario<D> {
        match self.decided {
            Err(refusal) if expected(&refusal) => self.scenario,
            Err(refusal) => {
                let found = told::<D::Event, _>(&Err(refusal));
                self.scenario.differs("  a refusal for another reason", &found)
            }
            other => self.scenario.differs("  a refusal", &told(&other)),
        }
    }
}

impl<D: Decider> Scenario<D>
where
    D::Event: Debug,
{
    /// Stops the test.
    #[track_caller]
    #[expect(clippy::panic, reason = "a test that does not find what it expects has to stop")]
    fn differs(&self, expected: &str, found: &str) -> ! {
        panic!("given\n{}\nexpected\n{expected}\nfound\n{found}\n", listed(&self.given))
    }
}

/// What was decided, as text.
fn told<E: Debug, R: std::error::Error>(decided: &Result<Vec<E>, R>) -> String {
    match decided {
        Ok(events) => listed(events),
        Err(refusal) => format!("  a refusal: {refusal} ({refusal:?})"),
    }
}

/// Events, one on a line.
fn listed<E: Debug>(events: &[E]) -> String {
    if events.is_empty() {
        return "  no event".to_owned();
    }
    let mut text = String::new();
    for (nth, event) in events.iter().enumerate() {
        let end = if nth == 0 { "" } else { "\n" };
        // A string takes whatever is written.
        _ = write!(text, "{end}  {event:?}");
    }
    text
}
