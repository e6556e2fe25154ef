//! A group commit: commits get their positions under a lock, and whoever then finds nobody writing
//! writes all that wait, for all.

use crate::peer::{Asked, Event};
use fjall::UserValue;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

pub struct Group {
    state: Mutex<State>,
    written: Condvar,
    /// The last position that is written.
    visible: AtomicU64,
}

#[derive(Default)]
pub struct State {
    /// The versions of the streams that were appended to.
    pub versions: HashMap<String, u64>,
    /// The last position that was given.
    last: u64,
    /// Commits that wait for a writer, and those that are written now.
    waiting: Vec<Placed>,
    writing: Arc<Vec<Placed>>,
    is_writing: bool,
}

/// A commit that has its positions.
pub struct Placed {
    first: u64,
    events: Arc<[Event]>,
    pub records: Vec<UserValue>,
}

impl Placed {
    /// The events with their positions.
    pub fn events(&self) -> impl Iterator<Item = (u64, &Event)> {
        (self.first..).zip(&*self.events)
    }
}

impl State {
    /// Whether there is what is asked for among what is not written.
    pub fn has(&self, asked: &Asked, seen: u64) -> bool {
        self.writing.iter().chain(&self.waiting).flat_map(Placed::events).any(
            |(position, event)| {
                position > seen
                    && event.event_type == asked.event_type
                    && event.tags.contains(&asked.tag)
            },
        )
    }
}

impl Group {
    pub fn new(last: u64) -> Self {
        let state = Mutex::new(State { last, ..State::default() });
        Self { state, written: Condvar::new(), visible: AtomicU64::new(last) }
    }

    pub fn visible(&self) -> u64 {
        self.visible.load(Ordering::Acquire)
    }

    /// Locks, so that versions can be checked before a commit.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Returns when the events, whose versions were checked under this lock, are written: by this
    /// thread, together with others, or by another.
    pub fn commit(
        &self,
        mut state: MutexGuard<State>,
        events: Arc<[Event]>,
        records: Vec<UserValue>,
        write: impl FnOnce(&[Placed]) -> fjall::Result<()>,
    ) {
        let first = state.last + 1;
        state.last += records.len() as u64;
        let last = state.last;
        state.waiting.push(Placed { first, events, records });
        while state.is_writing && self.visible() < last {
            state = self.written.wait(state).unwrap();
        }
        if self.visible() >= last {
            return;
        }
        let commits = Arc::new(std::mem::take(&mut state.waiting));
        (state.writing, state.is_writing) = (commits.clone(), true);
        let last = state.last;
        drop(state);
        let result = write(&commits);
        let mut state = self.lock();
        if let Err(error) = result {
            self.written.notify_all();
            panic!("{error}");
        }
        self.visible.store(last, Ordering::Release);
        (state.writing, state.is_writing) = (Arc::default(), false);
        drop(state);
        self.written.notify_all();
    }
}
