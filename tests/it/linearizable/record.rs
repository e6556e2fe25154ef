//! Threads that ask one store whatever comes to their mind, and a record of when each asked what,
//! and when which answer was there.

use super::plain::{Answer, Ask, Document, Event, Expected, KEYS, Made, Plain, STREAMS, TAGS};
use annals::{AppendError, Commit, Cursor, Durability, NewEvent, Query, QueryItem, Read, Store};
use annals::{ExpectedVersion, Uuid, Version};
use annals_sim::Random;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History};

/// Threads at once.
pub const THREADS: usize = 5;
/// Operations of each.
const STEPS: usize = 8;

/// One operation: the clock when it was called and when it had returned.
#[derive(Clone, Debug)]
pub struct Step {
    pub who: usize,
    pub called: usize,
    pub returned: usize,
    pub ask: Ask,
    pub answer: Answer,
}

/// Whether there is an order of these steps, each somewhere between its call and its return, in
/// which every answer is the right one.
pub fn is_linearizable(steps: &[Step]) -> bool {
    let mut actions = Vec::new();
    for step in steps {
        let operation = (step.ask.clone(), step.answer.clone());
        actions.push((step.called, (step.who, Action::Call(operation.clone()))));
        actions.push((step.returned, (step.who, Action::Response(operation))));
    }
    actions.sort_by_key(|(time, _)| *time);
    let actions = actions.into_iter().map(|(_, action)| action);
    WGLChecker::<Plain>::is_linearizable(History::from_actions(actions.collect()))
}

/// A store that is asked, and the clock by which it is recorded.
pub struct Scene {
    clock: AtomicUsize,
    pub steps: Vec<Step>,
}

impl Scene {
    pub fn new() -> Self {
        Self { clock: AtomicUsize::new(0), steps: Vec::new() }
    }

    /// Threads ask at the same time.
    pub fn many(&mut self, store: &Store, seed: u64) {
        let (clock, barrier) = (&self.clock, &Barrier::new(THREADS));
        let steps = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|who| {
                    scope.spawn(move || {
                        let mut mind = Mind::new(who, seed);
                        barrier.wait();
                        (0..STEPS).map(|_| mind.step(store, clock)).collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        self.steps.extend(steps);
    }

    /// Somebody asks alone.
    pub fn one(&mut self, store: &Store, ask: Ask) {
        self.steps.push(record(store, &self.clock, THREADS, ask));
    }
}

fn record(store: &Store, clock: &AtomicUsize, who: usize, ask: Ask) -> Step {
    let called = clock.fetch_add(1, Ordering::SeqCst);
    let answer = answer(store, &ask);
    let returned = clock.fetch_add(1, Ordering::SeqCst);
    Step { who, called, returned, ask, answer }
}

/// What one thread knows by what it was told, and what it comes to its mind to ask.
struct Mind {
    who: usize,
    random: Random,
    text: u64,
    versions: [u64; STREAMS.len()],
    markers: [u64; TAGS.len()],
    revisions: [u64; KEYS.len()],
}

/// Texts from here on are those of commits with ids, which all threads make.
pub const COMMON: u64 = 1_000;

impl Mind {
    fn new(who: usize, seed: u64) -> Self {
        let random = Random::new(seed * 64 + who as u64);
        let text = who as u64 * 100;
        Self { who, random, text, versions: [0; 2], markers: [0; 2], revisions: [0; 2] }
    }

    fn step(&mut self, store: &Store, clock: &AtomicUsize) -> Step {
        let ask = self.ask();
        let step = record(store, clock, self.who, ask);
        self.learn(&step);
        step
    }

    fn ask(&mut self) -> Ask {
        let nth = self.random.below(2);
        match self.random.below(16) {
            0 => Ask::Version(nth),
            1 => Ask::Stream(nth),
            2 | 3 => Ask::Tagged(nth, if self.random.one_in(2) { 0 } else { self.markers[nth] }),
            4 => Ask::Document(nth),
            5 => Ask::Head,
            6 => Ask::Whole,
            7 | 8 => Ask::Commit(self.common()),
            _ => Ask::Commit(self.own()),
        }
    }

    /// A commit that any thread may make: it lands once.
    fn common(&mut self) -> Made {
        let nth = self.random.below(3);
        let (text, stream, tag) = (COMMON + nth as u64, nth % 2, nth / 2);
        let expected = match self.random.below(2) {
            0 => Expected::Any,
            _ => Expected::At(self.versions[stream]),
        };
        let parts = vec![(stream, expected, true)];
        Made { parts, tag, text, has_id: true, durability: self.durability(), ..Made::default() }
    }

    fn own(&mut self) -> Made {
        self.text += 1;
        let durability = self.durability();
        let tag = self.random.below(2);
        let mut made = Made { text: self.text, tag, durability, ..Made::default() };
        let first = self.random.below(2);
        for key in [first, 1 - first] {
            if self.random.one_in(4) {
                made.changes.push((key, self.revisions[key], !self.random.one_in(3)));
            }
        }
        let first = self.random.below(2);
        for (nth, stream) in [first, 1 - first].into_iter().enumerate() {
            if nth == 1 && !self.random.one_in(3) {
                break;
            }
            let expected = match self.random.below(5) {
                0 | 1 => Expected::Any,
                2 => Expected::Exists,
                _ => Expected::At(self.versions[stream]),
            };
            let needed = nth == 0 && made.changes.is_empty();
            made.parts.push((stream, expected, needed || !self.random.one_in(3)));
        }
        for tag in 0..TAGS.len() {
            if self.random.one_in(3) {
                made.conditions.push((tag, self.markers[tag]));
            }
        }
        made
    }

    fn durability(&mut self) -> Durability {
        match self.random.below(8) {
            0..4 => Durability::Buffered,
            4..7 => Durability::Synced,
            _ => Durability::Strict,
        }
    }

    fn learn(&mut self, step: &Step) {
        match (&step.ask, &step.answer) {
            (Ask::Commit(made), Answer::Landed { last, versions, revisions, replayed, .. }) => {
                versions.iter().for_each(|(stream, version)| self.versions[*stream] = *version);
                for ((key, revision), (_, _, puts)) in revisions.iter().zip(&made.changes) {
                    self.revisions[*key] = if *puts { *revision } else { 0 };
                }
                if !made.conditions.is_empty() && !replayed {
                    self.markers[made.tag] = *last;
                }
            }
            (_, Answer::Conflict { stream, current }) => self.versions[*stream] = *current,
            (_, Answer::DocumentConflict { key, current }) => self.revisions[*key] = *current,
            (Ask::Commit(made), Answer::ConditionFailed(nth, position)) => {
                self.markers[made.conditions[*nth].0] = *position;
            }
            (Ask::Version(stream), Answer::Number(version)) => self.versions[*stream] = *version,
            (Ask::Tagged(tag, _), Answer::Events(_, marker)) => self.markers[*tag] = *marker,
            (Ask::Document(key), Answer::Document(found)) => {
                self.revisions[*key] = found.as_ref().map_or(0, |document| document.revision);
            }
            _ => {}
        }
    }
}

/// What the store says.
fn answer(store: &Store, ask: &Ask) -> Answer {
    match ask {
        Ask::Commit(made) => committed(store.commit(commit(made))),
        Ask::Version(stream) => {
            Answer::Number(store.stream_version(STREAMS[*stream]).unwrap().get())
        }
        Ask::Stream(stream) => events(store.read_stream(STREAMS[*stream], Read::new()).unwrap()),
        Ask::Tagged(tag, after) => {
            events(store.query(&tagged(*tag), Read::new().after(*after)).unwrap())
        }
        Ask::Document(key) => Answer::Document(store.document(KEYS[*key]).unwrap().map(document)),
        Ask::Head => Answer::Number(store.head().unwrap().get()),
        Ask::Whole => {
            let view = store.view().unwrap();
            let (events, _) = view.all(Read::new()).events_and_marker().unwrap();
            let versions = STREAMS.map(|name| view.stream_version(name).unwrap().get()).to_vec();
            // Others have time to change them.
            std::thread::yield_now();
            let documents = KEYS.map(|key| view.document(key).unwrap().map(document)).to_vec();
            Answer::Whole { events: events.iter().map(event).collect(), versions, documents }
        }
    }
}

fn commit(made: &Made) -> Commit {
    let mut commit = Commit::new().durability(made.durability);
    for &(stream, expected, appends) in &made.parts {
        let expected = match expected {
            Expected::Any => ExpectedVersion::Any,
            Expected::Exists => ExpectedVersion::StreamExists,
            Expected::At(version) => Version::new(version).into(),
        };
        let event = NewEvent::new("Noted", made.text.to_string()).tag(TAGS[made.tag]);
        let event = match made.has_id {
            true => event.id(Uuid::from_u128(made.text.into())),
            false => event,
        };
        commit = commit.append(STREAMS[stream], expected, appends.then_some(event));
    }
    for &(key, expected, puts) in &made.changes {
        commit = match puts {
            true => commit.put_over(KEYS[key], expected, made.text.to_string()),
            false => commit.delete_over(KEYS[key], expected),
        };
    }
    made.conditions
        .iter()
        .fold(commit, |commit, (tag, after)| commit.fail_if_events_match(tagged(*tag), *after))
}

fn committed(result: Result<annals::Appended, AppendError>) -> Answer {
    match result {
        Ok(done) => Answer::Landed {
            first: done.first.get(),
            last: done.last.get(),
            versions: done.versions.iter().map(|(it, n)| (nth(&STREAMS, it), n.get())).collect(),
            revisions: done.revisions.iter().map(|(it, n)| (nth(&KEYS, it), n.get())).collect(),
            replayed: done.replayed,
        },
        Err(AppendError::Conflict(conflict)) => Answer::Conflict {
            stream: nth(&STREAMS, &conflict.stream),
            current: conflict.current.get(),
        },
        Err(AppendError::DocumentConflict(conflict)) => Answer::DocumentConflict {
            key: nth(&KEYS, &conflict.key),
            current: conflict.current.get(),
        },
        Err(AppendError::ConditionFailed(failed)) => {
            Answer::ConditionFailed(failed.condition, failed.position.get())
        }
        Err(other) => panic!("{other:?}"),
    }
}

fn tagged(tag: usize) -> Query {
    QueryItem::new().tag(TAGS[tag]).into()
}

fn events(cursor: Cursor) -> Answer {
    let (events, marker) = cursor.events_and_marker().unwrap();
    Answer::Events(events.iter().map(event).collect(), marker.get())
}

fn event(found: &annals::RecordedEvent) -> Event {
    Event {
        position: found.position.get(),
        stream: nth(&STREAMS, &found.stream),
        version: found.version.get(),
        tag: nth(&TAGS, &found.tags[0]),
        text: text(&found.payload),
    }
}

fn document(found: annals::Document) -> Document {
    let (revision, head) = (found.revision.get(), found.head.get());
    Document { revision, head, text: text(&found.value) }
}

fn text(bytes: &[u8]) -> u64 {
    std::str::from_utf8(bytes).unwrap().parse().unwrap()
}

fn nth(names: &[&str], name: &str) -> usize {
    names.iter().position(|known| *known == name).unwrap()
}
