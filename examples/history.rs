//! History: some days of two accounts and a card, and all the ways to look back at them.
//!
//! By category, type, stream, version and time, forwards and backwards; the state at a version or a
//! moment, with snapshots that are pruned; in batches that remember how far they came; live, as
//! events come in; and what the store counts and verifies.
//!
//! `cargo run --example history`

use annals::{
    Clock, Commit, Cursor, Event, Keys, NewEvent, Options, Query, QueryItem, Read, Store, Timestamp,
};
use serde_json::{Value, json};
use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut stdout().lock())
}

/// Prints what happens.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let calendar = Calendar::default();
    // A clock of our own, so that it is the same story each time.
    let store = Options::new().clock(calendar.clone()).in_memory()?;
    live_through(&store, &calendar)?;
    look_up(&store, out)?;
    look_back(&store, out)?;
    keep_snapshots(&store, out)?;
    work_in_batches(&store, out)?;
    follow(&store, out)?;
    count_and_verify(&store, out)
}

/// An event a day, so positions are days here. Who did it stands in the metadata.
fn live_through(store: &Store, calendar: &Calendar) -> Result<(), Box<dyn Error>> {
    for (stream, holder, event_type, amount) in [
        ("account-1", "ann", "Opened", 0),
        ("account-1", "ann", "Deposited", 100),
        ("account-2", "bob", "Opened", 0),
        ("account-1", "ann", "Withdrawn", 30),
        ("card-9", "ann", "Issued", 0),
        ("account-2", "bob", "Deposited", 50),
        ("account-1", "ann", "Deposited", 15),
        ("card-9", "ann", "Used", 20),
        ("account-1", "ann", "Withdrawn", 20),
        ("account-2", "bob", "Deposited", 25),
    ] {
        let event = NewEvent::new(event_type, amount.to_string()).tag(format!("holder:{holder}"));
        let event = event.metadata(json!({ "created_by": holder }).to_string());
        store.commit(Commit::new().event(stream, event))?;
        calendar.next_day();
    }
    Ok(())
}

/// By category, type, stream, versions and times; up and down, so many at most.
fn look_up(store: &Store, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut show = |what: &str, events: Cursor| -> Result<(), Box<dyn Error>> {
        let events: Vec<_> = events.collect::<Result<_, _>>()?;
        let events: Vec<_> = events
            .iter()
            .map(|event| format!("#{} {}", event.position, event.event_type))
            .collect();
        Ok(writeln!(out, "{what:<22} {}", events.join(", "))?)
    };
    let find = |item: QueryItem, read| store.query(&Query::from(item), read);
    let all = Read::new();
    show("category card", find(QueryItem::new().category("card"), all)?)?;
    show("type Withdrawn", find(QueryItem::new().event_type("Withdrawn"), all)?)?;
    let newest = Read::new().backward().limit(2);
    show("two newest deposits", find(QueryItem::new().event_type("Deposited"), newest)?)?;
    show("of ann since day 5", find(QueryItem::new().tag("holder:ann").since(day(5)), all)?)?;
    show("stream account-2", store.read_stream("account-2", Read::new())?)?;
    show("account-1, v2 to v4", store.read_stream("account-1", Read::new().from(2).to(4))?)?;
    show("account-1, newest", store.read_stream("account-1", Read::new().backward().limit(1))?)?;
    show("day 3 to day 5", find(QueryItem::new().since(day(3)).until(day(5)), all)?)
}

/// What is in an account; `version` says as of which of its events.
#[derive(Default)]
struct Balance {
    version: u64,
    amount: i64,
}

impl Balance {
    fn apply(&mut self, event: &Event<'_>) -> Result<(), Box<dyn Error>> {
        let amount: i64 = serde_json::from_slice(event.payload)?;
        match event.event_type()? {
            "Deposited" => self.amount += amount,
            "Withdrawn" => self.amount -= amount,
            _ => {}
        }
        self.version = event.version.get();
        Ok(())
    }

    fn and(mut self, mut events: Cursor) -> Result<Self, Box<dyn Error>> {
        while let Some(event) = events.next_event()? {
            self.apply(&event)?;
        }
        Ok(self)
    }

    fn to_json(&self) -> String {
        json!({ "version": self.version, "amount": self.amount }).to_string()
    }

    /// Nothing if it is no snapshot that we know: then all events are read.
    fn from_json(bytes: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            version: value.get("version")?.as_u64()?,
            amount: value.get("amount")?.as_i64()?,
        })
    }
}

/// The state at a version, and at a moment.
fn look_back(store: &Store, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    for version in [1, 2, 3, 5] {
        let events = store.read_stream("account-1", Read::new().to(version))?;
        let balance = Balance::default().and(events)?;
        writeln!(out, "account-1 had {:>3} at version {version}", balance.amount)?;
    }
    for nth in [3, 8] {
        let until = Query::from(QueryItem::new().stream("account-1").until(day(nth)));
        let balance = Balance::default().and(store.query(&until, Read::new())?)?;
        writeln!(out, "account-1 had {:>3} on day {nth}", balance.amount)?;
    }
    Ok(())
}

/// Snapshots are documents. Keys are listed in their order, so the newest comes last.
fn key(stream: &str, version: u64) -> String {
    format!("snapshot/{stream}/{version:020}")
}

/// The state at a version: the newest snapshot up to there, and the events since.
fn state(store: &Store, stream: &str, version: u64) -> Result<Balance, Box<dyn Error>> {
    let view = store.view()?;
    let up_to = Keys::prefix(format!("snapshot/{stream}/")).before(key(stream, version + 1));
    let snapshot = view.documents(&up_to.backward().limit(1)).next().transpose()?;
    let balance = snapshot.and_then(|snapshot| Balance::from_json(&snapshot.value));
    let balance = balance.unwrap_or_default();
    let since = Read::new().after(balance.version).to(version);
    balance.and(view.stream(stream, since))
}

/// Four snapshots are made, and all but the two newest deleted, in one commit.
fn keep_snapshots(store: &Store, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let stream = "account-1";
    for version in 1..=4 {
        store.put(key(stream, version), state(store, stream, version)?.to_json())?;
    }
    let all = Keys::prefix("snapshot/account-1/");
    let list = || -> Result<Vec<String>, annals::Error> {
        let mut keys = Vec::new();
        // Values are not read.
        let mut documents = store.documents(all.clone().backward())?;
        while let Some((key, _)) = documents.next_key()? {
            keys.push(key);
        }
        Ok(keys)
    };
    let old: Vec<String> = list()?.into_iter().skip(2).collect();
    writeln!(out, "pruning all snapshots but two: {} go", old.len())?;
    // A commit of nothing is refused.
    if !old.is_empty() {
        store.commit(old.into_iter().fold(Commit::new(), Commit::delete))?;
    }
    for key in list()? {
        writeln!(out, "  kept {key}")?;
    }
    if let Some(newest) = store.documents(all.backward().limit(1))?.next().transpose()? {
        writeln!(out, "the newest: {}", String::from_utf8_lossy(&newest.value))?;
    }
    let version = store.stream_version(stream)?;
    let balance = state(store, stream, version.get())?;
    writeln!(out, "with the events since: {} at version {version}", balance.amount)?;
    Ok(())
}

/// Deposits, two at a time. What was found and how far it came are one document: it is never
/// counted twice, and goes on where it was, also in another process.
fn work_in_batches(store: &Store, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let deposits = Query::from(QueryItem::new().event_type("Deposited"));
    let all = store.types(Keys::prefix("Deposited"))?.next().transpose()?;
    let all = all.map_or(0, |deposited| deposited.events);
    let mut done = 0;
    loop {
        let before = store.document("deposits")?;
        let revision = before.as_ref().map(|document| document.revision).unwrap_or_default();
        let report: Value = match &before {
            Some(document) => serde_json::from_slice(&document.value)?,
            None => json!({ "batch": 0, "sum": 0, "after": 0 }),
        };
        let number = |key: &str| report.get(key).and_then(Value::as_u64).unwrap_or(0);
        let read = Read::new().after(number("after")).limit(2);
        let (events, marker) = store.query(&deposits, read)?.events_and_marker()?;
        if events.is_empty() {
            return Ok(());
        }
        let mut sum = number("sum");
        for event in &events {
            sum += serde_json::from_slice::<u64>(&event.payload)?;
        }
        let batch = number("batch") + 1;
        done += events.len();
        let report = json!({ "batch": batch, "sum": sum, "after": marker.get() });
        store.commit(Commit::new().put_over("deposits", revision, report.to_string()))?;
        writeln!(out, "batch {batch}: {done} of {all} deposits, {sum} in all")?;
    }
}

/// Waits for events of the card as another thread appends them.
fn follow(store: &Store, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let cards = Query::from(QueryItem::new().category("card"));
    let mut after = store.head()?;
    let writer = {
        let store = store.clone();
        thread::spawn(move || {
            for stream in ["card-9", "account-2", "card-9", "card-9"] {
                store.commit(Commit::new().event(stream, NewEvent::new("Used", "5")))?;
            }
            Ok::<(), annals::AppendError>(())
        })
    };
    let mut seen = 0;
    while seen < 3 && store.wait(after, Duration::from_secs(60))? > after {
        let mut news = store.query(&cards, Read::new().after(after))?;
        while let Some(event) = news.next_event()? {
            writeln!(out, "live: #{} {} {}", event.position, event.stream()?, event.event_type()?)?;
            seen += 1;
        }
        // What does not match is behind us, too.
        after = news.marker();
    }
    Ok(writer.join().map_err(|_| "the writer panicked")??)
}

fn count_and_verify(store: &Store, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let summary = store.summary()?;
    let days = summary
        .first
        .zip(summary.last)
        .map(|(first, last)| format!(", from {} to {}", date(first.recorded), date(last.recorded)));
    let (events, days) = (summary.events, days.unwrap_or_default());
    writeln!(out, "{events} events, {} bytes of payload{days}", summary.payload_bytes)?;
    for counted in &summary.types {
        writeln!(out, "  {:<10} {}", counted.name, counted.events)?;
    }
    let card = store.stream_summary("card-9")?;
    let types: Vec<_> = card.types.iter().map(|it| format!("{} {}", it.events, it.name)).collect();
    writeln!(out, "card-9: {} events, {}", card.events, types.join(", "))?;
    for tag in store.tags(Keys::prefix("holder:"))? {
        let tag = tag?;
        writeln!(out, "tag {}: {} events", tag.name, tag.events)?;
    }
    let report = store.verify_stream("account-1")?;
    let whole = |whole| if whole { "whole" } else { "not whole" };
    writeln!(out, "account-1: {} events, {}", report.events, whole(report.is_whole()))?;
    let report = store.verify()?;
    writeln!(out, "the store: {} events, {}", report.events, whole(report.is_whole()))?;
    for issue in report.issues {
        writeln!(out, "  {}", issue.what)?;
    }
    Ok(())
}

/// A clock that stands still until the next day.
#[derive(Clone, Default)]
struct Calendar(Arc<AtomicI64>);

impl Calendar {
    fn next_day(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Clock for Calendar {
    fn now(&self) -> Timestamp {
        day(self.0.load(Ordering::Relaxed) + 1)
    }
}

/// Noon of a day, from day 1 on.
fn day(nth: i64) -> Timestamp {
    const HOUR: i64 = 3_600_000_000;
    Timestamp::from_micros((20_512 + nth) * 24 * HOUR + 12 * HOUR)
}

/// The day of a moment.
fn date(moment: Timestamp) -> String {
    moment.to_string().chars().take(10).collect()
}
