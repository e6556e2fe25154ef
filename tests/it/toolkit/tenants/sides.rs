//! Two sides that are asked the same: a tenant's handle, and a store that only he ever had. What
//! they say is told in words in which nothing but positions differ.

use super::calls::{
    Ask, CATEGORIES, Call, Change, Expected, Id, Item, KEYS, Listed, Made, PREFIXES, Range,
    STREAMS, TAGS, TYPES,
};
use annals::toolkit::{Events, Follow, Port, Received, Subscription, ToolError, Totals};
use annals::{
    AppendError, Appended, Commit, ConditionFailed, ExpectedVersion, IdCheck, Keys, NewEvent,
    Position, Query, QueryItem, Read, RecordedEvent, Revision, Timestamp, Uuid, Version,
};
use std::fmt::{Debug, Write};
use std::time::Duration;

/// The limit and the direction, for positions and for versions.
macro_rules! directed {
    ($read:expr, $range:expr) => {{
        let read = $range.limit.iter().fold($read, |read, limit| read.limit(*limit));
        if $range.backward { read.backward() } else { read }
    }};
}

/// One of the two.
pub struct Side<'a> {
    pub port: &'a Port,
    /// The positions of the tenant's events in the store that all share.
    pub own: &'a [u64],
    /// Whether this is the store that he alone has: its positions are 1, 2, 3.
    pub alone: bool,
}

impl Side<'_> {
    /// How many of the tenant's events stand up to this position of the shared store.
    fn up_to(&self, position: u64) -> u64 {
        self.own.iter().filter(|own| **own <= position).count() as u64
    }

    /// Up to here, as this side counts.
    fn upto(&self, position: u64) -> Position {
        Position::new(if self.alone { self.up_to(position) } else { position })
    }

    /// From here on, as this side counts.
    fn from(&self, position: u64) -> Position {
        let next = || self.up_to(position.saturating_sub(1)) + 1;
        Position::new(if self.alone { next() } else { position })
    }

    /// The number among the tenant's events of the one that stands here.
    fn shown(&self, position: Position) -> String {
        let position = position.get();
        if self.alone {
            return format!("#{position}");
        }
        let nth = self.own.iter().position(|own| *own == position);
        nth.map_or(format!("foreign {position}"), |nth| format!("#{}", nth + 1))
    }

    /// How many of the tenant's events have been looked at by whoever has looked up to here.
    fn marked(&self, position: Position) -> u64 {
        if self.alone { position.get() } else { self.up_to(position.get()) }
    }

    fn range(&self, range: &Range) -> Read<Position> {
        let mut read = Read::new();
        read = range.from.iter().fold(read, |read, at| read.from(self.from(*at)));
        read = range.after.iter().fold(read, |read, at| read.after(self.upto(*at)));
        read = range.to.iter().fold(read, |read, at| read.to(self.upto(*at)));
        read = range.before.iter().fold(read, |read, at| read.before(self.from(*at)));
        directed!(read, range)
    }

    fn commit(&self, made: &Made) -> Commit {
        let mut commit = Commit::new().durability(made.durability);
        for (stream, expected, events) in &made.parts {
            let stream = STREAMS[*stream];
            let expected = match expected {
                Expected::Any => ExpectedVersion::Any,
                Expected::NoStream => ExpectedVersion::NoStream,
                Expected::StreamExists => ExpectedVersion::StreamExists,
                Expected::Near(by) => {
                    let version = self.port.stream_version(stream).unwrap().get();
                    ExpectedVersion::Exact(Version::new(version.saturating_add_signed(*by)))
                }
            };
            let events = events.iter().map(|event| {
                let new = NewEvent::new(TYPES[event.event_type], vec![event.payload]);
                let new = new.tags(event.tags.iter().map(|tag| TAGS[*tag])).kind(event.kind);
                let [own, of, by] = event.ids.map(|id| id.map(Uuid::from_u128));
                let new = own.into_iter().fold(new, NewEvent::id);
                let new = of.into_iter().fold(new, NewEvent::correlation_id);
                let new = by.into_iter().fold(new, NewEvent::causation_id);
                event.metadata.iter().fold(new, |new, byte| new.metadata([*byte]))
            });
            commit = commit.append(stream, expected, events);
        }
        for (key, change, expected) in &made.documents {
            let (key, revision) = (KEYS[*key], expected.map(Revision::new));
            commit = match (change, revision) {
                (Change::Put(value), None) => commit.put(key, [*value]),
                (Change::Put(value), Some(revision)) => commit.put_over(key, revision, [*value]),
                (Change::Delete, None) => commit.delete(key),
                (Change::Delete, Some(revision)) => commit.delete_over(key, revision),
                (Change::Expect, revision) => {
                    commit.expect_document(key, revision.unwrap_or_default())
                }
            };
        }
        for (ask, after, unique) in &made.conditions {
            commit = match unique {
                true => commit.fail_if_exists(query(ask)),
                false => {
                    commit.fail_if_events_match(query(ask), self.upto(after.unwrap_or_default()))
                }
            };
        }
        commit.id_check(if made.checks_ids { IdCheck::On } else { IdCheck::Off })
    }

    /// What this side says to a commit.
    pub fn committed(&self, made: &Made) -> Result<Appended, ToolError> {
        self.port.commit(self.commit(made))
    }

    pub fn told_commit(&self, outcome: &Result<Appended, ToolError>) -> String {
        let Appended { first, last, versions, revisions, replayed, .. } = match outcome {
            Ok(appended) => appended,
            Err(error) => return self.told_error(error),
        };
        // Where it has no event, first is the one after last.
        let is_empty = first > last;
        let first = if is_empty { "none".to_owned() } else { self.shown(*first) };
        let last = self.marked(*last);
        format!("{first} to {last}, {versions:?}, {revisions:?}, replayed: {replayed}")
    }

    fn told_error(&self, error: &ToolError) -> String {
        let failed = |failed: &ConditionFailed| {
            let event = self.port.event(failed.position).unwrap();
            let Some(event) = event else { return format!("foreign {failed:?}") };
            assert_eq!(event.id, failed.id);
            format!("condition {} by {}", failed.condition, self.told(&event))
        };
        match error {
            ToolError::Append(AppendError::ConditionFailed(of)) => failed(of),
            ToolError::Append(AppendError::AlreadyExists(of)) => format!("exists: {}", failed(of)),
            ToolError::Append(AppendError::IdConflict(of)) => {
                let at = self.shown(of.position);
                format!("id {} is at {at}, {:?}", of.id, of.difference)
            }
            ToolError::Append(other) => format!("{other:?} {other}"),
            ToolError::Store(error) => format!("{:?} {error}", error.kind()),
            other => format!("{other:?}"),
        }
    }

    /// An event, without its position, and without an id that comes of it.
    fn told(&self, event: &RecordedEvent) -> String {
        let RecordedEvent { position, stream, version, id, id_given, event_type, .. } = event;
        let id = if *id_given { id.to_string() } else { "derived".to_owned() };
        format!(
            "{} {stream:?} {version} {id} {event_type:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            self.shown(*position),
            event.kind,
            event.tags,
            event.correlation_id,
            event.causation_id,
            event.recorded,
            event.metadata,
            event.payload,
        )
    }

    /// What a lent event says, held against what it says as an owned one.
    fn told_lent(&self, event: &Received<'_>) -> String {
        let owned = event.to_recorded().unwrap();
        assert_eq!(event.stream().unwrap(), owned.stream);
        assert_eq!(event.category().unwrap(), owned.category());
        assert_eq!(event.event_type().unwrap(), owned.event_type);
        assert_eq!(event.tags().unwrap(), owned.tags);
        for tag in TAGS {
            assert_eq!(event.has_tag(tag).unwrap(), owned.has_tag(tag), "{tag:?} of {owned:?}");
        }
        assert_eq!((event.id(), event.is_id_given()), (owned.id, owned.id_given));
        self.told(&owned)
    }

    fn told_events(&self, events: Result<Events, ToolError>) -> String {
        let mut events = match events {
            Ok(events) => events,
            Err(error) => return self.told_error(&error),
        };
        let mut text = String::new();
        while let Some(event) = events.next_event().unwrap() {
            writeln!(text, "{}", self.told_lent(&event)).unwrap();
        }
        text
    }

    fn told_totals(&self, totals: Result<Totals, ToolError>) -> String {
        let Totals { events, first, last, types, payload_bytes, .. } = totals.unwrap();
        let [first, last] = [first, last]
            .map(|moment| moment.map(|(position, at)| format!("{} {at}", self.shown(position))));
        format!("{events} {first:?} {last:?} {types:?} {payload_bytes}")
    }

    /// What this side says to a call that changes nothing. `ids` says what an id is here.
    pub fn asked(&self, call: &Call, id_of: impl Fn(&Id) -> Uuid) -> String {
        let port = self.port;
        match call {
            Call::Commit(_) | Call::Again(_) => unreachable!("it changes something"),
            Call::ReadAll(range) => {
                let read = self.range(range);
                let text = self.told_events(port.read_all(read));
                format!("{text}{}", self.marker(port.read_all(read)))
            }
            Call::ReadStream(stream, range) => {
                let bound = |at: &Option<u64>| at.map(Version::new);
                let mut read = Read::new();
                read = bound(&range.from).into_iter().fold(read, Read::from);
                read = bound(&range.after).into_iter().fold(read, Read::after);
                read = bound(&range.to).into_iter().fold(read, Read::to);
                read = bound(&range.before).into_iter().fold(read, Read::before);
                self.told_events(port.read_stream(STREAMS[*stream], directed!(read, range)))
            }
            Call::Query(ask, range) => {
                let read = self.range(range);
                let text = self.told_events(port.query(&query(ask), read));
                format!("{text}{}", self.marker(port.query(&query(ask), read)))
            }
            Call::Follow(ask, after) => {
                let after = self.upto(*after).min(port.head().unwrap());
                let follow = Follow::query(query(ask)).after(after).buffered();
                let mut subscription = match Subscription::new(port, follow) {
                    Ok(subscription) => subscription,
                    Err(error) => return self.told_error(&error),
                };
                let mut text = String::new();
                while let Some(event) = subscription.next_event(Duration::ZERO).unwrap() {
                    writeln!(text, "{}", self.told_lent(&event)).unwrap();
                }
                format!("{text}{}", self.marked(subscription.position()))
            }
            Call::Event(position) => {
                let is_own = self.own.contains(position);
                let at = if self.alone && !is_own { Position::START } else { self.upto(*position) };
                let found = port.event(at).unwrap();
                format!("{:?}", found.map(|event| self.told(&event)))
            }
            Call::EventById(id) => {
                let found = port.event_by_id(id_of(id)).unwrap();
                format!("{:?}", found.map(|event| self.told(&event)))
            }
            Call::Document(key) => {
                let found = port.document(KEYS[*key]).unwrap();
                format!("{:?}", found.map(|found| self.told_document(&found)))
            }
            Call::Documents(listed) => {
                let found = port.documents(keys(listed, &["", "k", "acme/", "~"], &KEYS)).unwrap();
                list(found.map(|found| self.told_document(&found.unwrap())))
            }
            Call::Version(stream) => {
                format!("{:?}", port.stream_version(STREAMS[*stream]).unwrap())
            }
            // In which order categories come is the one thing that is another.
            Call::Streams => {
                let mut names = port.streams().unwrap();
                names.sort_unstable();
                list(names)
            }
            Call::StreamsOf(category) => list(port.streams_of(CATEGORIES[*category]).unwrap()),
            Call::Categories => list(port.categories().unwrap()),
            Call::Tags(listed) => {
                list(port.tags(keys(listed, &["", "t", "acme", "v:"], &TAGS)).unwrap())
            }
            Call::Count => port.count().unwrap().to_string(),
            Call::Totals => self.told_totals(port.totals()),
            Call::StreamTotals(stream) => self.told_totals(port.stream_totals(STREAMS[*stream])),
            // The heads are the store's; of the tenant's events they show how many there are.
            Call::Head => self.marked(port.head().unwrap()).to_string(),
        }
    }

    fn told_document(&self, document: &annals::Document) -> String {
        let annals::Document { key, revision, head, recorded, value, .. } = document;
        format!("{key:?} {revision} after {} {recorded} {value:?}", self.marked(*head))
    }

    /// Up to where it has looked who has read all of it.
    fn marker(&self, events: Result<Events, ToolError>) -> String {
        let Ok(mut events) = events else { return String::new() };
        while events.next_event().unwrap().is_some() {}
        self.marked(events.marker()).to_string()
    }
}

fn list<T: Debug>(items: impl IntoIterator<Item = T>) -> String {
    format!("{:?}", items.into_iter().collect::<Vec<_>>())
}

fn keys(listed: &Listed, prefixes: &[&str], names: &[&str]) -> Keys {
    let mut keys = Keys::prefix(prefixes[listed.prefix]);
    keys = listed.after.iter().fold(keys, |keys, nth| keys.after(names[*nth]));
    keys = listed.before.iter().fold(keys, |keys, nth| keys.before(names[*nth]));
    keys = listed.limit.iter().fold(keys, |keys, limit| keys.limit(*limit));
    if listed.backward { keys.backward() } else { keys }
}

pub fn query(ask: &Ask) -> Query {
    match &ask.0 {
        None => Query::all(),
        Some(items) => Query::any(items.iter().map(query_item)),
    }
}

fn query_item(item: &Item) -> QueryItem {
    let mut asked = QueryItem::new()
        .types(item.types.iter().map(|nth| TYPES[*nth]))
        .tags(item.tags.iter().map(|nth| TAGS[*nth]));
    let [of, by] = item.ids.map(|id| id.map(Uuid::from_u128));
    let [since, until] = item.times.map(|time| time.map(Timestamp::from_micros));
    asked = item.stream.iter().fold(asked, |asked, nth| asked.stream(STREAMS[*nth]));
    asked = item.category.iter().fold(asked, |asked, nth| asked.category(CATEGORIES[*nth]));
    asked = item.prefix.iter().fold(asked, |asked, nth| asked.stream_prefix(PREFIXES[*nth]));
    asked = of.into_iter().fold(asked, QueryItem::correlation_id);
    asked = by.into_iter().fold(asked, QueryItem::causation_id);
    asked = item.kind.into_iter().fold(asked, QueryItem::kind);
    asked = since.into_iter().fold(asked, QueryItem::since);
    until.into_iter().fold(asked, QueryItem::until)
}
