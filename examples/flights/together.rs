//! From lines to commits, by many threads at once.
//!
//! Nobody tells them who may append next: the store does. An event is appended at its exact version
//! in its stream, and under the condition that nothing of its flight has come that its thread has
//! not seen. Who is refused looks again, and tries again, so each stream and each flight gets its
//! events in the order of the lines.

use super::line::{Line, Lines, parse};
use annals::{AppendError, Commit, NewEvent, Position, Query, QueryItem, Read, Store, Version};
use std::collections::HashMap;
use std::error::Error;
use std::io::BufRead;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Lines that a thread takes at a time. The more, the more often one waits for what another has,
/// such as an arrival for its departure.
const HANDFUL: usize = 25;
/// How long a thread sleeps at the most that waits for what another has.
const NAP: Duration = Duration::from_millis(10);
/// If that does not come for so long, it never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was loaded.
#[derive(Default)]
pub struct Together {
    /// Events, each in a commit of its own.
    pub events: u64,
    /// Commits that were refused since the stream was not yet where they expected it.
    pub early: u64,
    /// Commits that were refused since something of their flight had come unseen.
    pub unseen: u64,
    /// For each event, from position 1 on, the position up to which its thread had looked for
    /// events of its flight; 0 for those that are about no flight.
    pub seen: Vec<Position>,
}

/// One event, and what has to be there before it.
struct Work {
    stream: String,
    /// Where its stream has to be.
    version: Version,
    flight: Option<Flight>,
    event: NewEvent,
}

struct Flight {
    tag: String,
    /// The flight's event before this one, where that is of another stream. In the same stream the
    /// version says that it is there.
    before: Option<Uuid>,
}

type Failed = Box<dyn Error + Send + Sync>;

/// Appends the event of each line to its stream, by so many threads; `progress` gets the number of
/// lines that are given to them. The store has to be new.
pub fn load_together(
    store: &Store,
    lines: &mut dyn BufRead,
    threads: usize,
    mut progress: impl FnMut(u64),
) -> Result<Together, Box<dyn Error>> {
    let (give, take) = sync_channel::<Vec<Work>>(threads);
    let (take, failure) = (Mutex::new(take), OnceLock::<Failed>::new());
    let (mut all, mut plan) = (Together::default(), Plan::default());
    let (read, landed) = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| Worker::new(store, &failure).work(&take)))
            .collect();
        let mut lines = Lines::new(lines);
        let read = loop {
            match plan.handful(&mut lines) {
                // They are taken in the order of the lines, or a thread might wait for a line that
                // nobody has.
                Ok(works) if !works.is_empty() && failure.get().is_none() => {
                    let sent = give.send(works);
                    progress(plan.lines);
                    if sent.is_err() {
                        break Ok(());
                    }
                }
                read => break read.map(|_| ()),
            }
        };
        drop(give);
        let mut landed = Vec::new();
        for worker in workers {
            let worker = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all.early += worker.early;
            all.unseen += worker.unseen;
            landed.extend(worker.landed);
        }
        (read, landed)
    });
    read?;
    if let Some(error) = failure.into_inner() {
        return Err(error);
    }
    all.events = plan.lines;
    all.seen = in_order(landed);
    Ok(all)
}

fn in_order(mut landed: Vec<(Position, Position)>) -> Vec<Position> {
    landed.sort_unstable();
    landed.into_iter().map(|(_, seen)| seen).collect()
}

/// What the lines read so far say of those that follow.
#[derive(Default)]
struct Plan {
    lines: u64,
    versions: HashMap<String, u64>,
    /// The last event of each flight, and its stream.
    flights: HashMap<String, (Uuid, String)>,
}

impl Plan {
    /// The next lines; none at the end.
    fn handful(&mut self, lines: &mut Lines<'_>) -> Result<Vec<Work>, String> {
        let mut works = Vec::with_capacity(HANDFUL);
        while works.len() < HANDFUL
            && let Some(line) = lines.next(parse)?
        {
            works.push(self.work(line));
            self.lines += 1;
        }
        Ok(works)
    }

    fn work(&mut self, Line { stream, id, flight, event }: Line) -> Work {
        let version = self.versions.entry(stream.clone()).or_default();
        let before = Version::new(*version);
        *version += 1;
        let flight = flight.map(|tag| {
            let last = self.flights.insert(tag.clone(), (id, stream.clone()));
            let elsewhere = last.filter(|(_, other)| *other != stream);
            Flight { tag, before: elsewhere.map(|(id, _)| id) }
        });
        Work { stream, version: before, flight, event }
    }
}

struct Worker<'s> {
    store: &'s Store,
    /// Why a thread gave up, if one did.
    failure: &'s OnceLock<Failed>,
    early: u64,
    unseen: u64,
    /// The position of each of its events, and up to where it had looked.
    landed: Vec<(Position, Position)>,
}

impl<'s> Worker<'s> {
    fn new(store: &'s Store, failure: &'s OnceLock<Failed>) -> Self {
        Self { store, failure, early: 0, unseen: 0, landed: Vec::new() }
    }

    /// Until there is no more. Once a thread has failed, what is left is only taken.
    fn work(mut self, take: &Mutex<Receiver<Vec<Work>>>) -> Self {
        loop {
            let works = take.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(works) = works else { return self };
            for work in works {
                if self.failure.get().is_none()
                    && let Err(error) = self.append(work)
                {
                    let _ = self.failure.set(error);
                }
            }
        }
    }

    /// Tries until it lands.
    fn append(&mut self, work: Work) -> Result<(), Failed> {
        let Work { stream, version, flight, event } = work;
        let mut seen = self.look(flight.as_ref())?;
        let commit = Commit::new().append(stream, version, [event]);
        let begun = Instant::now();
        loop {
            let head = self.store.head()?;
            let result = match &flight {
                Some(Flight { tag, .. }) => {
                    self.store.commit(commit.clone().fail_if_events_match(of(tag), seen))
                }
                None => self.store.commit(&commit),
            };
            match result {
                Ok(done) => {
                    self.landed.push((done.first, seen));
                    return Ok(());
                }
                Err(AppendError::Conflict(conflict)) if conflict.current < version => {
                    self.early += 1;
                    self.wait(head, begun)?;
                }
                Err(AppendError::ConditionFailed(_)) => {
                    self.unseen += 1;
                    seen = self.look(flight.as_ref())?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Looks for events of the flight, until the one before is among them; up to where it has
    /// looked.
    fn look(&self, flight: Option<&Flight>) -> Result<Position, Failed> {
        let Some(Flight { tag, before }) = flight else { return Ok(Position::START) };
        let begun = Instant::now();
        loop {
            let mut newest = self.store.query(&of(tag), Read::new().backward().limit(1))?;
            let last = newest.next_event()?.map(|event| event.id());
            if before.is_none() || last == *before {
                return Ok(newest.marker());
            }
            self.wait(newest.marker(), begun)?;
        }
    }

    /// Until there is more than this, or for a moment.
    fn wait(&self, after: Position, begun: Instant) -> Result<(), Failed> {
        if self.failure.get().is_some() {
            return Err("another thread has failed".into());
        }
        if begun.elapsed() > PATIENCE {
            return Err("what has to come before an event has not come for a minute".into());
        }
        self.store.wait(after, NAP)?;
        Ok(())
    }
}

fn of(flight: &str) -> Query {
    QueryItem::new().tag(flight).into()
}
