//! Models of what threads hand to one another in a store: a whole engine, on a disk in memory.
//!
//! loom runs each model in every order that its threads can take their locks and touch their
//! atomics in, up to a number of preemptions. See CONTRIBUTING.md for how to run them.
//!
//! Each bites. What was broken on purpose, and the models that failed:
//!
//! - a `Buffered` commit is visible before the `Synced` one before it: `commits`, `failures`
//! - a view takes the index before what is visible:
//!   `a_view_finds_each_event_once_while_a_table_becomes_a_run`
//! - the watermark, or a map's stable length, is stored or loaded relaxed:
//!   `readers_borrow_what_others_have_found_stable`
//! - what a sync made durable is looked at after it:
//!   `what_is_written_while_a_sync_runs_is_not_durable_by_it`
//! - the next leader is not called, or called before he is told:
//!   `who_is_acknowledged_is_synced_and_nobody_waits_for_ever`
//! - the gate is left open: `a_view_reads_on_from_one_segment_to_the_next`
//! - a refusal does not wait for what it rests on: `who_is_refused_sees_why`
//! - what a condition finds in the log is not written before it is read:
//!   `who_is_refused_by_what_the_log_says_sees_why`
//! - a retry is not synced: `who_retries_is_told_what_is_durable`
//! - a leader who fails names no other:
//!   `after_a_failed_sync_nobody_is_acknowledged_and_nobody_waits_for_ever`
//! - a failed write does not poison:
//!   `after_a_failed_write_nobody_is_acknowledged_and_nobody_waits_for_ever`
//! - poison after the gate is open, or syncs in spite of it:
//!   `after_a_failed_sync_no_other_is_believed`
//! - views, or their cursors, go on past poison:
//!   `a_view_past_a_failure_shows_nothing_that_is_not_known`
//! - pins are not looked at: `room_is_not_given_away_while_a_view_holds_it`
//! - a pin is taken back, or looked at, relaxed: `what_is_read_under_a_pin_…`
//! - closing does not wait for who reads through maps; who reads comes or goes relaxed:
//!   `what_is_read_through_maps_…`
//! - closing leaves maps readable; a question is asked without saying so:
//!   `a_view_reads_on_while_the_store_is_closed_…`
//! - damage is mended by all who meet it: `healing`
//! - a second closer does not wait; commits are taken to the end; `io` is not sealed:
//!   `closing_finishes_…`
//! - closing does not wait for the keeper: `closing_sends_the_keeper_home`
//! - `slots` is not sealed: `closing_turns_away_who_takes_room`
//! - closing does not wait for a run that is being written:
//!   `closing_after_a_failure_waits_for_a_run_…`
//! - marks are taken down after the look, a call is forgotten, a full table calls nobody:
//!   `keeper`
//! - a slot names a segment before its header is synced, or a frame enters it before the slot is:
//!   by the order of what the disk is asked, `engine::space`, and by the simulator
//! - a follower shows what is past the watermark: `following`
//! - rings are counted after the look; nobody is rung by a commit, by closing, by poison:
//!   `who_waits_…`
//! - no second look after registering; wakers are called under a lock: `a_waker_is_called_once_…`
//!
//! Two breaks no model notices, since nothing rests on them: a waiter's call is stored relaxed (he
//! looks again under `flow`), and `Reach::mapped` is (the lanes, which come next, hand it over).

mod closing;
mod commits;
mod failures;
mod following;
mod healing;
mod keeper;
mod runs;

use super::settings::{Clock, Settings};
use super::view::View;
use super::writer::Engine;
use crate::storage::modelled::Disk;
use crate::threads::{LONG, model, thread};
use crate::words::{Commit, Durability, ExpectedVersion, NewEvent, Position, Timestamp};
use std::sync::{Arc, Mutex};

/// It is always the same time.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_000_000)
    }
}

/// Nothing happens by itself, and nothing is random.
fn settings() -> Settings {
    let never = 2 * LONG;
    Settings {
        keeper: false,
        clock: Arc::new(Still),
        sync_within: never,
        idle: never,
        segment_min: 4_096,
        segment_max: 4_096,
        seed: Some(7),
        ..Settings::default()
    }
}

pub(crate) fn open(disk: &Arc<Disk>) -> Arc<Engine> {
    open_with(disk, settings())
}

fn open_with(disk: &Arc<Disk>, settings: Settings) -> Arc<Engine> {
    Arc::new(Engine::open(disk.handle(), settings).unwrap())
}

/// The bytes of a disk on which this was done by one thread, and closed.
fn image(settings: Settings, fill: impl Fn(&Engine) + Send + Sync + 'static) -> Arc<Vec<u8>> {
    let bytes = Arc::new(Mutex::default());
    let filled = bytes.clone();
    model(0, move || {
        let disk = Disk::new(&[]);
        let engine = open_with(&disk, settings.clone());
        fill(&engine);
        engine.close().unwrap();
        *filled.lock().unwrap() = disk.bytes();
    });
    let bytes = std::mem::take(&mut *bytes.lock().unwrap());
    Arc::new(bytes)
}

/// One event in a stream of its own, which has the first word for its name.
pub(crate) fn commit(text: &str, durability: Durability) -> Commit {
    let stream = text.split(' ').next().unwrap();
    let event = NewEvent::new("Noted", text);
    Commit::new().append(stream, ExpectedVersion::NoStream, [event]).durability(durability)
}

/// The payloads of a view, each position found by the index.
fn texts(view: &View) -> Vec<String> {
    let mut fetch = view.core.fetch(view.segments.clone(), super::READ_ONE);
    let mut text = |position| {
        let place = view.place(Position::new(position)).unwrap().unwrap();
        let event = view.event(&mut fetch, place).unwrap();
        String::from_utf8(event.payload.to_vec()).unwrap()
    };
    (1..=view.head.get()).map(&mut text).collect()
}

/// Each event fills a table.
fn small() -> Settings {
    Settings { tail_events: 1, ..settings() }
}

const TEXTS: [&str; 8] =
    ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"];

fn append(engine: &Engine, texts: &[&str]) {
    for text in texts {
        engine.commit(&commit(text, Durability::Buffered)).unwrap();
    }
}

/// Does this in another thread.
fn beside(
    engine: &Arc<Engine>,
    act: impl FnOnce(&Engine) + Send + 'static,
) -> thread::JoinHandle<()> {
    let engine = engine.clone();
    thread::spawn(move || act(&engine))
}
