//! From lines to commits.

use super::line::{Line, Lines, parse};
use annals::{AppendError, Commit, NewEvent, Store, Version};
use std::collections::HashMap;
use std::error::Error;
use std::io::BufRead;
use std::time::{Duration, Instant};

/// Events in one commit.
const BATCH: usize = 100;

/// What was loaded.
#[derive(Default)]
pub struct Loaded {
    /// Events.
    pub events: u64,
    /// Commits that hold them.
    pub commits: u64,
    /// Time spent in [`Store::commit`].
    pub committing: Duration,
}

/// Appends the event of each line to its stream; `progress` gets the number of events so far.
///
/// The store has to be new: each stream is expected to be exactly where this has left it.
pub fn load(
    store: &Store,
    lines: &mut dyn BufRead,
    mut progress: impl FnMut(u64),
) -> Result<Loaded, Box<dyn Error>> {
    let (mut loader, mut lines) = (Loader::new(store), Lines::new(lines));
    while let Some(Line { stream, event, .. }) = lines.next(parse)? {
        loader.add(stream, event);
        if loader.waiting == BATCH {
            loader.commit()?;
            progress(loader.loaded.events);
        }
    }
    loader.commit()?;
    Ok(loader.loaded)
}

struct Loader<'s> {
    store: &'s Store,
    /// Where each stream is.
    versions: HashMap<String, Version>,
    /// What the next commit appends, and to which streams: a commit may name each of them once.
    batch: Vec<(String, Vec<NewEvent>)>,
    /// Events in it.
    waiting: usize,
    loaded: Loaded,
}

impl<'s> Loader<'s> {
    fn new(store: &'s Store) -> Self {
        let (versions, batch) = (HashMap::new(), Vec::new());
        Self { store, versions, batch, waiting: 0, loaded: Loaded::default() }
    }

    /// Keeps the order within a stream; streams come in the order of their first events here.
    fn add(&mut self, stream: String, event: NewEvent) {
        match self.batch.iter_mut().find(|(known, _)| *known == stream) {
            Some((_, events)) => events.push(event),
            None => self.batch.push((stream, vec![event])),
        }
        self.waiting += 1;
    }

    /// Appends what waits: all of it or nothing. Had somebody else written to one of the streams,
    /// it would be nothing, and the error would say which stream it was.
    fn commit(&mut self) -> Result<(), AppendError> {
        if self.waiting == 0 {
            return Ok(());
        }
        let mut commit = Commit::new();
        for (stream, events) in self.batch.drain(..) {
            let expected = self.versions.get(&stream).copied().unwrap_or(Version::NONE);
            commit = commit.append(stream, expected, events);
        }
        let began = Instant::now();
        let done = self.store.commit(commit)?;
        self.loaded.committing += began.elapsed();
        self.loaded.commits += 1;
        // Positions are dense and begin with 1.
        self.loaded.events = done.last.get();
        self.versions.extend(done.versions);
        self.waiting = 0;
        Ok(())
    }
}
