//! What the toolkit costs: each measurement has a name, a unit and a goal.
//!
//! `cargo bench --bench toolkit` measures and prints one table: medians of rounds, in turns. A
//! number behind `--ratios` is that of the rounds, `--only` and words measures those whose names
//! have them. What misses its goal is bold.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark"
)]

#[path = "toolkit/follow.rs"]
mod follow;
#[path = "toolkit/processor.rs"]
mod processor;
#[path = "toolkit/projection.rs"]
mod projection;
mod support;

use annals::toolkit::{
    Codec, Evolve, Port, Repository, SnapshotPolicy, SnapshotUse, SnapshotWrite, Snapshots,
};
use annals::{Chore, Durability, Options, Store, event_types};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::time::Instant;
use support::Spread;
use tempfile::TempDir;

/// What a number has to be.
enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

/// Something that is measured, over and over.
struct Measurement {
    /// With its unit.
    name: &'static str,
    goal: Goal,
    decimals: usize,
    /// Makes ready what is measured, and gives what measures it once.
    prepare: fn() -> Box<dyn FnMut() -> f64>,
}

const MEASUREMENTS: [Measurement; 9] = [
    Measurement {
        name: "repository: load of 100 events, JSON, µs",
        goal: Goal::AtMost(100.0),
        decimals: 1,
        prepare: load_of_events,
    },
    Measurement {
        name: "repository: load of 100 events with a snapshot, JSON, µs",
        goal: Goal::AtMost(10.0),
        decimals: 2,
        prepare: load_with_snapshot,
    },
    Measurement {
        name: "projection: a year of flights, bytes by type, million events/s",
        goal: Goal::AtLeast(2.0),
        decimals: 2,
        prepare: projection::by_type,
    },
    Measurement {
        name: "projection: a year of flights, events by stream, million events/s",
        goal: Goal::AtLeast(2.0),
        decimals: 2,
        prepare: projection::by_stream,
    },
    Measurement {
        name: "projection: a year of flights, each decoded, million events/s",
        goal: Goal::AtLeast(0.6),
        decimals: 2,
        prepare: projection::decoded,
    },
    Measurement {
        name: "processor: an event, empty handler, 2 threads, µs",
        goal: Goal::AtMost(3.0),
        decimals: 2,
        prepare: || processor::handles(2, false),
    },
    Measurement {
        name: "processor: an event, empty handler, 1 thread, µs",
        goal: Goal::AtMost(3.0),
        decimals: 2,
        prepare: || processor::handles(1, false),
    },
    Measurement {
        name: "processor: an event, empty handler, 16 threads, µs",
        goal: Goal::AtMost(3.0),
        decimals: 2,
        prepare: || processor::handles(16, false),
    },
    Measurement {
        name: "processor: an event that brings another about, 2 threads, µs",
        goal: Goal::AtMost(6.0),
        decimals: 2,
        prepare: || processor::handles(2, true),
    },
];

fn main() {
    let rounds = support::ratios_wanted(9).unwrap_or(9);
    let wanted = MEASUREMENTS.iter().filter(|measurement| support::is_wanted(measurement.name));
    let mut ready: Vec<_> = wanted.map(|one| (one, (one.prepare)(), Spread::default())).collect();
    for _ in 0..rounds {
        for (_, measure, found) in &mut ready {
            found.push(measure());
        }
    }
    println!("\nMedians of {rounds} rounds in turns (smallest to largest).\n");
    println!("| what | Annals | goal |");
    println!("|---|---|---|");
    for (Measurement { name, goal, decimals, .. }, _, found) in &ready {
        let (text, is_met) = match goal {
            Goal::AtLeast(least) => (format!(">= {least}"), found.median() >= *least),
            Goal::AtMost(most) => (format!("<= {most}"), found.median() <= *most),
        };
        let goal = if is_met { format!("{text}: met") } else { format!("**{text}: missed**") };
        println!("| {name} | {} | {goal} |", found.text(*decimals));
    }
    subscriptions();
}

/// Those of subscriptions, each with a table of its own: they are measured beside something else.
fn subscriptions() {
    let folder = support::folder();
    let mut rows = Vec::new();
    if support::is_wanted("subscription: latency") {
        rows.extend(follow::latency(folder.path()));
    }
    if support::is_wanted("subscription: replay") {
        rows.extend(follow::replay(folder.path(), 5));
    }
    if !rows.is_empty() {
        println!();
        support::print_table(&rows);
    }
}

/// Microseconds of one of so many.
fn microseconds(times: u32, mut one: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..times).for_each(|_| one());
    start.elapsed().as_secs_f64() * 1e6 / f64::from(times)
}

/// A store in a file.
fn store() -> (TempDir, Store) {
    let folder = support::folder();
    let options = Options::new().durability(Durability::Buffered);
    let store = options.open(folder.path().join("bench.annals")).unwrap();
    (folder, store)
}

#[derive(Serialize, Deserialize)]
enum AccountEvent {
    Opened { owner: String, currency: String },
    Deposited { cents: u64, note: String },
    Withdrawn { cents: u64, note: String },
}
event_types! {
    AccountEvent {
        Opened => "AccountOpened" version 1,
        Deposited => "MoneyDeposited" version 1,
        Withdrawn => "MoneyWithdrawn" version 1,
    }
}

#[derive(Serialize, Deserialize, Default)]
struct Account {
    owner: String,
    currency: String,
    cents: u64,
    last: Vec<String>,
}

struct Accounts;

impl Evolve for Accounts {
    type State = Account;
    type Event = AccountEvent;

    fn initial(&self) -> Account {
        Account::default()
    }

    fn evolve(&self, account: &mut Account, event: &AccountEvent) {
        let note = match event {
            AccountEvent::Opened { owner, currency } => {
                (account.owner, account.currency) = (owner.clone(), currency.clone());
                return;
            }
            AccountEvent::Deposited { cents, note } => {
                account.cents += cents;
                note
            }
            AccountEvent::Withdrawn { cents, note } => {
                account.cents -= cents;
                note
            }
        };
        account.last.push(note.clone());
        if account.last.len() > 5 {
            account.last.remove(0);
        }
    }
}

/// What happens to an account, at this version from 0 on.
fn event(nth: u64) -> AccountEvent {
    let note = format!("order {nth} of the year, paid by card");
    match nth {
        0 => AccountEvent::Opened { owner: "Ann Other".into(), currency: "EUR".into() },
        nth if nth % 3 == 0 => AccountEvent::Withdrawn { cents: nth, note },
        nth => AccountEvent::Deposited { cents: 100 + nth, note },
    }
}

/// Accounts of 100 events each that were appended in turns, as they would be.
const ACCOUNTS: u64 = 1_000;
const EVENTS: u64 = 100;

fn accounts() -> (TempDir, Port, Repository<Accounts>) {
    let (folder, store) = store();
    let port = Port::new(&store);
    let accounts = Repository::new(&port, "account", Accounts, Codec::json()).unwrap();
    for nth in 0..EVENTS {
        for account in 0..ACCOUNTS {
            accounts.save(&account.to_string(), nth, &[event(nth)]).unwrap();
        }
    }
    store.sync().unwrap();
    store.chore(Chore::Index).unwrap();
    (folder, port, accounts)
}

/// Microseconds of a load, of one account after another.
fn loads(folder: TempDir, accounts: Repository<Accounts>) -> Box<dyn FnMut() -> f64> {
    let ids: Vec<String> = (0..ACCOUNTS).map(|id| id.to_string()).collect();
    Box::new(move || {
        let _folder = &folder;
        let mut ids = ids.iter().cycle();
        microseconds(10_000, || {
            let loaded = accounts.load(ids.next().unwrap()).unwrap();
            assert_eq!(loaded.as_of.version.get(), EVENTS);
            black_box(loaded.state.cents);
        })
    })
}

fn load_of_events() -> Box<dyn FnMut() -> f64> {
    let (folder, _, accounts) = accounts();
    loads(folder, accounts)
}

fn load_with_snapshot() -> Box<dyn FnMut() -> f64> {
    let (folder, _, accounts) = accounts();
    let snapshots = Snapshots::new("account", 1).unwrap().policy(SnapshotPolicy::Every(EVENTS));
    let accounts = accounts.snapshots(snapshots);
    for id in 0..ACCOUNTS {
        let loaded = accounts.load(&id.to_string()).unwrap();
        assert!(matches!(loaded.written, SnapshotWrite::Written));
        let loaded = accounts.load(&id.to_string()).unwrap();
        assert!(matches!(loaded.snapshot, SnapshotUse::Used(_)));
    }
    loads(folder, accounts)
}
