//! What is put before a tenant's names, and how his ids are mixed.

use super::scope::Scope;
use super::{CountingIds, Ids, Port};
use crate::{Keys, Limit, Query, QueryItem, Store, Uuid};
use std::collections::HashSet;

fn scope(name: &str) -> Scope {
    Scope::of(name, Uuid::from_u128(7)).unwrap()
}

#[test]
fn names_go_out_and_come_back() {
    let acme = scope("acme");
    for name in ["a", "a-1", "acme/", "/", "-", "ü", "acme"] {
        let outer = acme.outer(name);
        assert_eq!(outer, format!("acme/{name}"));
        assert_eq!(acme.inner(&outer), Some(name));
        let mut stripped = outer.clone();
        acme.strip(&mut stripped);
        assert_eq!(stripped, name);
        assert_eq!(scope("acm").inner(&outer), None);
        assert_eq!(scope("acme.").inner(&outer), None);
    }
    assert_eq!((acme.outer(""), acme.category("")), (String::new(), "acme/".to_owned()));
    assert_eq!((acme.inner("acme"), acme.inner("")), (None, None));
    assert_eq!((acme.name(), acme.tag()), ("acme", "acme/"));
}

#[test]
fn ids_are_mixed_by_tenant_and_store_and_back() {
    let mut met = HashSet::new();
    for store in [1, 2, u128::MAX] {
        for name in ["a", "b", "ab", "ba", "a.b", "A", "acme", "bolt"] {
            let scope = Scope::of(name, Uuid::from_u128(store)).unwrap();
            for id in [0, 1, u128::MAX].map(Uuid::from_u128) {
                let mixed = scope.mixed(id);
                assert_ne!(mixed, id);
                assert_eq!(scope.mixed(mixed), id);
                assert!(met.insert(mixed), "{name} in {store} is another one's");
            }
        }
    }
    // Those that are in files stay what they are.
    let mixed = scope("acme").mixed(Uuid::from_u128(1));
    assert_eq!(mixed.to_string(), "8b576e53-a8dc-f0a3-5b86-015ad4ddd527");
}

#[test]
fn queries_and_keys_mean_what_is_the_tenant_s() {
    let acme = scope("acme");
    let own = QueryItem::new().tag("acme/");
    assert_eq!(acme.query(Query::all()), Query::from(own.clone()));
    let item = QueryItem::new().event_type("T").tag("t").stream("s").category("").stream_prefix("");
    let wanted = QueryItem::new().event_type("T").tag("acme/t").stream("acme/s");
    let wanted = wanted.category("acme/").stream_prefix("acme/").tag("acme/");
    assert_eq!(acme.query(item.into()), Query::from(wanted));
    // What is refused is refused.
    let refused = Query::any([QueryItem::new(), QueryItem::new().tag("").stream("")]);
    let stays = Query::any([QueryItem::new(), QueryItem::new().tag("").stream("").tag("acme/")]);
    assert_eq!(acme.query(refused), stays);
    assert_eq!(acme.query(Query::any([])), Query::any([]));
    assert_eq!(
        acme.keys(Keys::prefix("k").limit(1)),
        Keys::prefix("acme/k").after("acme/").limit(1)
    );
}

#[test]
fn of_limits_a_tenant_has_what_is_left() {
    let error = |limit: Limit, allowed: u64, given: usize| {
        let port = Port::new(&Store::in_memory().unwrap()).tenant("acme").unwrap();
        let event = crate::NewEvent::new("T", "");
        let commit = match limit {
            Limit::Key => crate::Commit::new().put("x".repeat(given), ""),
            Limit::Tags => {
                let tags = (0..given).map(|nth| nth.to_string());
                crate::Commit::new().event("a", event.tags(tags))
            }
            _ => crate::Commit::new().event("a", event.metadata(vec![0; given])),
        };
        let error = port.commit(commit).unwrap_err();
        let Some(crate::AppendError::Limit(told)) = error.append_error() else { panic!("{error}") };
        assert_eq!((told.limit, told.allowed), (limit, allowed));
        assert_eq!(usize::try_from(told.given), Ok(given));
    };
    error(Limit::Tags, 127, 128);
    error(Limit::Key, 1_019, 1_020);
    error(Limit::Metadata, 1 << 20, (1 << 20) + 1);
}

#[test]
fn ids_that_count_are_given_once_by_all_who_share_them() {
    let port = Port::new(&Store::in_memory().unwrap()).ids(CountingIds::default());
    let tenant = port.tenant("acme").unwrap();
    let ids = [port.next_id(), tenant.next_id(), port.clone().next_id()];
    assert_eq!(ids, [1, 2, 3].map(Uuid::from_u128));
    assert_ne!(super::RandomIds.next(), super::RandomIds.next());
}
