use crate::fixture::{Place, json};
use annals::{ExpectedVersion, NewEvent};
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_backup_is_taken_while_the_store_is_written_and_is_whole() {
    let place = Place::with_flights();
    let store = place.store("flights.annals");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let event = NewEvent::new("Noted", vec![b'x'; 300]);
                store.append("a", ExpectedVersion::Any, [event]).unwrap();
            }
        });
        for nth in 0..5 {
            let name = format!("copy-{nth}.annals");
            let copied = &json(&place.does(&["backup", "flights.annals", &name, "--json"]))[0];
            assert!(copied["events"].as_u64().unwrap() >= 4_000);
            place.does(&["verify", &name]);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    store.close().unwrap();
    let said = place.fails(2, &["backup", "flights.annals", "copy-0.annals"]);
    assert!(said.contains("copy-0.annals"), "{said}");
}

#[test]
fn a_compacted_store_has_the_same_events() {
    let place = Place::with_flights();
    place.does(&["compact", "flights.annals", "small.annals"]);
    place.does(&["verify", "small.annals"]);
    place.does(&["diff", "flights.annals", "small.annals", "--recorded"]);
}
