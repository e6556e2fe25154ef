//! What a store is to those who use it one after the other: a list of events and the last change of
//! each document. Each operation has exactly one right answer.

use annals::Durability;
use todc_utils::specifications::Specification;

pub const STREAMS: [&str; 2] = ["a-1", "b-1"];
pub const TAGS: [&str; 2] = ["red", "blue"];
pub const KEYS: [&str; 2] = ["x", "y"];

/// What somebody asks of the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ask {
    Commit(Made),
    /// The version of a stream.
    Version(usize),
    /// The events of a stream.
    Stream(usize),
    /// The events after a position that have a tag, and the marker behind them.
    Tagged(usize, u64),
    Document(usize),
    Head,
    /// All that there is, by one view.
    Whole,
}

/// A commit: at most one event a stream.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Made {
    /// Streams, what is expected of them, and whether an event is appended to them.
    pub parts: Vec<(usize, Expected, bool)>,
    /// The tag of its events.
    pub tag: usize,
    /// What its events and documents say.
    pub text: u64,
    /// Whether its only event has an id, which its text gives.
    pub has_id: bool,
    /// Keys, the revision expected there, and whether a value is put, or what is there deleted.
    pub changes: Vec<(usize, u64, bool)>,
    /// The tags that no event after these positions may have.
    pub conditions: Vec<(usize, u64)>,
    /// No answer depends on it.
    pub durability: Durability,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    Any,
    Exists,
    At(u64),
}

/// What the store says to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Landed {
        first: u64,
        last: u64,
        versions: Vec<(usize, u64)>,
        revisions: Vec<(usize, u64)>,
        replayed: bool,
    },
    Conflict {
        stream: usize,
        current: u64,
    },
    DocumentConflict {
        key: usize,
        current: u64,
    },
    /// By number, and the position that made it fail.
    ConditionFailed(usize, u64),
    /// A version or a head.
    Number(u64),
    Events(Vec<Event>, u64),
    Document(Option<Document>),
    Whole {
        events: Vec<Event>,
        versions: Vec<u64>,
        documents: Vec<Option<Document>>,
    },
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Event {
    pub position: u64,
    pub stream: usize,
    pub version: u64,
    pub tag: usize,
    pub text: u64,
}

/// A document that is there.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Document {
    pub revision: u64,
    pub head: u64,
    pub text: u64,
}

/// The state of a store.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Plain {
    events: Vec<Event>,
    /// How often each document was changed.
    changed: [u64; KEYS.len()],
    documents: [Option<Document>; KEYS.len()],
}

impl Plain {
    /// Does what is asked, and answers.
    pub fn does(&mut self, ask: &Ask) -> Answer {
        let events = |means: &dyn Fn(&&Event) -> bool| -> Vec<Event> {
            self.events.iter().filter(means).cloned().collect()
        };
        match ask {
            Ask::Commit(made) => self.commits(made),
            Ask::Version(stream) => Answer::Number(self.version(*stream)),
            Ask::Stream(stream) => {
                Answer::Events(events(&|event| event.stream == *stream), self.head())
            }
            Ask::Tagged(tag, after) => {
                let found = events(&|event| event.tag == *tag && event.position > *after);
                Answer::Events(found, self.head().max(*after))
            }
            Ask::Document(key) => Answer::Document(self.documents[*key].clone()),
            Ask::Head => Answer::Number(self.head()),
            Ask::Whole => Answer::Whole {
                events: self.events.clone(),
                versions: (0..STREAMS.len()).map(|stream| self.version(stream)).collect(),
                documents: self.documents.to_vec(),
            },
        }
    }

    fn head(&self) -> u64 {
        self.events.len() as u64
    }

    fn version(&self, stream: usize) -> u64 {
        self.events.iter().filter(|event| event.stream == stream).count() as u64
    }

    fn commits(&mut self, made: &Made) -> Answer {
        if let Some(there) = self.events.iter().find(|it| made.has_id && it.text == made.text) {
            let (first, last) = (there.position, there.position);
            let versions = vec![(there.stream, there.version)];
            return Answer::Landed { first, last, versions, revisions: vec![], replayed: true };
        }
        for &(stream, expected, _) in &made.parts {
            let current = self.version(stream);
            let fits = match expected {
                Expected::Any => true,
                Expected::Exists => current > 0,
                Expected::At(version) => current == version,
            };
            if !fits {
                return Answer::Conflict { stream, current };
            }
        }
        for &(key, expected, _) in &made.changes {
            let current = self.documents[key].as_ref().map_or(0, |document| document.revision);
            if current != expected {
                return Answer::DocumentConflict { key, current };
            }
        }
        for (nth, &(tag, after)) in made.conditions.iter().enumerate() {
            if let Some(met) = self.events.iter().find(|it| it.tag == tag && it.position > after) {
                return Answer::ConditionFailed(nth, met.position);
            }
        }
        self.lands(made)
    }

    fn lands(&mut self, made: &Made) -> Answer {
        let first = self.head() + 1;
        let mut versions = Vec::new();
        for &(stream, _, _) in made.parts.iter().filter(|(_, _, appends)| *appends) {
            let (position, version) = (self.head() + 1, self.version(stream) + 1);
            let (tag, text) = (made.tag, made.text);
            self.events.push(Event { position, stream, version, tag, text });
            versions.push((stream, version));
        }
        let mut revisions = Vec::new();
        for &(key, _, puts) in &made.changes {
            self.changed[key] += 1;
            let (revision, head, text) = (self.changed[key], self.head(), made.text);
            self.documents[key] = puts.then_some(Document { revision, head, text });
            revisions.push((key, revision));
        }
        Answer::Landed { first, last: self.head(), versions, revisions, replayed: false }
    }
}

impl Specification for Plain {
    type State = Self;
    type Operation = (Ask, Answer);

    fn init() -> Self {
        Self::default()
    }

    fn apply((ask, answer): &(Ask, Answer), state: &Self) -> (bool, Self) {
        let mut after = state.clone();
        let right = after.does(ask) == *answer;
        (right, if right { after } else { state.clone() })
    }
}
