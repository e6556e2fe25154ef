use crate::fixture::{Place, json, text};
use annals::{ExpectedVersion, NewEvent, Uuid};

fn event(number: u128) -> NewEvent {
    NewEvent::new("Noted", number.to_string()).id(Uuid::from_u128(number))
}

/// Two stores with the same three events, and then these.
fn two(a: &[NewEvent], b: &[NewEvent]) -> Place {
    let place = Place::new();
    for (name, more) in [("a.annals", a), ("b.annals", b)] {
        let store = place.store(name);
        for event in [1, 2, 3].map(event).iter().chain(more) {
            store.append("s", ExpectedVersion::Any, [event.clone()]).unwrap();
        }
        store.put("same", "value").unwrap();
        store.close().unwrap();
    }
    place
}

#[test]
fn stores_that_are_the_same_have_no_difference() {
    let place = two(&[], &[]);
    assert_eq!(place.does(&["diff", "a.annals", "b.annals"]), "no difference: 3 events\n");
    // They took them in at different times.
    place.annals(&["diff", "a.annals", "b.annals", "--recorded"]).assert().code(1);
}

#[test]
fn the_first_position_where_they_part_is_shown_with_both_events() {
    let base = || event(4);
    for (other, differs) in [
        (event(5), "id"),
        (base().tag("t"), "list of tags"),
        (base().metadata(""), "metadata"),
        (base().schema_version(2), "schema version"),
        (base().correlation_id(Uuid::from_u128(1)), "correlation id"),
        (base().occurred(annals::Timestamp::from_micros(1)), "time"),
        (NewEvent::new("Other", "4").id(Uuid::from_u128(4)), "type"),
        (NewEvent::new("Noted", "five").id(Uuid::from_u128(4)), "payload"),
    ] {
        let place = two(&[base(), event(9)], &[other, event(9)]);
        let failed = place.annals(&["diff", "a.annals", "b.annals", "--json"]).assert().code(1);
        let parted = &json(&text(&failed.get_output().stdout))[0];
        assert_eq!((&parted["position"], &parted["differs"]), (&4.into(), &differs.into()));
        assert_eq!(parted["events_in_common"], 3);
        let failed = place.annals(&["diff", "a.annals", "b.annals"]).assert().code(1);
        let shown = text(&failed.get_output().stdout);
        assert!(shown.starts_with("they part at position 4, after 3 events in common"), "{shown}");
        assert!(shown.contains("\na: {\"position\":4") && shown.contains("\nb: {"), "{shown}");
    }
}

#[test]
fn a_store_that_ends_earlier_and_documents_are_differences() {
    let place = two(&[event(4)], &[]);
    let failed = place.annals(&["diff", "a.annals", "b.annals"]).assert().code(1);
    let shown = text(&failed.get_output().stdout);
    assert!(shown.contains("position 4") && shown.contains("b: no event"), "{shown}");
    let place = two(&[], &[]);
    let store = place.store("b.annals");
    store.put("only", "there").unwrap();
    store.close().unwrap();
    let failed = place.annals(&["diff", "a.annals", "b.annals"]).assert().code(1);
    let shown = text(&failed.get_output().stdout);
    assert_eq!(shown, "the document 'only' is not the same\n");
    place.does(&["diff", "a.annals", "b.annals", "--no-documents"]);
}
