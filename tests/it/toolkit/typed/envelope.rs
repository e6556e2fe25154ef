//! What goes with an event beside its payload.

use super::AccountEvent;
use annals::toolkit::{Codec, Envelope, Metadata, MetadataTags, Port, TagResolver};
use annals::{AppendError, EventKind, Store, Timestamp, Uuid};
use serde_json::json;

fn deposited(cents: u64) -> AccountEvent {
    AccountEvent::Deposited { cents, currency: "EUR".to_owned() }
}

/// Tags by what an event says.
struct ByCurrency;

impl TagResolver<AccountEvent> for ByCurrency {
    fn resolve(&self, event: &AccountEvent, _: &Metadata, tags: &mut Vec<String>) {
        if let AccountEvent::Deposited { currency, .. } = event {
            tags.push(format!("currency:{currency}"));
        }
    }
}

#[test]
fn all_resolvers_are_asked_in_order_and_each_tag_is_there_once() {
    let codec = Codec::<AccountEvent>::json()
        .tags(ByCurrency)
        .tags(MetadataTags::of(["customer", "amount", "odd", "missing", "void"]))
        .tags(|event: &AccountEvent, metadata: &Metadata| {
            let customer = metadata.get("customer").unwrap_or("nobody");
            let size = if matches!(event, AccountEvent::Closed) { "none" } else { "some" };
            vec![format!("customer:{customer}"), format!("size:{size}"), "currency:EUR".to_owned()]
        });
    let metadata = Metadata::new()
        .set("customer", "7")
        .set("amount", 12)
        .set("odd", json!(["no text"]))
        .set("void", json!(null));
    let envelope = Envelope::new().metadata(metadata).tag("given").tag("given");
    let new = codec.encode(&deposited(5), &envelope).unwrap();
    assert_eq!(new.get_tags(), ["given", "currency:EUR", "customer:7", "amount:12", "size:some"]);
    let new = codec.encode(&AccountEvent::Closed, &Envelope::new()).unwrap();
    assert_eq!(new.get_tags(), ["customer:nobody", "size:none", "currency:EUR"]);
}

#[test]
fn a_tag_that_can_not_be_is_refused_by_the_store() {
    let codec = Codec::<AccountEvent>::json().tags(|_: &AccountEvent, _: &_| vec![String::new()]);
    let new = codec.encode(&AccountEvent::Closed, &Envelope::new()).unwrap();
    let port = Port::new(&Store::in_memory().unwrap());
    let error = port.append("a", 0, [new]).unwrap_err();
    assert!(matches!(error.append_error(), Some(AppendError::Invalid(_))), "{error}");
}

#[test]
fn what_an_envelope_says_is_in_the_event_and_what_it_does_not_say_is_not() {
    let codec = Codec::<AccountEvent>::json();
    let [request, command] = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let then = Timestamp::from_micros(77);
    let envelope = Envelope::new()
        .correlation_id(request)
        .causation_id(command)
        .kind(EventKind::Integration)
        .occurred(then)
        .metadata(Metadata::new().context("sales").created_by("ann"));
    let port = Port::new(&Store::in_memory().unwrap());
    let full = codec.encode(&deposited(5), &envelope).unwrap();
    let bare = codec.encode(&deposited(5), &Envelope::new()).unwrap();
    port.append("a", 0, [full, bare]).unwrap();
    let full = port.event(1).unwrap().unwrap();
    assert_eq!((full.correlation_id, full.causation_id), (Some(request), Some(command)));
    assert_eq!((full.kind, full.occurred), (EventKind::Integration, Some(then)));
    assert_eq!((full.event_type.as_str(), full.schema_version), ("MoneyDeposited", 3));
    let metadata = Metadata::from_bytes(full.metadata.as_deref()).unwrap();
    assert_eq!(metadata.get_context(), Some("sales"));
    assert_eq!(metadata.get_created_by(), Some("ann"));
    let bare = port.event(2).unwrap().unwrap();
    assert_eq!((bare.correlation_id, bare.causation_id, bare.occurred), (None, None, None));
    assert_eq!((bare.kind, bare.metadata), (EventKind::Domain, None));
}

#[test]
fn metadata_are_a_json_object_or_an_error() {
    for nothing in [None, Some(&b""[..]), Some(b"{}"), Some(b" { } ")] {
        assert!(Metadata::from_bytes(nothing).unwrap().is_empty());
    }
    for bad in [&b"[]"[..], b"7", b"{", b"\"x\"", b"null", b"{} {}", b"\xFF", &[b'['; 10_000]] {
        assert!(Metadata::from_bytes(Some(bad)).is_err(), "{bad:?}");
    }
    // What another program put there is kept, and what has no text is told by its value.
    let kept = Metadata::from_bytes(Some(br#"{"z":1,"a":{"deep":[true]},"context":7}"#)).unwrap();
    let kept = kept.set("b", "x");
    assert_eq!((kept.get("z"), kept.get_context()), (None, None));
    assert_eq!(kept.value("a"), Some(&json!({"deep": [true]})));
    assert_eq!(kept.to_bytes(), br#"{"a":{"deep":[true]},"b":"x","context":7,"z":1}"#);
}
