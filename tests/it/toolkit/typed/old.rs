//! Events of older schemas: golden payloads, which are never changed, and what becomes of them.

use super::{AccountEvent, decoded, decoded_one, old};
use annals::event_types;
use annals::toolkit::{Codec, CodecError, Envelope, EventTypes};
use annals::{NewEvent, QueryItem};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// All that an account's events ever were. `PaidIn`, in whole euros, was the first name of
/// deposits.
fn codec() -> Codec<AccountEvent> {
    Codec::json()
        .renamed(("PaidIn", 1), ("MoneyDeposited", 1))
        .upcast(
            "MoneyDeposited",
            1,
            |old: Value| json!({"cents": old["euros"].as_u64().map(|euros| euros * 100)}),
        )
        .upcast("MoneyDeposited", 2, |mut old: Value| {
            old["currency"] = json!("EUR");
            old
        })
        .upcast("AccountOpened", 1, |owner: String| json!({"owner": owner}))
}

fn deposited(cents: u64, currency: &str) -> AccountEvent {
    AccountEvent::Deposited { cents, currency: currency.to_owned() }
}

#[test]
fn golden_events_of_every_schema_are_what_the_program_knows() {
    let opened = |limit| AccountEvent::Opened { owner: "ann".to_owned(), limit };
    let golden = [
        (old("PaidIn", 1, r#"{"euros":5}"#), deposited(500, "EUR")),
        (old("MoneyDeposited", 1, r#"{"euros":7}"#), deposited(700, "EUR")),
        (old("MoneyDeposited", 2, r#"{"cents":12}"#), deposited(12, "EUR")),
        (old("MoneyDeposited", 3, r#"{"cents":1,"currency":"CHF"}"#), deposited(1, "CHF")),
        (old("AccountOpened", 1, r#""ann""#), opened(None)),
        (old("AccountOpened", 2, r#"{"owner":"ann"}"#), opened(None)),
        (old("AccountOpened", 2, r#"{"owner":"ann","limit":3}"#), opened(Some(3))),
        (old("AccountClosed", 1, "{}"), AccountEvent::Closed),
    ];
    let found = decoded(&codec(), golden.iter().map(|(event, _)| event.clone()));
    for (found, (event, wanted)) in found.into_iter().zip(golden) {
        assert_eq!(found.unwrap(), Some(wanted), "{event:?}");
    }
    // Today's are written so, byte for byte.
    for (event, bytes) in [
        (deposited(1, "CHF"), &br#"{"cents":1,"currency":"CHF"}"#[..]),
        (opened(None), br#"{"owner":"ann","limit":null}"#),
        (AccountEvent::Closed, b"{}"),
    ] {
        let new = codec().encode(&event, &Envelope::new()).unwrap();
        assert_eq!(new.get_payload(), bytes);
        let as_today = new.to_recorded("a", 1, 1, annals::Timestamp::from_micros(0));
        assert_eq!(as_today.schema_version, event.event_type().version);
    }
}

#[cfg(feature = "bincode")]
#[test]
fn golden_events_of_bincode_are_what_the_program_knows() {
    use annals::toolkit::Encoding;
    let codec = Codec::new(Encoding::Bincode)
        .upcast("MoneyDeposited", 1, |euros: u64| euros * 100)
        .upcast("MoneyDeposited", 2, |cents: u64| (cents, "EUR"))
        .upcast("AccountOpened", 1, |owner: String| (owner, None::<u64>));
    let opened = |limit| AccountEvent::Opened { owner: "ann".to_owned(), limit };
    let golden = [
        (old("MoneyDeposited", 1, [7]), deposited(700, "EUR")),
        (old("MoneyDeposited", 2, [251, 0xF4, 0x01]), deposited(500, "EUR")),
        (old("MoneyDeposited", 3, [1, 3, b'C', b'H', b'F']), deposited(1, "CHF")),
        (old("AccountOpened", 1, [3, b'a', b'n', b'n']), opened(None)),
        (old("AccountOpened", 2, [3, b'a', b'n', b'n', 1, 9]), opened(Some(9))),
        (old("AccountClosed", 1, []), AccountEvent::Closed),
    ];
    for (event, wanted) in golden {
        assert_eq!(decoded_one(&codec, event.clone()).unwrap(), Some(wanted), "{event:?}");
    }
}

#[test]
fn the_first_upcaster_that_begins_where_an_event_is_takes_it() {
    let to = |currency: &'static str| {
        move |mut old: Value| {
            old["currency"] = json!(currency);
            old
        }
    };
    let two = |first: &'static str, second: &'static str| {
        Codec::<AccountEvent>::json().upcast("MoneyDeposited", 2, to(first)).upcast(
            "MoneyDeposited",
            2,
            to(second),
        )
    };
    let event = || old("MoneyDeposited", 2, r#"{"cents":1}"#);
    assert_eq!(decoded_one(&two("EUR", "CHF"), event()).unwrap(), Some(deposited(1, "EUR")));
    assert_eq!(decoded_one(&two("CHF", "EUR"), event()).unwrap(), Some(deposited(1, "CHF")));
    // A leap that was said first goes before the small steps.
    let leap = Codec::<AccountEvent>::json()
        .upcast_to(
            ("MoneyDeposited", 1),
            ("MoneyDeposited", 3),
            |_: Value| json!({"cents": 9, "currency": "XXX"}),
        )
        .upcast("MoneyDeposited", 1, |old: Value| old)
        .upcast("MoneyDeposited", 2, to("EUR"));
    let event = old("MoneyDeposited", 1, r#"{"cents":1}"#);
    assert_eq!(decoded_one(&leap, event).unwrap(), Some(deposited(9, "XXX")));
    // The order among steps that begin elsewhere is no matter.
    let backward = Codec::<AccountEvent>::json().upcast("MoneyDeposited", 2, to("EUR")).upcast(
        "MoneyDeposited",
        1,
        |old: Value| json!({"cents": old["euros"]}),
    );
    let event = old("MoneyDeposited", 1, r#"{"euros":4}"#);
    assert_eq!(decoded_one(&backward, event).unwrap(), Some(deposited(4, "EUR")));
}

#[test]
fn a_type_of_another_name_becomes_one_of_today() {
    // Two old types are one now; one of them after a step under its own name.
    let codec = codec()
        .upcast_to(("Interest", 1), ("Interest", 2), |rate: u64| json!({"cents": rate}))
        .upcast_to(("Interest", 2), ("MoneyDeposited", 3), |mut old: Value| {
            old["currency"] = json!("EUR");
            old
        });
    let found = decoded_one(&codec, old("Interest", 1, "3")).unwrap();
    assert_eq!(found, Some(deposited(3, "EUR")));
    // Whoever asks for what the program knows gets all that it ever was.
    let names = ["AccountClosed", "AccountOpened", "Interest", "MoneyDeposited", "PaidIn"];
    assert_eq!(codec.item(), QueryItem::new().types(names));
}

#[test]
fn the_version_that_is_known_goes_through_no_upcaster() {
    let codec = Codec::<AccountEvent>::json()
        .upcast("AccountClosed", 1, |_: Value| -> Value { panic!("it is what the program knows") });
    let found = decoded_one(&codec, old("AccountClosed", 1, "{}"));
    assert_eq!(found.unwrap(), Some(AccountEvent::Closed));
}

#[test]
fn a_gap_in_the_chain_is_named() {
    let gap = Codec::<AccountEvent>::json().upcast("MoneyDeposited", 2, |old: Value| old);
    let error = decoded_one(&gap, old("MoneyDeposited", 1, "{}")).unwrap_err();
    let wanted = CodecError::NoUpcaster {
        event_type: "MoneyDeposited".to_owned(),
        version: 1,
        known: 3,
        position: 1.into(),
    };
    assert_eq!(error, wanted);
    // Further on: the version is named from which nothing leads on.
    let gap = Codec::<AccountEvent>::json().upcast("MoneyDeposited", 1, |old: Value| old);
    let error = decoded_one(&gap, old("MoneyDeposited", 1, "{}")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the event at position 1 is a 'MoneyDeposited' of schema version 2, and no upcaster leads \
         from there to 3"
    );
    // Version 0 is as old as any.
    let error = decoded_one(&codec(), old("AccountClosed", 0, "{}")).unwrap_err();
    assert!(matches!(error, CodecError::NoUpcaster { version: 0, known: 1, .. }), "{error}");
}

#[test]
fn a_newer_event_is_an_error_whatever_is_said_of_unknown_ones() {
    for codec in [codec(), codec().unknown(annals::toolkit::Unknown::Skip)] {
        let error = decoded_one(&codec, old("MoneyDeposited", 4, "{}")).unwrap_err();
        let wanted = CodecError::Newer {
            event_type: "MoneyDeposited".to_owned(),
            version: 4,
            known: 3,
            position: 1.into(),
        };
        assert_eq!(error, wanted);
        assert!(error.to_string().contains("use a newer one"), "{error}");
    }
    // One that leads past what is known, too.
    let far = codec().upcast("AccountClosed", 0, |old: Value| old).upcast_to(
        ("AccountClosed", 0),
        ("AccountClosed", u16::MAX),
        |old: Value| old,
    );
    assert_eq!(
        decoded_one(&far, old("AccountClosed", 0, "{}")).unwrap(),
        Some(AccountEvent::Closed)
    );
    let error = decoded_one(&far, old("AccountClosed", u16::MAX, "{}")).unwrap_err();
    assert!(matches!(error, CodecError::Newer { .. }), "{error}");
    // There is no version behind the last one: that step leads to itself, and ends.
    let last = codec().upcast("AccountClosed", u16::MAX, |old: Value| old);
    let error = decoded_one(&last, old("AccountClosed", u16::MAX, "{}")).unwrap_err();
    assert!(matches!(error, CodecError::Newer { version: u16::MAX, .. }), "{error}");
}

#[test]
fn upcasters_that_lead_in_a_circle_end() {
    let circle = Codec::<AccountEvent>::json()
        .renamed(("A", 1), ("B", 1))
        .renamed(("B", 1), ("C", 1))
        .renamed(("C", 1), ("A", 1));
    let error = decoded_one(&circle, old("A", 1, "{}")).unwrap_err();
    assert!(matches!(error, CodecError::UnknownType { .. }), "{error}");
    let to_itself = Codec::<AccountEvent>::json().upcast_to(
        ("MoneyDeposited", 1),
        ("MoneyDeposited", 1),
        |old: Value| old,
    );
    let error = decoded_one(&to_itself, old("MoneyDeposited", 1, "{}")).unwrap_err();
    assert!(matches!(error, CodecError::NoUpcaster { version: 1, .. }), "{error}");
    // One that begins outside of it is led in, and ends as well.
    let led_in = circle.renamed(("Before", 1), ("A", 1));
    assert!(decoded_one(&led_in, old("Before", 1, "{}")).is_err());
}

#[test]
fn what_an_upcaster_can_not_read_names_the_event() {
    let found = decoded(
        &codec(),
        [
            old("AccountClosed", 1, "{}"),
            old("AccountOpened", 1, r#"{"name":"ann"}"#),
            // It is read, and what becomes of it is not today's.
            old("MoneyDeposited", 1, r#"{"pounds":5}"#),
        ],
    );
    let told: Vec<_> = found.into_iter().skip(1).map(|found| found.unwrap_err()).collect();
    let CodecError::Event { event_type, position, .. } = &told[0] else { panic!("{}", told[0]) };
    assert_eq!((event_type.as_str(), position.get()), ("AccountOpened", 2));
    let said = told[1].to_string();
    assert!(said.starts_with("the event at position 3 is no 'MoneyDeposited': "), "{said}");
    assert!(said.contains("u64"), "{said}");
}

#[test]
fn a_change_of_a_codec_leaves_its_clones_as_they_are() {
    let codec = codec();
    let clone = codec.clone();
    let more = codec.upcast_to(("Interest", 1), ("AccountClosed", 1), |_: Value| json!({}));
    let event = || old("Interest", 1, "3");
    assert_eq!(decoded_one(&more, event()).unwrap(), Some(AccountEvent::Closed));
    assert!(decoded_one(&clone, event()).is_err());
}

/// A variant may be called otherwise in the program, and stays what it is in the store.
#[test]
fn a_variant_s_name_in_the_program_is_no_matter() {
    #[derive(PartialEq, Debug, Serialize, Deserialize)]
    enum Renamed {
        PaidInByCard { cents: u64, currency: String },
    }
    event_types! { Renamed { PaidInByCard => "MoneyDeposited" version 3 } }
    let codec = Codec::<Renamed>::json();
    let event = NewEvent::new("MoneyDeposited", r#"{"cents":1,"currency":"CHF"}"#);
    let found = decoded_one(&codec, event.schema_version(3)).unwrap().unwrap();
    assert_eq!(found, Renamed::PaidInByCard { cents: 1, currency: "CHF".to_owned() });
    let written = codec.encode(&found, &Envelope::new()).unwrap();
    assert_eq!(written.get_payload(), br#"{"cents":1,"currency":"CHF"}"#);
}
