//! Writers that are killed in the middle: whatever they were told is there, and nothing is there by
//! half.

use super::child::{BEGUN, Other, Random, whole_batches};
use crate::fixture::Place;
use annals::{Ending, Options, Store};
use std::thread;
use std::time::Duration;

const STORES: u64 = 20;
const ROUNDS: u64 = 10;

#[test]
fn what_was_acknowledged_is_there_after_the_writer_was_killed() {
    let (mut acknowledged, mut beyond, mut torn) = (0, 0, 0);
    for store in 0..STORES {
        let place = Place::new();
        let mut random = Random(store);
        let mut last = 0;
        for round in 0..ROUNDS {
            let mut writer = Other::start("write", &place.path(), store * ROUNDS + round);
            let lines = writer.take_lines();
            let listening =
                thread::spawn(move || lines.map(|line| line.parse::<u64>().unwrap()).last());
            thread::sleep(Duration::from_micros(random.below(40_000)));
            writer.kill();
            last = listening.join().unwrap().unwrap_or(last).max(last);
            let head = check(&place, last, random.below(3));
            beyond += head - last;
            torn += u64::from(head > last);
            last = head;
        }
        acknowledged += last;
    }
    println!("{acknowledged} events, {beyond} of them landed unheard, in {torn} rounds");
    assert!(acknowledged > STORES * ROUNDS, "the writers hardly wrote");
}

#[test]
fn a_writer_that_is_killed_while_it_makes_or_opens_a_store_loses_nothing() {
    let (mut early, mut late) = (0, 0);
    for store in 0..6 {
        let place = Place::new();
        let mut random = Random(store);
        let mut last = 0;
        for round in 0..12 {
            let mut writer = Other::start_blindly("write", &place.path(), store * 12 + round);
            let lines = writer.take_lines();
            let listening = thread::spawn(move || lines.collect::<Vec<_>>());
            thread::sleep(Duration::from_micros(random.below(12_000)));
            writer.kill();
            let said = listening.join().unwrap();
            let begun = said.first().is_some_and(|word| word == BEGUN);
            early += u64::from(!begun);
            late += u64::from(begun);
            let told = said.get(1..).and_then(<[_]>::last).map(|line| line.parse().unwrap());
            last = told.unwrap_or(0).max(last);
            if place.path().exists() {
                last = check(&place, last, random.below(3));
            }
            assert!(last == 0 || place.path().exists());
        }
    }
    println!("{early} were killed before they had opened, {late} afterwards");
    assert!(early > 0);
}

/// Looks at what a killed writer has left, perhaps before or after somebody opens it to write;
/// gives its head.
fn check(place: &Place, acknowledged: u64, how: u64) -> u64 {
    if how == 0 {
        let looking = Store::open_read_only(place.path()).unwrap();
        let ending = looking.recovery_report().ending;
        assert!(matches!(ending, Ending::Whole | Ending::Torn | Ending::Closed), "{ending:?}");
        let head = whole_batches(&looking.view().unwrap(), 0);
        assert!(head >= acknowledged, "{head} of {acknowledged} are left to look at");
    }
    let store = Options::new().open(place.path()).unwrap();
    let report = store.recovery_report();
    let head = whole_batches(&store.view().unwrap(), 0);
    assert!(head >= acknowledged, "{head} of {acknowledged} are left: {report}");
    let verified = store.verify().unwrap();
    assert!(verified.is_whole(), "{verified:?}");
    assert_eq!(verified.events, head);
    // The next writer finds it closed, or as a second crash right after the recovery would leave
    // it.
    if how == 1 {
        let copy = place.file("copy.annals");
        std::fs::copy(place.path(), &copy).unwrap();
        store.close().unwrap();
        std::fs::rename(copy, place.path()).unwrap();
    }
    head
}
