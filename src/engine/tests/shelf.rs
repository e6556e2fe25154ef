//! Runs of a store that has no log.

use super::identity;
use crate::format::{
    Chain, Entries, Entry, Mark, Named, PAGE, RunHeader, RunRef, SegmentRef, u64_of,
};
use crate::index::{Input, Job, Reach, Run, Sink, Step, Table};
use crate::storage::{MemoryStorage, Storage, write_full};
use crate::words::{LogOffset, Position, Version};
use std::io;
use std::sync::Arc;

/// A mark of a log that nobody wrote.
pub fn mark(at: u64, next: u64) -> Mark {
    Mark { at: LogOffset::new(at), chain: Chain(at), next: Position::new(next) }
}

/// A device that runs are written to, one behind another.
#[derive(Default)]
pub struct Shelf {
    memory: Arc<MemoryStorage>,
    end: u64,
}

impl Shelf {
    /// Writes a run of the events between two marks.
    pub fn write(&mut self, id: u32, level: u32, start: Mark, end: Mark) -> RunRef {
        let key = identity().key;
        let name = Named { text: "a", hash: key.term(b"a") };
        let table = Table::new(start, key);
        let entries = (start.next.get()..end.next.get()).map(|nth| Entry {
            position: Position::new(nth),
            at: start.at.plus(96),
            version: Version::new(nth),
            payload: 0,
            stream: name,
            event_type: name,
            tags: &[],
            ids: [None; 3],
        });
        let events: Vec<Entry<'_>> = entries.collect();
        table.extend(Entries { events: &events, documents: &[] });
        table.close(end);
        self.write_table(id, level, table, Vec::new())
    }

    /// Writes a run of what a table has that is closed.
    pub fn write_table(
        &mut self,
        id: u32,
        level: u32,
        table: Table,
        segments: Vec<SegmentRef>,
    ) -> RunRef {
        let input = vec![Input::table(Arc::new(table), segments)];
        let mut job = Job::new(input, level, id, identity().key).unwrap().unwrap();
        while job.step(self, u64::MAX).unwrap() != Step::Done {}
        let RunHeader { end, next, .. } = *job.header();
        let (_, pages) = job.header().sections().unwrap();
        let place = RunRef { file_offset: self.end, pages, id, end, next };
        self.end = place.extent().end();
        place
    }

    /// Opens a run.
    pub fn open(&self, place: RunRef) -> Arc<Run> {
        let reach = Arc::new(Reach::new(false));
        Arc::new(Run::open(self.storage(), reach, place, identity().key).unwrap())
    }

    /// Runs of these levels, an event in each; they have the numbers from 0 on.
    pub fn runs(&mut self, levels: &[u32]) -> Vec<Arc<Run>> {
        let at = |nth: u32| mark(64 + 1_000 * u64::from(nth), 1 + u64::from(nth));
        let run = |(nth, level): (u32, &u32)| {
            let place = self.write(nth, *level, at(nth), at(nth + 1));
            self.open(place)
        };
        (0..).zip(levels).map(run).collect()
    }

    /// The device.
    pub fn storage(&self) -> Arc<dyn Storage> {
        self.memory.clone()
    }
}

impl Sink for Shelf {
    fn write(&mut self, first: u32, pages: &[u8]) -> io::Result<()> {
        assert_eq!(u64_of(pages.len()) % PAGE, 0);
        write_full(&*self.memory, pages, self.end + u64::from(first) * PAGE)
    }
}
