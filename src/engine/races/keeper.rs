//! The keeper: whatever is to be done some time is done, though nobody calls again.

use super::{TEXTS, append, beside, open_with, settings};
use crate::engine::Engine;
use crate::engine::settings::Settings;
use crate::storage::modelled::Disk;
use crate::threads::{model, thread};
use std::time::Duration;

/// Two commit, and then wait for this. A call that got lost would let them wait for ever.
fn comes_about(settings: Settings, is_so: impl Fn(&Engine) -> bool + Send + Sync + 'static) {
    model(1, move || {
        let engine = open_with(&Disk::new(&[]), Settings { keeper: true, ..settings.clone() });
        let other = beside(&engine, |engine| append(engine, &TEXTS[1..2]));
        append(&engine, &TEXTS[..1]);
        other.join().unwrap();
        while !is_so(&engine) {
            thread::sleep(Duration::ZERO);
        }
        engine.close().unwrap();
    });
}

#[test]
fn what_was_buffered_is_synced() {
    let soon = Settings { sync_within: Duration::ZERO, ..settings() };
    comes_about(soon, |engine| engine.durable().get() == 2);
}

#[test]
fn what_is_synced_comes_to_a_slot_when_nothing_happens() {
    let soon = Settings { sync_within: Duration::ZERO, idle: Duration::ZERO, ..settings() };
    comes_about(soon, |engine| {
        let written = engine.core.flow.lock().written;
        engine.write_side().unwrap().slots.lock().knows(written)
    });
}

#[test]
fn tables_become_runs() {
    // The second commit fills one; the first has called already.
    comes_about(Settings { tail_events: 2, ..settings() }, |engine| {
        let sources = engine.core.index.sources();
        !sources.runs.is_empty() && sources.tables.len() == 1
    });
}
