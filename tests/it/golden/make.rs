//! How the golden files of format version 1 were made.
//!
//! **They are never regenerated.** They are what the first release wrote, and every 1.x has to read
//! exactly those bytes; that a later writer would arrange the same events otherwise is no reason to
//! touch them. A new format version gets a new folder, and files of its own. So this refuses to
//! write where a file is: `cargo test --test it golden::make -- --ignored` fails as long as they
//! are there.
//!
//! Clock, seeds and ids are fixed, so they are the same each time, but for the id and the key of
//! what was compacted. The page that says which process has the store open is zeroed.

use super::folder;
use super::listing::{self, Listing};
use annals::storage::MemoryStorage;
use annals::{
    Chore, Clock, Commit, Durability, EventKind, Keys, NewEvent, Options, Read, Revision, Store,
    Timestamp, Uuid,
};
use flate2::{Compression, GzBuilder};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// 2026-01-02T03:04:05Z.
const BEGIN: i64 = 1_767_323_045_000_000;
const SECOND: i64 = 1_000_000;
const HOLDER_PAGE: Range<usize> = 12_288..16_384;

/// A clock that stands still but when it is told.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

impl Hand {
    fn move_by(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::Relaxed);
    }
}

/// A store that is being made.
struct Maker {
    disk: Arc<MemoryStorage>,
    options: Options,
    clock: Hand,
    store: Store,
    commits: u64,
    /// Records of documents.
    changes: u64,
    deleted: Vec<(String, Revision)>,
}

impl Maker {
    fn new(seed: u64, options: impl FnOnce(Options) -> Options) -> Self {
        let clock = Hand(Arc::new(AtomicI64::new(BEGIN)));
        let disk = Arc::new(MemoryStorage::new());
        let options = options(Options::new().without_keeper().seed(seed).clock(clock.clone()));
        let store = options.open_storage(disk.clone()).unwrap();
        Self { disk, options, clock, store, commits: 0, changes: 0, deleted: Vec::new() }
    }

    fn commit(&mut self, commit: Commit) {
        let done = self.store.commit(commit).unwrap();
        self.commits += 1;
        self.changes += done.revisions.len() as u64;
        self.clock.move_by(SECOND);
    }

    fn delete(&mut self, key: &str) {
        let done = self.store.delete(key).unwrap();
        self.deleted.push((key.to_owned(), done.revision()));
        self.commits += 1;
        self.changes += 1;
        self.clock.move_by(SECOND);
    }

    fn close_and_open(&mut self) {
        self.store.close().unwrap();
        self.store = self.options.open_storage(self.disk.clone()).unwrap();
    }

    /// What the store says now.
    fn listing(&self, ending: &str) -> Listing {
        let store = &self.store;
        let events = store.read_all(Read::new()).unwrap().map(Result::unwrap);
        let documents = store.documents(Keys::all()).unwrap().map(Result::unwrap);
        Listing {
            store: json!({
                "store": store.id().to_string(),
                "ending": ending,
                "commits": self.commits,
                "document_records": self.changes,
            }),
            events: events.map(|event| listing::event(&event)).collect(),
            documents: documents.map(|document| listing::document(&document)).collect(),
            deleted: self.deleted.clone(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        without_holder(self.disk.to_bytes())
    }
}

fn without_holder(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[HOLDER_PAGE].fill(0);
    bytes
}

fn write(name: &str, bytes: &[u8], listing: &Listing) {
    let create = |file: String| {
        let path = folder().join(file);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        file.unwrap_or_else(|error| panic!("'{}' is not made again: {error}", path.display()))
    };
    let file = create(format!("{name}.annals.gz"));
    let mut packed = GzBuilder::new().write(file, Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap();
    create(format!("{name}.jsonl")).write_all(listing.to_text().as_bytes()).unwrap();
    println!("{name}: {} bytes, CRC-32 {:#010x}", bytes.len(), crc32fast::hash(bytes));
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | number)
}

fn event(event_type: &str, payload: &str) -> NewEvent {
    NewEvent::new(event_type, payload)
}

/// Ten numbers from `first` on, one a line, again and again: `length` bytes of them.
fn lines(first: u64, length: usize) -> Vec<u8> {
    let ten: String = (first..first + 10).map(|number| format!("{number}\n")).collect();
    ten.into_bytes().into_iter().cycle().take(length).collect()
}

/// A bit of everything.
fn everything(maker: &mut Maker) {
    let placed = event("OrderPlaced", r#"{"total": 12}"#).id(id(1)).correlation_id(id(0xc0));
    let placed = placed.tags(["customer:7", "customer:7", "größe:✓"]).metadata(r#"{"by": "ann"}"#);
    let placed = placed.occurred(Timestamp::from_micros(BEGIN - 86_400 * SECOND));
    maker.commit(Commit::new().append("order-1", 0, [placed]));

    let paid = event("OrderPaid", r#"{"by": "card"}"#).kind(EventKind::Integration);
    let paid = paid.schema_version(2).correlation_id(id(0xc0)).causation_id(id(1));
    let booked = event("AmountBooked", "12").kind(EventKind::Fat).metadata("").tag("customer:7");
    let booked = booked.schema_version(u16::MAX).causation_id(id(1));
    maker.commit(Commit::new().append("order-1", 1, [paid]).append("account-7", 0, [booked]));

    let empty = event("Größe ✓", "").kind(EventKind::Trigger).id(id(2)).tag("日本");
    let bits = NewEvent::new("Bits", [0, 255, 10, 254]).metadata([255]).tag("customer:7");
    let bits = bits.occurred(Timestamp::from_micros(-1));
    let commit = Commit::new().event("日本-ü", empty).event("plain", bits);
    maker.commit(commit.event("日本-ü", event("OrderPaid", "again").tag("t:1").tag("t:0")));

    maker.commit(Commit::new().put("checkpoint/a", "3").put("empty", "").put("snapshot/ü", "old"));
    let all: Vec<u8> = (0..=255).collect();
    let commit = Commit::new().append("order-1", 2, [event("OrderSent", "{}").tag("customer:7")]);
    maker.commit(commit.put_over("snapshot/ü", 1, all).put("order-1/state", r#"{"sent": true}"#));
    maker.delete("checkpoint/a");
    maker.delete("never/there");

    // The clock goes back, the recorded time does not.
    maker.clock.move_by(-60 * SECOND);
    let long = format!("long-{}", "x".repeat(1_019));
    let commit = Commit::new().event(long, event("Noted", "a name of 1,024 bytes").id(id(3)));
    maker.commit(commit.durability(Durability::Strict));
    maker.clock.move_by(120 * SECOND);
}

fn closed() -> Maker {
    let mut maker = Maker::new(1, |options| options);
    everything(&mut maker);
    maker.close_and_open();
    // Larger than the segment that there is.
    let large = NewEvent::new("Measured", lines(1, 100_000)).tag("customer:7").id(id(4));
    maker.commit(Commit::new().append("sensor-1", 0, [large]));
    let small = [event("Measured", "1"), event("Measured", "2").correlation_id(id(0xc0))];
    maker.commit(Commit::new().append("sensor-1", 1, small).put("order-1/state", "{}"));
    maker.delete("empty");
    maker
}

/// Commits of a writer that never closes the store: synced ones, then some that are only buffered.
fn unclosed(seed: u64, options: impl FnOnce(Options) -> Options) -> Maker {
    let mut maker = Maker::new(seed, options);
    everything(&mut maker);
    maker.close_and_open();
    for version in 0..3 {
        let event =
            event("Moved", "{}").tag(format!("step:{version}")).id(id(16 + u128::from(version)));
        maker.commit(Commit::new().append("robot-1", version, [event]).put("robot-1", "synced"));
    }
    maker.delete("empty");
    for version in 3..6 {
        let event = event("Moved", "{}").tag(format!("step:{version}")).correlation_id(id(0xc0));
        let commit = Commit::new().append("robot-1", version, [event]).put("robot-1", "buffered");
        maker.commit(commit.durability(Durability::Buffered));
    }
    assert_eq!(maker.store.head().unwrap().get() - maker.store.durable().get(), 3);
    maker
}

#[test]
#[ignore = "golden files are made once"]
fn make_closed() {
    let maker = closed();
    let listing = maker.listing("Closed");
    maker.store.close().unwrap();
    write("closed", &maker.bytes(), &listing);
}

/// As a process leaves it that is killed.
#[test]
#[ignore = "golden files are made once"]
fn make_crashed() {
    let maker = unclosed(2, |options| options);
    write("crashed", &maker.bytes(), &maker.listing("Whole"));
}

/// As a power cut leaves it: of the last commit, which is some pages long, the device has the first
/// half. Each commit begins in a sector of its own.
#[test]
#[ignore = "golden files are made once"]
fn make_torn() {
    let maker = unclosed(3, Options::pad_to_sector);
    let (before, listing) = (maker.bytes(), maker.listing("Torn"));
    let torn = NewEvent::new("Moved", lines(1, 9_000)).tag("torn");
    let torn = Commit::new().append("robot-1", 6, [torn]).put("robot-1", "torn");
    maker.store.commit(torn.durability(Durability::Buffered)).unwrap();
    let mut bytes = maker.bytes();
    let changed = |&nth: &usize| bytes[nth] != before[nth];
    let first = (0..bytes.len()).find(changed).unwrap();
    let last = (0..bytes.len()).rfind(changed).unwrap();
    assert!(last - first > 8_000 && last - first < 10_000, "{first} to {last}");
    let cut = (first + last) / 2 / 512 * 512;
    bytes[cut..=last].copy_from_slice(&before[cut..=last]);
    write("torn", &bytes, &listing);
}

/// An index of runs that were merged and merged again, a log of more segments than a slot names.
#[test]
#[ignore = "golden files are made once"]
fn make_merged() {
    let mut maker = Maker::new(4, |options| options.segments(4_096, 4_096).tail(6, u64::MAX));
    for nth in 0..220_u64 {
        let tagged = |name: &str| event(name, "").tag(format!("third:{}", nth % 3));
        let mut commit = Commit::new();
        if nth.is_multiple_of(4) {
            let given = tagged("Given").id(id(0x100 + u128::from(nth))).tag("given");
            commit = commit.event("given", given.correlation_id(id(0xc0 + u128::from(nth % 8))));
        }
        let payload = lines(nth, 300 + (nth as usize * 37) % 400);
        let counted = NewEvent::new(format!("Counted{}", nth % 5), payload).tag(format!("n:{nth}"));
        commit = commit.event(format!("count-{}", nth % 13), counted);
        if nth.is_multiple_of(3) {
            commit = commit.put(format!("count/{}", nth % 17), nth.to_string());
        }
        if nth == 10 {
            commit = commit.put("gone/1", "soon");
        }
        maker.commit(commit);
        if nth == 30 {
            maker.delete("gone/1");
        }
        if nth % 40 == 39 {
            maker.delete(&format!("count/{}", nth % 17));
        }
        maker.store.chore(Chore::Index).unwrap();
    }
    // What was put again after it was deleted is there.
    let there = |key: &str| maker.store.document(key).unwrap().is_some();
    let deleted = maker.deleted.iter().filter(|(key, _)| !there(key)).cloned().collect();
    maker.deleted = deleted;
    let listing = maker.listing("Closed");
    let stats = maker.store.stats().unwrap();
    assert!(stats.index.levels >= 2 && stats.index.runs >= 4, "{stats:?}");
    assert!(stats.segments > 32, "{stats:?}");
    maker.store.close().unwrap();
    write("merged", &maker.bytes(), &listing);
}

/// A copy without what was replaced and deleted: of some documents the first revision that it has
/// is not 1, and all ids are written out. Its own id and key are random, here too.
#[test]
#[ignore = "golden files are made once"]
fn make_compacted() {
    let maker = closed();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("compacted.annals");
    let report = maker.store.compact_to(&path).unwrap();
    let mut listing = maker.listing("Closed");
    listing.deleted.clear();
    for event in &mut listing.events {
        event["id_given"] = true.into();
    }
    listing.store["store"] = Store::open_read_only(&path).unwrap().id().to_string().into();
    listing.store["commits"] = report.commits.into();
    listing.store["document_records"] = report.documents.into();
    assert!(listing.documents.iter().any(|document| document["revision"] == 2));
    write("compacted", &without_holder(std::fs::read(&path).unwrap()), &listing);
}
