//! The index as it is now: which parts there are.

use super::{Sources, Table};
use crate::format::{FileKey, Mark, RunRef};
use crate::index::Run;
use crate::threads::{PoisonError, RwLock};
use crate::words::LogOffset;
use std::sync::Arc;

/// The parts of the index as they are now.
pub struct Index {
    key: FileKey,
    sources: RwLock<Arc<Sources>>,
}

impl Index {
    /// An index with these runs, that goes on with an empty table from this frame on.
    pub fn new(runs: Vec<Arc<Run>>, start: Mark, key: FileKey) -> Self {
        let tables = vec![Arc::new(Table::new(start, key))];
        Self { key, sources: RwLock::new(Arc::new(Sources { runs, tables })) }
    }

    /// The parts as they are now.
    pub fn sources(&self) -> Arc<Sources> {
        self.sources.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest table takes in no more; another goes on from this frame.
    pub fn freeze(&self, end: Mark) {
        self.change(|sources| {
            let next = match sources.active() {
                Some(table) => {
                    table.close(end);
                    table.after(end)
                }
                None => Table::new(end, self.key),
            };
            sources.tables.push(Arc::new(next));
        });
    }

    /// A run stands for these ones, which lie behind one another, from now on; or for the tables
    /// that it covers.
    pub fn install(&self, run: Arc<Run>, instead_of: &[RunRef]) {
        self.change(|sources| {
            let at = sources.runs.iter().position(|run| instead_of.contains(run.place()));
            sources.runs.retain(|run| !instead_of.contains(run.place()));
            let at = at.unwrap_or(sources.runs.len());
            sources.runs.insert(at, run);
            sources.drop_covered();
        });
    }

    /// These are the runs from now on. Nothing happens if those that are there reach further: who
    /// found these was overtaken by who found the others.
    pub fn replace_runs(&self, runs: Vec<Arc<Run>>) {
        self.change(|sources| {
            if sources.is_beyond(&runs) {
                return;
            }
            sources.runs = runs;
            sources.drop_covered();
        });
    }

    /// These are the runs from now on, and an empty table goes on from this frame. Nothing happens
    /// if the runs reach further already.
    pub fn restart(&self, runs: Vec<Arc<Run>>, start: Mark) {
        self.change(|sources| {
            if sources.is_beyond(&runs) {
                return;
            }
            sources.runs = runs;
            sources.tables = vec![Arc::new(Table::new(start, self.key))];
        });
    }

    /// One run stands for another of the same place: one made anew for a damaged one.
    pub fn stand_in(&self, run: Arc<Run>) {
        self.change(|sources| {
            if let Some(place) = sources.runs.iter_mut().find(|old| old.place() == run.place()) {
                *place = run;
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Sources)) {
        let mut guard = self.sources.write().unwrap_or_else(PoisonError::into_inner);
        let mut sources = Sources::clone(&guard);
        change(&mut sources);
        *guard = Arc::new(sources);
    }
}

impl Sources {
    /// Whether its runs reach further than these.
    fn is_beyond(&self, runs: &[Arc<Run>]) -> bool {
        let end = |runs: &[Arc<Run>]| runs.last().map(|run| run.header().end);
        end(&self.runs) > end(runs)
    }

    /// Drops the tables of which the runs cover all.
    fn drop_covered(&mut self) {
        let end = self.runs.last().map_or(LogOffset::ZERO, |run| run.header().end);
        self.tables.retain(|table| table.end().is_none_or(|closed| closed.at > end));
    }
}
