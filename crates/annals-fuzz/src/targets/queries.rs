//! Queries, in both directions, of stores with tables and runs: the answer is what a plain filter
//! over all events gives.

use crate::images::{images, options};
use annals::storage::MemoryStorage;
use annals::{
    EventKind, Position, Query, QueryItem, Read, RecordedEvent, Store, Timestamp, Uuid, View,
};
use arbitrary::{Arbitrary, Result, Unstructured};
use std::cell::OnceCell;
use std::sync::Arc;

/// A store, and all that it has.
struct Asked {
    // A view ends with its store.
    _store: Store,
    view: View,
    events: Vec<RecordedEvent>,
}

/// See the module.
pub fn run(bytes: &[u8]) {
    let _ = ask(&mut Unstructured::new(bytes));
}

fn ask(input: &mut Unstructured<'_>) -> Result<()> {
    while !input.is_empty() {
        let nth = usize::from(input.arbitrary::<u8>()?);
        let (items, range) = (items(input)?, range(input)?);
        STORES.with(|stores| {
            let stores = stores.get_or_init(stores_of_all_sorts);
            check(&stores[nth % stores.len()], &items, range);
        });
    }
    Ok(())
}

thread_local! {
    /// Made once in each thread: none waits for another.
    static STORES: OnceCell<Vec<Asked>> = const { OnceCell::new() };
}

/// Stores with runs alone, a table alone, both; and some longer ones.
fn stores_of_all_sorts() -> Vec<Asked> {
    let asked = |bytes: &[u8]| {
        let disk = Arc::new(MemoryStorage::from_bytes(bytes.to_vec()));
        let store = options().open_storage(disk).expect("a healthy store opens");
        let view = store.view().expect("it is open");
        let events: Result<Vec<_>, _> = view.all(Read::new()).collect();
        Asked { _store: store, view, events: events.expect("each event is read") }
    };
    images().iter().map(|image| asked(&image.bytes)).collect()
}

/// What is asked for of an event.
#[derive(Default, Debug)]
struct Item {
    types: Vec<String>,
    tags: Vec<String>,
    stream: Option<String>,
    category: Option<String>,
    prefix: Option<String>,
    kind: Option<EventKind>,
    correlation: Option<Uuid>,
    causation: Option<Uuid>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// Nothing for all events.
fn items(input: &mut Unstructured<'_>) -> Result<Option<Vec<Item>>> {
    let count = input.arbitrary::<u8>()? % 5;
    if count == 0 {
        return Ok(None);
    }
    (0..count).map(|_| item(input)).collect::<Result<_>>().map(Some)
}

fn item(input: &mut Unstructured<'_>) -> Result<Item> {
    let mut item = Item::default();
    let parts: u16 = input.arbitrary()?;
    let asks = |bit: u16| parts & 1 << bit != 0;
    // So many different ones, some of which nobody has.
    let mut number = |most: u8| -> Result<u8> { Ok(input.arbitrary::<u8>()? % most) };
    for _ in 0..parts & 3 {
        item.types.push(format!("Kind{}", number(4)?));
    }
    for _ in 0..parts >> 2 & 3 {
        item.tags.push(match number(24)? {
            0..3 => "t:1".to_owned(),
            nth => format!("nth:{nth}"),
        });
    }
    if asks(4) {
        item.stream = Some(match number(8)? {
            0 => "b".to_owned(),
            nth => format!("a-{}", nth - 1),
        });
    }
    if asks(5) {
        item.category = Some(["a", "b", "c", ""][usize::from(number(4)?)].to_owned());
    }
    if asks(6) {
        let prefixes = ["a", "a-", "a-1", "b", "", "c", "a-1x", "-"];
        item.prefix = Some(prefixes[usize::from(number(8)?)].to_owned());
    }
    if asks(7) {
        let kinds = [EventKind::Domain, EventKind::Integration, EventKind::Trigger, EventKind::Fat];
        item.kind = Some(kinds[usize::from(number(4)?)]);
    }
    let mut id = |bit| -> Result<Option<Uuid>> {
        Ok(if asks(bit) { Some(Uuid::from_u128(number(8)?.into())) } else { None })
    };
    (item.correlation, item.causation) = (id(8)?, id(9)?);
    let mut time = |bit| -> Result<Option<Timestamp>> {
        let micros = 1_700_000_000_000_000 - 20;
        Ok(if asks(bit) {
            Some(Timestamp::from_micros(micros + i64::from(number(120)?)))
        } else {
            None
        })
    };
    (item.since, item.until) = (time(10)?, time(11)?);
    Ok(item)
}

impl Item {
    fn query(&self) -> QueryItem {
        let item = QueryItem::new().types(self.types.clone()).tags(self.tags.clone());
        let item = self.stream.iter().fold(item, QueryItem::stream);
        let item = self.category.iter().fold(item, QueryItem::category);
        let item = self.prefix.iter().fold(item, QueryItem::stream_prefix);
        let item = self.kind.into_iter().fold(item, QueryItem::kind);
        let item = self.correlation.into_iter().fold(item, QueryItem::correlation_id);
        let item = self.causation.into_iter().fold(item, QueryItem::causation_id);
        let item = self.since.into_iter().fold(item, QueryItem::since);
        self.until.into_iter().fold(item, QueryItem::until)
    }

    fn means(&self, event: &RecordedEvent) -> bool {
        let is =
            |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|it| it == found);
        let category = event.stream.split('-').next().unwrap_or_default();
        (self.types.is_empty() || self.types.contains(&event.event_type))
            && self.tags.iter().all(|tag| event.tags.contains(tag))
            && is(&self.stream, &event.stream)
            && is(&self.category, category)
            && self.prefix.as_ref().is_none_or(|prefix| event.stream.starts_with(prefix))
            && self.kind.is_none_or(|kind| event.kind == kind)
            && self.correlation.is_none_or(|id| event.correlation_id == Some(id))
            && self.causation.is_none_or(|id| event.causation_id == Some(id))
            && self.since.is_none_or(|since| event.recorded >= since)
            && self.until.is_none_or(|until| event.recorded <= until)
    }

    /// Whether it asks for something: one that does not is refused.
    fn is_empty(&self) -> bool {
        let texts = [&self.stream, &self.category, &self.prefix];
        let ids = [self.correlation, self.causation];
        let times = [self.since, self.until];
        self.types.is_empty()
            && self.tags.is_empty()
            && texts.iter().all(|text| text.is_none())
            && self.kind.is_none()
            && ids.iter().all(Option::is_none)
            && times.iter().all(Option::is_none)
    }
}

/// From, to, limit; backward.
#[derive(Clone, Copy, Arbitrary, Debug)]
struct Range {
    from: u8,
    to: u8,
    limit: u8,
    how: u8,
}

impl Range {
    /// Its bounds, the least and the greatest position; a limit; whether it goes backward.
    fn bounds(self) -> (u64, u64, u64, bool) {
        let asks = |bit: u8| self.how & 1 << bit != 0;
        let from = if asks(0) { u64::from(self.from) } else { 0 };
        let to = if asks(1) { u64::from(self.to) } else { u64::MAX };
        let limit = if asks(2) { u64::from(self.limit % 32) } else { u64::MAX };
        (from, to, limit, asks(3))
    }

    fn read(self) -> Read<Position> {
        let (from, to, limit, backward) = self.bounds();
        let read = Read::new().from(from).to(to).limit(limit);
        if backward { read.backward() } else { read }
    }
}

fn range(input: &mut Unstructured<'_>) -> Result<Range> {
    input.arbitrary()
}

fn check(asked: &Asked, items: &Option<Vec<Item>>, range: Range) {
    let query = match items {
        None => Query::all(),
        Some(items) => Query::any(items.iter().map(Item::query)),
    };
    let found = asked.view.query(&query, range.read());
    if items.iter().flatten().any(Item::is_empty) {
        assert!(found.is_err(), "an item that asks for nothing");
        return;
    }
    let found: Result<Vec<_>, _> = found.expect("the query means something").collect();
    let found: Vec<_> =
        found.expect("each is read").iter().map(|event| event.position.get()).collect();
    let (from, to, limit, backward) = range.bounds();
    let means = |event: &&RecordedEvent| {
        let position = event.position.get();
        let items = items.as_ref();
        (from..=to).contains(&position)
            && items.is_none_or(|items| items.iter().any(|item| item.means(event)))
    };
    let wanted = asked.events.iter().filter(means).map(|event| event.position.get());
    let mut wanted: Vec<u64> = wanted.collect();
    if backward {
        wanted.reverse();
    }
    wanted.truncate(limit as usize);
    assert_eq!(found, wanted, "{items:?} {range:?}");
}

/// Healthy ones to begin with.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut random = annals_sim::Random::new(10);
    (0..40_usize).map(|nth| (0..12 + nth * 2).map(|_| random.byte()).collect()).collect()
}
