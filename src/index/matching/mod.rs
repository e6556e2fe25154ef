//! Terms united and intersected, lazily, in the order of positions, up or down.
//!
//! A walk goes part by part: through one run or table after the other, each of which knows all that
//! it needs of its events. Within a part everything is asked for 'the next from here on', so an
//! intersection goes as fast as its rarest term: what the others have in between is never looked
//! at.

mod part;
mod wanted;

use super::{RunError, Sources};
use crate::words::Position;
use part::Part;
pub use wanted::{Items, Wanted};

/// A walk over the wanted positions.
pub struct Matching {
    wanted: Wanted,
    backward: bool,
    /// What is left to look at: the least and the greatest position; nothing once it is over.
    left: Option<(Position, Position)>,
    /// The part that was looked at last: what `wanted` remembers is of this one.
    part: Option<Part>,
    /// Found and not given yet, the next one last.
    found: Vec<Position>,
    /// How many are looked for next time.
    most: usize,
}

/// Positions that are looked for at once, at the most.
const MOST: usize = 1_024;
/// Those of them that are looked for while a table is locked.
const LOOK: usize = 256;

impl Matching {
    /// A walk over the wanted positions in `from..=to`, up or down.
    pub fn new(wanted: Wanted, (from, to): (Position, Position), backward: bool) -> Self {
        let left = Some((from, to)).filter(|(from, to)| from <= to);
        Self { wanted, backward, left, part: None, found: Vec::new(), most: 1 }
    }

    /// Those that were found already and not given yet.
    pub fn ahead(&self) -> impl Iterator<Item = Position> + Clone {
        self.found.iter().rev().copied()
    }

    /// Leaves out the next of those that were found already.
    pub fn skip(&mut self, count: usize) {
        self.found.truncate(self.found.len().saturating_sub(count));
    }

    /// The next position. After an error it can be asked for again.
    pub fn next(&mut self, sources: &Sources) -> Result<Option<Position>, RunError> {
        if self.found.is_empty() {
            while self.found.len() < self.most && self.left.is_some() {
                let before = self.found.len();
                let result = self.look(sources);
                if result.is_err() {
                    // What it has found since is looked for again.
                    self.found.truncate(before);
                    self.part = None;
                    self.wanted.forget();
                }
                match result {
                    // It is met again by who asks for more.
                    Err(_) if before > 0 => break,
                    result => result?,
                }
            }
            self.found.reverse();
            self.most = (self.most * 8).min(MOST);
        }
        Ok(self.found.pop())
    }

    /// Looks on in the part that comes next.
    fn look(&mut self, sources: &Sources) -> Result<(), RunError> {
        let Some((from, to)) = self.left else { return Ok(()) };
        let same = self.part.as_ref().is_some_and(|part| {
            part.is_of(sources) && part.has(if self.backward { to } else { from })
        });
        if !same {
            match self.part {
                Some(_) => self.wanted.forget(),
                // Whatever part comes next, what is cold of it is on its way.
                None => self.wanted.announce(sources.runs_over(from, to), self.backward),
            }
            self.part = Part::next(sources, (from, to), self.backward);
            if let Some(Part::Run(run)) = &self.part {
                self.wanted.rule_out(run)?;
            }
        }
        let Some(part) = &self.part else {
            self.left = None;
            return Ok(());
        };
        let (first, last) = (part.first().max(from), part.last().min(to));
        let most = self.most.min(self.found.len() + LOOK);
        let next = part.walk(&mut self.wanted, (first, last), self.backward, |position| {
            self.found.push(position);
            self.found.len() < most
        })?;
        // Where it stopped, or at the part's end.
        self.left = match (self.backward, next) {
            (false, Some(next)) => Some((next, to)),
            (false, None) => last.next().map(|next| (next, to)),
            (true, Some(next)) => Some((from, next)),
            (true, None) => first.get().checked_sub(1).map(|last| (from, Position::new(last))),
        };
        self.left = self.left.filter(|(from, to)| from <= to);
        Ok(())
    }
}
