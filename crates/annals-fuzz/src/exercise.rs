//! Everything that can be asked of a store, asked: each answer, and each error, will do, as long as
//! there is one.

use annals::{Chore, Commit, ExpectedVersion, Keys, NewEvent, Query, QueryItem, Read, Store, View};
use annals::{EventKind, Timestamp, Uuid, Version};

/// How much is asked for of what may lie about how much there is.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Events, names or documents of one reading.
    pub most: usize,
    /// Streams, documents and events that are asked for by themselves.
    pub single: usize,
}

impl Effort {
    /// All there is.
    pub const ALL: Self = Self { most: usize::MAX, single: usize::MAX };
    /// As much as a fuzzer has time for.
    pub const LITTLE: Self = Self { most: 24, single: 2 };
}

/// A way of asking; it says how many events, documents or names were read.
pub type Question = fn(&View, Effort) -> u64;

/// Every way of asking.
pub const QUESTIONS: [(&str, Question); 5] = [
    ("events", events),
    ("streams", streams),
    ("queries", queries),
    ("documents", documents),
    ("names", names),
];

/// Asks for everything by every way; returns how much was read.
pub fn read_everything(store: &Store, effort: Effort) -> u64 {
    let _ = (store.stats(), store.health(), store.durable(), store.recovery_report().events);
    let Ok(view) = store.view() else { return 0 };
    QUESTIONS.iter().map(|(_, ask)| ask(&view, effort)).sum()
}

fn events(view: &View, effort: Effort) -> u64 {
    let mut read = 0;
    for range in [Read::new(), Read::new().backward()] {
        let mut cursor = view.all(range.limit(effort.most as u64));
        while let Ok(Some(event)) = cursor.next_event() {
            read += 1;
            let _ = (event.stream(), event.event_type(), event.id());
            let _ = event.tags().map(|tags| tags.iter().map(str::len).sum::<usize>());
        }
    }
    let head = view.head().get();
    let near = [1, 2, head / 2, head.saturating_sub(1), head, head.saturating_add(1), u64::MAX];
    for position in near {
        let id = view.event(position).ok().flatten().map(|event| event.id);
        let _ = view.event_by_id(id.unwrap_or_default());
    }
    read
}

fn streams(view: &View, effort: Effort) -> u64 {
    let mut read = 0;
    let names: Vec<String> = view.streams().take(effort.most).map_while(Result::ok).collect();
    let names = names.iter().map(String::as_str).take(effort.single);
    for stream in names.chain(["a-1", "b", "nobody"]) {
        let version = view.stream_version(stream).unwrap_or_default();
        for range in [Read::new(), Read::new().backward(), Read::new().from(version)] {
            read += view.stream(stream, range).take(effort.most).count() as u64;
        }
        let from = Read::new().from(Version::new(u64::MAX - 1));
        read += view.stream(stream, from).take(effort.most).count() as u64;
    }
    for stream in ["a-1", "b"] {
        let _ = (view.stream_summary(stream), view.verify_stream(stream));
    }
    for category in view.categories().unwrap_or_default().iter().take(effort.single) {
        let _ = view.streams_of(category).take(effort.most).count();
    }
    read
}

fn queries(view: &View, effort: Effort) -> u64 {
    let items = [
        QueryItem::new().event_type("Kind1").tag("t:1"),
        QueryItem::new().category("a").stream_prefix("a-"),
        QueryItem::new().kind(EventKind::Domain),
        QueryItem::new().correlation_id(Uuid::from_u128(5)).since(Timestamp::from_micros(0)),
    ];
    let mut read = 0;
    let whole = Query::any(items.clone());
    for query in items.map(Query::from).iter().chain([&whole]) {
        for range in [Read::new(), Read::new().backward()] {
            let found = view.query(query, range);
            read += found.map_or(0, |cursor| cursor.take(effort.most).count()) as u64;
        }
    }
    read
}

fn documents(view: &View, effort: Effort) -> u64 {
    let mut read = 0;
    for keys in [Keys::all(), Keys::all().backward(), Keys::prefix("d/").limit(3)] {
        read += view.documents(&keys).take(effort.most).count();
    }
    let mut documents = view.documents(&Keys::all());
    let keys = std::iter::from_fn(|| documents.next_key().ok().flatten());
    for key in keys.take(effort.single).map(|(key, _)| key).collect::<Vec<_>>() {
        let _ = view.document(&key);
    }
    let _ = (view.document("d/1"), view.document("gone"));
    read as u64
}

fn names(view: &View, effort: Effort) -> u64 {
    let mut read = 0;
    for keys in [Keys::all(), Keys::all().backward(), Keys::all().after("M").before("t")] {
        read += view.types(&keys).take(effort.most).count();
        read += view.tags(&keys).take(effort.most).count();
    }
    let _ = view.summary();
    read as u64
}

/// Commits to a store that may lie, and does its chores: it may refuse anything.
pub fn write_something(store: &Store, commits: u32) {
    for nth in 0..commits {
        let event = NewEvent::new("Fuzzed", "x").tag("t:1");
        let commit = Commit::new().append(format!("a-{}", nth % 5), ExpectedVersion::Any, [event]);
        let _ = store.commit(commit.put(format!("d/{}", nth % 3), "y"));
        let _ = store.chore(Chore::Index);
    }
    for chore in [Chore::Prepare, Chore::Sync, Chore::Mark, Chore::Index] {
        let _ = store.chore(chore);
    }
}
