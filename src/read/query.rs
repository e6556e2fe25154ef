//! A query as the index understands it.

use crate::engine::{READ_ONE, View};
use crate::format::{TermHash, TermKind};
use crate::index::Wanted;
use crate::log::Fetch;
use crate::words::{Error, Position, Query, QueryItem, Timestamp};

/// The positions that a query wants. Where it asks for something that no term says, these are more
/// than it means.
pub(super) fn wanted(view: &View, query: &Query) -> Result<Wanted, Error> {
    query.check()?;
    let Some(items) = query.items() else { return Ok(Wanted::All) };
    let mut fetch = view.core.fetch(view.segments.clone(), READ_ONE);
    let items = items.iter().map(|item| wanted_by(view, &mut fetch, item));
    Ok(Wanted::Any(items.collect::<Result<_, _>>()?))
}

fn wanted_by(view: &View, fetch: &mut Fetch, item: &QueryItem) -> Result<Wanted, Error> {
    let key = &view.core.identity.key;
    let term = |kind: TermKind, text: &[u8]| -> TermHash { key.term(text).of(kind) };
    let named = |kind: TermKind, text: &str| Wanted::Term(term(kind, text.as_bytes()));
    let mut every = Vec::new();
    if !item.types.is_empty() {
        let types = item.types.iter().map(|name| named(TermKind::Type, name));
        every.push(Wanted::Any(types.collect()));
    }
    every.extend(item.tags.iter().map(|tag| named(TermKind::Tag, tag)));
    every.extend(item.category.iter().map(|name| named(TermKind::Category, name)));
    every.extend(item.stream.iter().map(|name| named(TermKind::Stream, name)));
    // A prefix that has a `-` says the category.
    let category = item.stream_prefix.iter().filter_map(|prefix| prefix.split_once('-'));
    every.extend(category.map(|(category, _)| named(TermKind::Category, category)));
    let ids =
        [(TermKind::Correlation, item.correlation_id), (TermKind::Causation, item.causation_id)];
    for (kind, id) in ids {
        every.extend(id.map(|id| Wanted::Term(term(kind, id.as_bytes()))));
    }
    let wanted = Wanted::Every(every);
    if item.since.is_none() && item.until.is_none() {
        return Ok(wanted);
    }
    let first = match item.since {
        Some(since) => first_at(view, fetch, |recorded| recorded >= since)?,
        None => view.sources.first(),
    };
    let next = match item.until {
        Some(until) => first_at(view, fetch, |recorded| recorded > until)?,
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
