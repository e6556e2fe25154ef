//! The terms and names of several inputs as one sequence.

use super::input::{Input, NameCursor, OwnName};
use crate::format::{TermEntry, TermKind};
use crate::index::run::RunError;
use std::cmp::Ordering;

/// All terms of all inputs, by hash.
pub(super) struct TermMerge {
    heads: Vec<Head>,
}

/// The next term of an input.
struct Head {
    entry: Option<TermEntry>,
    number: u32,
    /// Postings of the terms before it.
    placed: u32,
}

impl TermMerge {
    pub(super) fn new(inputs: &[Input]) -> Result<Self, RunError> {
        let heads =
            inputs.iter().map(|input| Ok(Head { entry: input.term(0)?, number: 0, placed: 0 }));
        Ok(Self { heads: heads.collect::<Result<_, RunError>>()? })
    }

    /// The next term: its entry in each of the inputs that have it, oldest first, into an empty
    /// `out`. `false` if there is none.
    pub(super) fn next(
        &mut self,
        inputs: &[Input],
        out: &mut Vec<(usize, TermEntry)>,
    ) -> Result<bool, RunError> {
        let least = self.heads.iter().filter_map(|head| head.entry.map(|entry| entry.hash)).min();
        let Some(least) = least else { return Ok(false) };
        for (nth, (head, input)) in self.heads.iter_mut().zip(inputs).enumerate() {
            if let Some(entry) = head.entry.filter(|entry| entry.hash == least) {
                out.push((nth, entry));
                head.placed = input.placed(&entry, head.placed)?;
                head.number += 1;
                head.entry = input.term(head.number)?;
                // They are sorted, each once; else this would never end.
                if head.entry.is_some_and(|next| next.hash <= least) {
                    return Err(input.lies());
                }
            }
        }
        Ok(true)
    }
}

/// All names of all inputs, by kind and name.
pub(super) struct NameMerge {
    heads: Vec<Option<(OwnName, NameCursor)>>,
}

impl NameMerge {
    pub(super) fn new(inputs: &[Input]) -> Result<Self, RunError> {
        let heads = inputs.iter().map(|input| input.name(NameCursor::default()));
        Ok(Self { heads: heads.collect::<Result<_, _>>()? })
    }

    /// The next name, of all inputs that have it; `shift` has each input's first position, counted
    /// from the first of all.
    pub(super) fn next(
        &mut self,
        inputs: &[Input],
        shift: &[u32],
    ) -> Result<Option<OwnName>, RunError> {
        let order = |a: &OwnName, b: &OwnName| -> Ordering {
            (a.kind, a.text.as_str()).cmp(&(b.kind, b.text.as_str()))
        };
        let names = self.heads.iter().flatten().map(|(name, _)| name);
        let Some(least) = names.min_by(|a, b| order(a, b)) else { return Ok(None) };
        let mut merged = OwnName { count: 0, first: u32::MAX, last: 0, ..least.clone() };
        let is_document = merged.kind == TermKind::Document;
        for ((head, input), shift) in self.heads.iter_mut().zip(inputs).zip(shift) {
            let Some((name, next)) = head.as_ref().filter(|(name, _)| order(name, &merged).is_eq())
            else {
                continue;
            };
            if is_document {
                merged = OwnName { count: 1, first: 0, ..merged };
            } else {
                merged.count = merged.count.saturating_add(name.count);
                merged.first = merged.first.min(name.first.saturating_add(*shift));
                merged.last = merged.last.max(name.last.saturating_add(*shift));
            }
            let following = input.name(*next)?;
            if following.as_ref().is_some_and(|(next, _)| order(next, &merged).is_le()) {
                return Err(input.lies());
            }
            *head = following;
        }
        Ok(Some(merged))
    }
}
