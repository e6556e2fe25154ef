//! Events that no codec knows, and payloads that are not what their type says.

use super::{AccountEvent, decoded, old};
use annals::toolkit::{Codec, CodecError, Envelope, Follow, OnError, Port, ToolError, Unknown};
use annals::{NewEvent, Read, Store};

#[test]
fn events_of_unknown_types_are_an_error_or_passed_over() {
    let events = || [old("AccountClosed", 1, "{}"), old("WeatherObserved", 9, "\u{0}")];
    let mut found = decoded(&Codec::<AccountEvent>::json(), events());
    let error = found.remove(1).unwrap_err();
    let wanted =
        CodecError::UnknownType { event_type: "WeatherObserved".to_owned(), position: 2.into() };
    assert_eq!(error, wanted);
    assert_eq!(
        error.to_string(),
        "the event at position 2 has the type 'WeatherObserved', which this program does not \
         know; to pass over such events, say `Unknown::Skip`"
    );
    let skips = Codec::<AccountEvent>::json().unknown(Unknown::Skip);
    let found: Vec<_> = decoded(&skips, events()).into_iter().map(Result::unwrap).collect();
    assert_eq!(found, [Some(AccountEvent::Closed), None]);
    // Names are compared as they are.
    let near = ["accountclosed", "AccountClosed ", "Closed", "AccountOpene"];
    let found = decoded(&skips, near.map(|name| old(name, 1, "{}")));
    assert!(found.into_iter().all(|found| found.unwrap().is_none()));
}

#[test]
fn a_malformed_payload_names_the_type_and_the_position() {
    let codec = Codec::<AccountEvent>::json().unknown(Unknown::Skip);
    let bad: [(&str, u16, &[u8], &str); 8] = [
        ("MoneyDeposited", 3, b"", "EOF"),
        ("MoneyDeposited", 3, b"\xFF\xFE", "expected value"),
        ("MoneyDeposited", 3, b"{\"cents\":1", "EOF"),
        ("MoneyDeposited", 3, b"{\"cents\":1}", "missing field `currency`"),
        ("MoneyDeposited", 3, b"{\"cents\":-1,\"currency\":\"EUR\"}", "-1"),
        ("MoneyDeposited", 3, b"{\"cents\":1,\"currency\":\"EUR\"} x", "trailing"),
        ("AccountOpened", 2, b"{\"owner\":\"a\",\"owner\":\"b\"}", "duplicate field"),
        ("AccountOpened", 2, b"{\"owner\":\"\\ud800\"}", "hex escape"),
    ];
    let events = bad.map(|(name, version, payload, _)| old(name, version, payload));
    for ((nth, found), (name, _, _, why)) in
        decoded(&codec, events).into_iter().enumerate().zip(bad)
    {
        let error = found.unwrap_err();
        let said = error.to_string();
        let begins = format!("the event at position {} is no '{name}': ", nth + 1);
        assert!(said.starts_with(&begins) && said.contains(why), "{said}");
        assert!(matches!(error, CodecError::Event { .. }));
    }
}

#[test]
fn an_error_of_the_codec_stops_a_subscription_at_its_event() {
    let port = Port::new(&Store::in_memory().unwrap());
    port.append("a", 0, [NewEvent::new("AccountClosed", "{}"), NewEvent::new("Other", "")])
        .unwrap();
    let codec = Codec::<AccountEvent>::json();
    let handle =
        annals::toolkit::subscribe(&port, "x", Follow::all(), OnError::Stop, move |event| {
            codec.decode(event)?;
            Ok(())
        });
    let ended = handle.unwrap().wait_ended(std::time::Duration::from_secs(60));
    let annals::toolkit::Running::Failed(error) = ended else { panic!("{ended:?}") };
    // It keeps its kind on its way through the callback.
    let ToolError::Codec(CodecError::UnknownType { position, .. }) = error else {
        panic!("{error}")
    };
    assert_eq!(position.get(), 2);
}

#[test]
fn whoever_asks_for_what_a_codec_knows_gets_nothing_else() {
    let port = Port::new(&Store::in_memory().unwrap());
    let codec = Codec::<AccountEvent>::json();
    let closed = codec.encode(&AccountEvent::Closed, &Envelope::new()).unwrap();
    port.append("a", 0, [NewEvent::new("Other", ""), closed, NewEvent::new("Closed", "")]).unwrap();
    let found = port.query(&codec.query(), Read::new()).unwrap();
    let positions: Vec<_> = found.map(|event| event.unwrap().position.get()).collect();
    assert_eq!(positions, [2]);
}
