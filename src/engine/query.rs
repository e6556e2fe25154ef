//! A query as the index understands it.

use super::core::READ_ONE;
use super::view::View;
use crate::format::{TermHash, TermKind};
use crate::index::{Matching, Wanted};
use crate::log::{Fetch, Located};
use crate::words::{Error, Position, Query, QueryItem, Timestamp};

/// A walk over the events of a view that a query means.
pub struct Matches {
    matching: Matching,
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
        Ok(Self { matching: Matching::new(wanted, range, backward), rest })
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
            let found = view.ask(|sources| self.matching.next(sources))?;
            let Some(position) = found else { return Ok(None) };
            let Some(place) = view.place(position)? else { return Ok(None) };
            let Some(query) = &self.rest else { return Ok(Some(place)) };
            if query.matches(&view.event(fetch, place)?) {
                return Ok(Some(place));
            }
        }
    }
}

/// How many terms, or choices of terms, an item asks for.
fn parts_of(item: &QueryItem) -> usize {
    let options = [
        item.correlation_id.is_some(),
        item.causation_id.is_some(),
        item.stream.is_some(),
        !item.types.is_empty(),
        item.category.is_some(),
        category_of_prefix(item).is_some(),
    ];
    options.into_iter().map(usize::from).sum::<usize>().saturating_add(item.tags.len())
}

/// A prefix that has a `-` says the category.
fn category_of_prefix(item: &QueryItem) -> Option<&str> {
    let (category, _) = item.stream_prefix.as_ref()?.split_once('-')?;
    Some(category)
}

/// The positions that a query wants. Where it asks for something that no term says, these are more
/// than it means.
fn wanted(view: &View, query: &Query) -> Result<Wanted, Error> {
    let Some(items) = query.items() else { return Ok(Wanted::All) };
    if let [only] = items {
        return wanted_by(view, only);
    }
    let items = items.iter().map(|item| wanted_by(view, item));
    Ok(Wanted::any(items.collect::<Result<Vec<_>, _>>()?))
}

fn wanted_by(view: &View, item: &QueryItem) -> Result<Wanted, Error> {
    let key = &view.core.identity.key;
    let term = |kind: TermKind, text: &[u8]| -> TermHash { key.term(text).of(kind) };
    let named = |kind: TermKind, text: &str| Wanted::term(term(kind, text.as_bytes()));
    // What is rare comes first: where it has nothing, nothing else is looked up.
    let mut every = Vec::with_capacity(parts_of(item));
    let ids =
        [(TermKind::Correlation, item.correlation_id), (TermKind::Causation, item.causation_id)];
    for (kind, id) in ids {
        if let Some(id) = id {
            every.push(Wanted::term(term(kind, id.as_bytes())));
        }
    }
    if let Some(stream) = &item.stream {
        every.push(named(TermKind::Stream, stream));
    }
    for tag in &item.tags {
        every.push(named(TermKind::Tag, tag));
    }
    match item.types.as_slice() {
        [] => {}
        [only] => every.push(named(TermKind::Type, only)),
        types => every.push(Wanted::any(types.iter().map(|name| named(TermKind::Type, name)))),
    }
    if let Some(category) = &item.category {
        every.push(named(TermKind::Category, category));
    }
    if let Some(category) = category_of_prefix(item) {
        every.push(named(TermKind::Category, category));
    }
    let wanted = match every.len() {
        1 => every.swap_remove(0),
        _ => Wanted::Every(every),
    };
    if !item.has_times() {
        return Ok(wanted);
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
    let last = Position::new(next.get().saturating_sub(1));
    Ok(Wanted::Within(first, last, Box::new(wanted)))
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
