//! Which events are meant: what `read`, `export`, `tail` and `replay` can be told.

use crate::exit::Outcome;
use crate::show::{nearest, parse_when};
use crate::store::{check_category, check_stream, not_there};
use annals::{
    Counts, Cursor, Keys, Position, Query, QueryItem, Read, Store, Timestamp, Uuid, View,
};
use clap::Args;

/// Which events.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Which events")]
pub struct Select {
    /// Of this stream; --from and the like are versions then
    #[arg(short, long, value_name = "NAME")]
    pub stream: Option<String>,
    /// Of the streams of this category: of those whose names begin with it and a `-`
    #[arg(short, long, value_name = "NAME")]
    pub category: Option<String>,
    /// Of this type; given several times: of one of these
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// With this tag; given several times: with all of them
    #[arg(short = 'g', long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Of this conversation
    #[arg(long, value_name = "UUID")]
    pub correlation: Option<Uuid>,
    /// With this cause
    #[arg(long, value_name = "UUID")]
    pub causation: Option<Uuid>,
    /// From this position on (of a stream: version)
    #[arg(long, value_name = "N")]
    pub from: Option<u64>,
    /// After this position (of a stream: version)
    #[arg(long, value_name = "N", conflicts_with = "from")]
    pub after: Option<u64>,
    /// Up to and with this position (of a stream: version)
    #[arg(long, value_name = "N")]
    pub to: Option<u64>,
    /// Before this position (of a stream: version)
    #[arg(long, value_name = "N", conflicts_with = "to")]
    pub before: Option<u64>,
    /// Recorded then or later: 2013-01-31, 2013-01-31T18:00 (UTC), RFC 3339, or how long ago: '2h'
    #[arg(long, value_name = "TIME", value_parser = parse_when)]
    pub since: Option<Timestamp>,
    /// Recorded before then
    #[arg(long, value_name = "TIME", value_parser = parse_when)]
    pub until: Option<Timestamp>,
    /// At most so many
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<u64>,
}

impl Select {
    /// Whether nothing but the stream says which events.
    fn is_of_stream(&self) -> bool {
        self.stream.is_some() && self.item_without_stream() == QueryItem::new()
    }

    fn item_without_stream(&self) -> QueryItem {
        let mut item = QueryItem::new().types(&self.types).tags(&self.tags);
        if let Some(category) = &self.category {
            item = item.category(category);
        }
        if let Some(id) = self.correlation {
            item = item.correlation_id(id);
        }
        if let Some(id) = self.causation {
            item = item.causation_id(id);
        }
        if let Some(time) = self.since {
            item = item.since(time);
        }
        if let Some(time) = self.until {
            // A query's end is included.
            item = item.until(Timestamp::from_micros(time.micros().saturating_sub(1)));
        }
        item
    }

    /// What is asked for, as a query.
    pub fn query(&self) -> Query {
        let mut item = self.item_without_stream();
        if let Some(stream) = &self.stream {
            item = item.stream(stream);
        }
        if item == QueryItem::new() { Query::all() } else { Query::from(item) }
    }

    /// The first and the last number that is asked for.
    fn bounds(&self) -> (u64, u64) {
        let after = self.after.map(|number| number.saturating_add(1));
        let before = self.before.map(|number| number.saturating_sub(1));
        (self.from.or(after).unwrap_or(1), self.to.or(before).unwrap_or(u64::MAX))
    }

    /// A cursor over what is asked for, as the store is now.
    ///
    /// # Errors
    /// The stream, category, type or tag that is named is nowhere.
    pub fn cursor(&self, store: &Store, backward: bool) -> Outcome<Cursor> {
        let view = store.view()?;
        self.check_names(&view)?;
        self.unchecked(&view, backward)
    }

    /// A cursor over what is asked for, also where a name is nowhere.
    pub fn unchecked(&self, view: &View, backward: bool) -> Outcome<Cursor> {
        if let (Some(stream), true) = (&self.stream, self.is_of_stream()) {
            let (first, last) = self.bounds();
            let read = Read::new().from(first).to(last).limit(self.limit.unwrap_or(u64::MAX));
            return Ok(view.stream(stream, if backward { read.backward() } else { read }));
        }
        let read = self.positions(view)?;
        Ok(view.query(&self.query(), if backward { read.backward() } else { read })?)
    }

    /// A cursor over what is asked for of the events after this position, also where a name is
    /// nowhere.
    pub fn cursor_after(&self, view: &View, seen: Position) -> Outcome<Cursor> {
        Ok(view.query(&self.query(), self.positions(view)?.after(seen))?)
    }

    /// Up to where nothing that is asked for will come any more: not beyond the last event, nor
    /// beyond a time that goes on, as `--until 1h` does.
    pub fn end(&self, view: &View) -> Outcome<Position> {
        let Some(until) = self.until else { return Ok(view.head()) };
        let later = Query::from(QueryItem::new().since(until));
        let mut later = view.query(&later, Read::new().limit(1))?;
        let first = later.next_event()?.map(|event| event.position.get());
        Ok(first.map_or(view.head(), |first| Position::new(first.saturating_sub(1))))
    }

    /// A cursor over what is asked for from this position on, also where a name is nowhere.
    pub fn cursor_from(&self, view: &View, first: Position) -> Outcome<Cursor> {
        Ok(view.query(&self.query(), self.positions(view)?.from(first))?)
    }

    /// The positions that are asked for.
    fn positions(&self, view: &View) -> Outcome<Read<Position>> {
        let (first, last) = self.bounds();
        let read = match &self.stream {
            Some(stream) => versions_as_positions(view, stream, (first, last))?,
            None => Read::new().from(first).to(last),
        };
        Ok(read.limit(self.limit.unwrap_or(u64::MAX)))
    }

    /// That what is named by name is there at all: whoever mistypes a name is told so.
    pub fn check_names(&self, view: &View) -> Outcome {
        if let Some(stream) = &self.stream {
            check_stream(view, stream)?;
        }
        if let Some(category) = &self.category {
            check_category(view, category)?;
        }
        self.types.iter().try_for_each(|name| check_counted("type", name, |it| view.types(it)))?;
        self.tags.iter().try_for_each(|name| check_counted("tag", name, |it| view.tags(it)))
    }
}

/// That an event has this name of a kind whose names are counted.
fn check_counted(what: &str, name: &str, names: impl Fn(&Keys) -> Counts) -> Outcome {
    // Whatever begins so comes behind the name itself.
    let first = names(&Keys::prefix(name)).next().transpose()?;
    if first.is_some_and(|first| first.name == name) {
        return Ok(());
    }
    let all = names(&Keys::all()).map(|counted| counted.map(|it| it.name));
    Err(not_there(what, name, &nearest(name, all)))
}

/// The positions from one version of a stream to another.
fn versions_as_positions(
    view: &View,
    stream: &str,
    (first, last): (u64, u64),
) -> Outcome<Read<Position>> {
    let versions = Read::new().from(first).to(last).limit(1);
    let (mut from, mut to) =
        (view.stream(stream, versions), view.stream(stream, versions.backward()));
    let from = from.next_event()?.map(|event| event.position);
    let to = to.next_event()?.map(|event| event.position);
    Ok(match (from, to) {
        (Some(from), Some(to)) => Read::new().from(from).to(to),
        _ => Read::new().limit(0),
    })
}
