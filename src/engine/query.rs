//! A query as the index understands it.

use super::core::READ_ONE;
use super::near::Near;
use super::view::View;
use crate::format::{FileKey, TermHash, TermKind};
use crate::index::{Items, Matching, Wanted};
use crate::log::{Fetch, Located};
use crate::words::{Error, Position, Query, QueryItem, Timestamp};
use std::iter;

/// A walk over the events of a view that a query means.
pub struct Matches {
    matching: Matching,
    near: Near,
    /// Where no term says all that the query asks for: each event is looked at.
    rest: Option<Query>,
}

impl Matches {
    /// The events in `from..=to`, up or down.
    pub fn new(
        view: &View,
        query: &Query,
        range: (Position, Position),
        backward: bool,
    ) -> Result<Self, Error> {
        let wanted = wanted(view, query)?;
        let rest = query.has_rest().then(|| query.clone());
        let matching = Matching::new(wanted, range, backward);
        Ok(Self { matching, near: Near::new(), rest })
    }

    /// The position of the next one.
    pub fn next_position(&mut self, view: &View) -> Result<Option<Position>, Error> {
        if self.rest.is_none() {
            return view.ask(|sources| self.matching.next(sources));
        }
        let mut fetch = view.core.fetch(view.segments.clone(), READ_ONE);
        Ok(self.next(view, &mut fetch)?.map(|place| place.position))
    }

    /// The place of the next one.
    pub fn next(&mut self, view: &View, fetch: &mut Fetch) -> Result<Option<Located>, Error> {
        loop {
            if self.near.is_empty() {
                self.look(view, fetch)?;
            }
            let Some(place) = self.near.take(fetch) else { return Ok(None) };
            let Some(query) = &self.rest else { return Ok(Some(place)) };
            if query.matches(&view.event(fetch, place)?)? {
                return Ok(Some(place));
            }
        }
    }

    /// Finds the places of the next few.
    fn look(&mut self, view: &View, fetch: &mut Fetch) -> Result<(), Error> {
        let is_new = self.matching.ahead().next().is_none();
        let found = view.ask(|sources| self.matching.next(sources))?;
        let Some(first) = found else { return Ok(()) };
        let positions = || iter::once(first).chain(self.matching.ahead());
        if is_new {
            view.announce(fetch, positions())?;
        }
        let found = self.near.find(view, fetch, positions())?;
        self.matching.skip(found.saturating_sub(1));
        Ok(())
    }
}

/// The positions that a query wants. Where it asks for something that no term says, these are more
/// than it means.
fn wanted(view: &View, query: &Query) -> Result<Wanted, Error> {
    let Some(items) = query.items() else { return Ok(Wanted::All) };
    let mut wanted = Items::with_room(items.len());
    for item in items {
        wanted.item(positions_of(view, item)?);
        add_terms(&view.core.identity.key, item, &mut wanted);
    }
    Ok(Wanted::Any(wanted))
}

/// The terms that an item asks for. What is rare comes first: where it has nothing, nothing else is
/// looked up.
fn add_terms(key: &FileKey, item: &QueryItem, wanted: &mut Items) {
    let term = |kind: TermKind, text: &[u8]| -> TermHash { key.term(text).of(kind) };
    if let Some(id) = item.correlation_id {
        wanted.any([term(TermKind::Correlation, id.as_bytes())]);
    }
    if let Some(id) = item.causation_id {
        wanted.any([term(TermKind::Causation, id.as_bytes())]);
    }
    if let Some(stream) = &item.stream {
        wanted.any([term(TermKind::Stream, stream.as_bytes())]);
    }
    for tag in &item.tags {
        wanted.any([term(TermKind::Tag, tag.as_bytes())]);
    }
    if !item.types.is_empty() {
        wanted.any(item.types.iter().map(|name| term(TermKind::Type, name.as_bytes())));
    }
    if let Some(category) = &item.category {
        wanted.any([term(TermKind::Category, category.as_bytes())]);
    }
    // A prefix that has a `-` says the category.
    if let Some(prefix) = &item.stream_prefix
        && let Some((category, _)) = prefix.split_once('-')
    {
        wanted.any([term(TermKind::Category, category.as_bytes())]);
    }
}

/// Between which positions an item's times lie, if it asks for times: recorded time never goes
/// back.
fn positions_of(view: &View, item: &QueryItem) -> Result<Option<(Position, Position)>, Error> {
    if !item.has_times() {
        return Ok(None);
    }
    let mut fetch = view.core.fetch(view.segments.clone(), READ_ONE);
    let first = match item.since {
        Some(since) => first_at(view, &mut fetch, |recorded| recorded >= since)?,
        None => view.sources.first(),
    };
    let next = match item.until {
        Some(until) => first_at(view, &mut fetch, |recorded| recorded > until)?,
        None => view.head.next().unwrap_or(view.head),
    };
    Ok(Some((first, Position::new(next.get().saturating_sub(1)))))
}

/// The first position whose recorded time is such as holds for all later ones; the one after the
/// head if there is none. Recorded time never goes back.
fn first_at(
    view: &View,
    fetch: &mut Fetch,
    is_reached: impl Fn(Timestamp) -> bool,
) -> Result<Position, Error> {
    let (mut low, mut high) = (view.sources.first().get(), view.head.get().saturating_add(1));
    while low < high {
        let middle = Position::new(low.midpoint(high));
        let Some(place) = view.place(middle)? else { break };
        if is_reached(view.event(fetch, place)?.recorded) {
            high = middle.get();
        } else {
            low = middle.get().saturating_add(1);
        }
    }
    Ok(Position::new(low))
}
