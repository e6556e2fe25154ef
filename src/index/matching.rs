//! Terms united and intersected, lazily, in the order of positions, up or down.
//!
//! Everything is asked for 'the next from here on', so an intersection goes as fast as its rarest
//! term: what the others have in between is never looked at.

use super::{RunError, Sources};
use crate::format::TermHash;
use crate::words::Position;

/// Which positions are wanted.
pub enum Wanted {
    /// All.
    All,
    /// Those of a term.
    Term(TermHash),
    /// Those of any of these.
    Any(Vec<Wanted>),
    /// Those of every one of these.
    Every(Vec<Wanted>),
    /// Those of this that lie between two positions, both included.
    Within(Position, Position, Box<Wanted>),
}

/// A walk over the wanted positions.
///
/// Within it a place is a key: the position going up, its complement going down. So the next place
/// is always the least key from some key on.
pub struct Matching {
    node: Node,
    backward: bool,
    /// The least and the greatest key that are left; none once the walk is over.
    left: Option<(u64, u64)>,
}

enum Node {
    All,
    Term(Term),
    Any(Vec<Node>),
    Every(Vec<Node>),
    Within(u64, u64, Box<Node>),
}

struct Term {
    hash: TermHash,
    /// All keys of the term from `from` on up to the last of these.
    keys: Vec<u64>,
    from: u64,
    /// From here on there is none.
    over: u64,
    /// How many are looked up next time.
    most: usize,
}

/// Looked up at once: at first and after a leap, and at the most.
const FEW: usize = 8;
const MANY: usize = 1_024;

impl Matching {
    /// A walk over the wanted positions in `from..=to`, up or down.
    pub fn new(wanted: Wanted, (from, to): (Position, Position), backward: bool) -> Self {
        let (first, last) = (key(from, backward), key(to, backward));
        let left = Some((first.min(last), first.max(last))).filter(|_| from <= to);
        Self { node: Node::new(wanted, backward), backward, left }
    }

    /// The next position. After an error it can be asked for again.
    pub fn next(&mut self, sources: &Sources) -> Result<Option<Position>, RunError> {
        let Some((from, to)) = self.left else { return Ok(None) };
        let found = self.node.next(sources, from, to, self.backward)?;
        self.left = found.and_then(|key| key.checked_add(1)).map(|next| (next, to));
        self.left = self.left.filter(|(from, to)| from <= to);
        Ok(found.map(|found| position(found, self.backward)))
    }
}

fn key(position: Position, backward: bool) -> u64 {
    if backward { !position.get() } else { position.get() }
}

fn position(key: u64, backward: bool) -> Position {
    Position::new(if backward { !key } else { key })
}

impl Node {
    fn new(wanted: Wanted, backward: bool) -> Self {
        let all =
            |parts: Vec<Wanted>| parts.into_iter().map(|part| Self::new(part, backward)).collect();
        match wanted {
            Wanted::All => Self::All,
            Wanted::Term(hash) => {
                let (keys, from, over, most) = (Vec::new(), 0, u64::MAX, FEW);
                Self::Term(Term { hash, keys, from, over, most })
            }
            Wanted::Any(parts) => Self::Any(all(parts)),
            Wanted::Every(parts) => Self::Every(all(parts)),
            Wanted::Within(from, to, part) => {
                let (first, last) = (key(from, backward), key(to, backward));
                let part = Box::new(Self::new(*part, backward));
                match from <= to {
                    true => Self::Within(first.min(last), first.max(last), part),
                    false => Self::Any(Vec::new()),
                }
            }
        }
    }

    /// The least key in `from..=to`. From one call to the next `from` grows, and `to` stays.
    fn next(
        &mut self,
        sources: &Sources,
        from: u64,
        to: u64,
        backward: bool,
    ) -> Result<Option<u64>, RunError> {
        match self {
            Self::All => Ok((from <= to).then_some(from)),
            Self::Term(term) => term.next(sources, from, to, backward),
            Self::Any(parts) => {
                let mut least = None;
                for part in parts {
                    let found = part.next(sources, from, to, backward)?;
                    least = least.into_iter().chain(found).min();
                }
                Ok(least)
            }
            Self::Every(parts) => {
                let (mut at, mut agreed, count) = (from, 0, parts.len());
                for nth in (0..count).cycle() {
                    if agreed == count {
                        break;
                    }
                    let Some(part) = parts.get_mut(nth) else { break };
                    match part.next(sources, at, to, backward)? {
                        None => return Ok(None),
                        Some(found) if found == at => agreed += 1,
                        Some(found) => (at, agreed) = (found, 1),
                    }
                }
                Ok((at <= to).then_some(at))
            }
            Self::Within(first, last, part) => {
                let (from, to) = (from.max(*first), to.min(*last));
                if from > to { Ok(None) } else { part.next(sources, from, to, backward) }
            }
        }
    }
}

impl Term {
    fn next(
        &mut self,
        sources: &Sources,
        from: u64,
        to: u64,
        backward: bool,
    ) -> Result<Option<u64>, RunError> {
        if from >= self.over {
            return Ok(None);
        }
        let known = self.keys.last().is_some_and(|last| from >= self.from && from <= *last);
        if !known {
            self.look_up(sources, from, to, backward)?;
        }
        let nth = self.keys.partition_point(|key| *key < from);
        Ok(self.keys.get(nth).copied().filter(|key| *key <= to))
    }

    fn look_up(
        &mut self,
        sources: &Sources,
        from: u64,
        to: u64,
        backward: bool,
    ) -> Result<(), RunError> {
        // Who goes on where the last look-up ended wants more; who leaps does not.
        let goes_on = self.keys.last().is_some_and(|last| last.checked_add(1) == Some(from));
        self.most = if goes_on { (self.most * 4).min(MANY) } else { FEW };
        let mut found = Vec::new();
        let range = (position(from, backward), position(to, backward));
        if backward {
            sources.postings_back(self.hash, (range.1, range.0), self.most, &mut found)?;
            found.iter_mut().for_each(|position| *position = !*position);
        } else {
            sources.postings(self.hash, range, self.most, &mut found)?;
        }
        if found.is_empty() {
            self.over = from;
        }
        (self.keys, self.from) = (found, from);
        Ok(())
    }
}
