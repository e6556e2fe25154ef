//! For the benches: the steps of a commit, each by itself, without a device or a lock.
//!
//! Programs have no use for it. It stands here because only this module sees drafts and tables.

use crate::format::{Chain, Epoch, FileKey, Mark, SEGMENT_HEADER_LEN, u64_of};
use crate::index::Table;
use crate::log::{Draft, Place};
use crate::words::{Commit, LogOffset, Position, Timestamp};

/// Commits on their way into a table, one after another: each is filled, looked up, placed and
/// taken in.
pub struct Steps {
    key: FileKey,
    draft: Draft,
    table: Table,
    /// Where the next commit goes.
    here: Mark,
    /// Where the one behind it does.
    next: Mark,
}

/// What the only segment has for a number.
const SEGMENT: u32 = 1;

impl Steps {
    /// Before the first commit of a store with this key.
    pub fn new(key: [u8; 16]) -> Self {
        let (key, here) = (FileKey::new(key), beginning());
        Self { key, draft: Draft::default(), table: Table::new(here, key), here, next: here }
    }

    /// Encodes a commit as far as that needs no place; `false` if it is over a limit.
    pub fn fill(&mut self, commit: &Commit) -> bool {
        self.draft.clear();
        self.draft.fill(commit, &self.key, 8).is_ok()
    }

    /// Looks its names up, and the versions of its streams.
    pub fn look_up(&mut self) {
        let mut resolved = std::mem::take(&mut self.draft.resolved);
        self.table.resolve(self.draft.terms(), SEGMENT, &mut resolved);
        self.draft.resolved = resolved;
        let versions = self.draft.streams.iter().map(|stream| self.draft.known_version(stream));
        self.draft.versions = versions.map(Option::unwrap_or_default).collect();
    }

    /// Completes its frame, and gives it.
    pub fn place(&mut self) -> &[u8] {
        let Mark { at, chain, next: first } = self.here;
        let place = Place {
            at,
            segment: LogOffset::ZERO,
            epoch: Epoch { counter: 1, salt: 2 },
            before: chain,
            first,
            recorded: Timestamp::from_micros(0),
            watermark: LogOffset::ZERO,
        };
        let next = first.forward(self.draft.events()).unwrap_or(first);
        let placed = self.draft.place(&place, &self.key);
        self.next = Mark { at: at.plus(u64_of(placed.bytes.len())), chain: placed.chain, next };
        placed.bytes
    }

    /// The table takes it in. Returns how many events that has now.
    pub fn take_in(&mut self) -> u64 {
        let parts = self.draft.parts();
        self.table.append(parts.names, SEGMENT, parts.events, parts.documents, parts.terms);
        self.here = self.next;
        self.table.load()
    }

    /// Goes back to the beginning, with an empty table that has room for as much as this one.
    pub fn begin_again(&mut self) {
        self.here = beginning();
        self.table = self.table.after(self.here);
    }
}

fn beginning() -> Mark {
    let at = LogOffset::ZERO.plus(u64_of(SEGMENT_HEADER_LEN));
    Mark { at, chain: Chain::default(), next: Position::new(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::inside::Reread;
    use crate::log::inside::frame;
    use crate::words::{ExpectedVersion, NewEvent};

    const KEY: [u8; 16] = [5; 16];

    #[test]
    fn the_steps_make_frames_and_a_table_as_a_store_does() {
        let events = ["x", "yz"].map(|payload| NewEvent::new("Noted", payload).tag("tag"));
        let commit = Commit::new().append("a", ExpectedVersion::Any, events);
        let mut steps = Steps::new(KEY);
        let mut lengths = Vec::new();
        for taken in [2, 4, 2] {
            if taken < steps.table.load() {
                steps.begin_again();
            }
            assert!(steps.fill(&commit));
            steps.look_up();
            let bytes = steps.place();
            assert_eq!(frame(bytes, KEY), Reread::Same);
            lengths.push(bytes.len());
            assert_eq!(steps.take_in(), taken);
        }
        // The second one refers to the names of the first.
        assert!(lengths[0] > lengths[1] && lengths[0] == lengths[2]);
        let stream = FileKey::new(KEY).term(b"a").of(crate::format::TermKind::Stream);
        assert_eq!(
            steps.table.known_to(stream, Position::new(2)).map(|known| known.count),
            Some(2)
        );
    }
}
