//! What a tenant may be called, and what his things may be called.

use crate::fixture::{Place, note};
use annals::toolkit::{Failure, Interceptor, Port, Received, ToolError};
use annals::{
    AppendError, Commit, EventKind, Invalid, Keys, Limit, NewEvent, Query, QueryItem, Read,
    RecordedEvent, Store, Uuid,
};

fn port() -> Port {
    Port::new(&Store::in_memory().unwrap())
}

#[test]
fn a_tenant_is_called_by_letters_digits_and_two_marks() {
    let port = port();
    let longest = "x".repeat(64);
    for name in ["a", "Z", "7", "acme", "acme.eu", "acme_2", "0._", "a..", &longest] {
        let tenant = port.tenant(name).unwrap();
        assert_eq!(tenant.tenant_name(), Some(name));
    }
    assert_eq!(port.tenant_name(), None);
    let too_long = "x".repeat(65);
    for (name, why) in [
        ("", "it is empty"),
        (&too_long, "it has 65 bytes"),
        ("a/b", "there is a '/' in it"),
        ("/", "there is a '/'"),
        ("a/", "there is a '/'"),
        ("..", "begins with a mark"),
        (".", "begins with a mark"),
        ("_a", "begins with a mark"),
        ("../acme", "there is a '/'"),
        ("a-b", "there is a '-'"),
        ("-", "there is a '-'"),
        ("~a", "there is a '~'"),
        ("a b", "there is a ' '"),
        (" a", "there is a ' '"),
        ("a\0", "there is a '\\0'"),
        ("a\n", "there is a '\\n'"),
        ("a\\", "there is a '\\\\'"),
        ("ä", "there is a 'ä'"),
        ("а", "there is a"),
        ("a\u{202e}b", "there is a '\\u{202e}'"),
        ("a%2Fb", "there is a '%'"),
        ("*", "there is a '*'"),
    ] {
        let error = port.tenant(name).unwrap_err();
        assert!(matches!(error, ToolError::Setup(_)));
        let said = error.to_string();
        assert!(said.contains(why) && said.contains("use 1 to 64"), "{said}");
        assert!(!said.contains('\0') && !said.contains('\u{202e}') && !said.contains('\n'));
    }
    let acme = port.tenant("acme").unwrap();
    for name in ["acme", "bolt", ""] {
        let said = acme.tenant(name).unwrap_err().to_string();
        assert_eq!(
            said,
            "this is the handle of the tenant 'acme': tenants have no tenants of their own"
        );
    }
}

#[test]
fn names_that_differ_are_different_tenants_and_those_that_do_not_are_one() {
    let port = port();
    let names = ["acme", "Acme", "acme.", "acme.a", "a", "acm", "acmee"];
    for (nth, name) in (1..).zip(names) {
        let tenant = port.tenant(name).unwrap();
        for _ in 0..nth {
            tenant.append("s-1", annals::ExpectedVersion::Any, [note("x").tag("t")]).unwrap();
        }
        tenant.commit(Commit::new().put("k", name)).unwrap();
    }
    for (nth, name) in (1..).zip(names) {
        let tenant = port.tenant(name).unwrap();
        assert_eq!((tenant.count().unwrap(), tenant.totals().unwrap().events), (nth, nth));
        assert_eq!(tenant.stream_version("s-1").unwrap().get(), nth);
        assert_eq!(tenant.document("k").unwrap().unwrap().value, name.as_bytes());
        assert_eq!(tenant.tags(Keys::all()).unwrap()[0].events, nth);
        assert_eq!(tenant.documents(Keys::all()).unwrap().count(), 1);
    }
}

#[test]
fn what_has_no_name_is_refused_as_it_is_without_a_tenant() {
    let whole = port();
    let acme = whole.tenant("acme").unwrap();
    let refused = |commit: Commit| {
        let told = [&whole, &acme].map(|port| {
            let error = port.commit(&commit).unwrap_err();
            let Some(AppendError::Invalid(invalid)) = error.append_error() else {
                panic!("{error}")
            };
            (invalid.clone(), error.to_string())
        });
        assert_eq!(told[0], told[1]);
        told[0].0.clone()
    };
    let event = || NewEvent::new("T", "");
    let empty = |what| Invalid::EmptyName { what };
    assert_eq!(refused(Commit::new().event("", event())), empty("stream"));
    assert_eq!(refused(Commit::new().event("a", event()).expect("", 0)), empty("stream"));
    assert_eq!(refused(Commit::new().event("a", event().tag(""))), empty("tag"));
    assert_eq!(refused(Commit::new().event("a", NewEvent::new("", ""))), empty("type"));
    assert_eq!(refused(Commit::new().put("", "x")), empty("document key"));
    assert_eq!(refused(Commit::new().put("k", "x").expect_document("", 0)), empty("document key"));
    let nul = |what| Invalid::NulInName { what };
    assert_eq!(refused(Commit::new().event("a\0", event())), nul("stream"));
    assert_eq!(refused(Commit::new().event("a", event().tag("\0"))), nul("tag"));
    assert_eq!(refused(Commit::new().put("\0k", "x")), nul("document key"));
    let on = |query: Query| Commit::new().event("a", event()).fail_if_exists(query);
    assert_eq!(refused(on(Query::any([]))), Invalid::NoItems);
    assert_eq!(refused(on(QueryItem::new().into())), Invalid::EmptyItem);
    assert_eq!(refused(on(QueryItem::new().tag("").into())), empty("tag"));
    assert_eq!(refused(on(QueryItem::new().stream("").into())), empty("stream"));
    let twice = Commit::new().expect("s", 0).append("s", 0, [event()]);
    assert_eq!(refused(twice), Invalid::StreamTwice { stream: "s".to_owned() });
    let twice = Commit::new().put("k", "").delete("k");
    assert_eq!(refused(twice), Invalid::DocumentTwice { key: "k".to_owned() });
    let id = Uuid::from_u128(5);
    let twice = Commit::new().append("s", 0, [event().id(id), event().id(id)]);
    assert_eq!(refused(twice), Invalid::IdTwice { id });
    // Asking by nothing finds nothing, or is refused the same way.
    for port in [&whole, &acme] {
        assert!(port.document("").unwrap().is_none());
        assert_eq!(port.stream_version("").unwrap().get(), 0);
        assert_eq!(port.read_stream("", Read::new()).unwrap().count(), 0);
        assert!(port.query(&QueryItem::new().stream("").into(), Read::new()).is_err());
        assert!(port.query(&QueryItem::new().tag("").into(), Read::new()).is_err());
        assert!(port.query(&QueryItem::new().into(), Read::new()).is_err());
    }
}

#[test]
fn an_event_of_a_tenant_has_one_tag_less() {
    let whole = port();
    let acme = whole.tenant("acme").unwrap();
    let tagged = |count: u32| note("x").tags((0..count).map(|nth| format!("t:{nth}")));
    acme.append("a", 0, [tagged(127)]).unwrap();
    let event = acme.event(1).unwrap().unwrap();
    assert_eq!((event.tags.len(), event.tags[126].as_str()), (127, "t:126"));
    assert_eq!(acme.tags(Keys::all()).unwrap().len(), 127);
    let error = acme.append("a", 1, [tagged(128)]).unwrap_err();
    let Some(AppendError::Limit(limit)) = error.append_error() else { panic!("{error}") };
    assert_eq!((limit.limit, limit.allowed, limit.given), (Limit::Tags, 127, 128));
    whole.append("a", 0, [tagged(128)]).unwrap();
    // A tag that is given twice counts once.
    acme.append("a", 1, [tagged(127).tag("t:5")]).unwrap();
    let item = |count: u32| QueryItem::new().tags((0..count).map(|nth| format!("t:{nth}")));
    assert_eq!(acme.query(&item(127).into(), Read::new()).unwrap().count(), 2);
    assert!(acme.query(&item(128).into(), Read::new()).is_err());
}

#[test]
fn names_of_a_tenant_are_shorter_by_his_own() {
    let acme = port().tenant("acme").unwrap();
    let (fits, too_long) = ("x".repeat(1_019), "x".repeat(1_020));
    acme.commit(Commit::new().event(&*fits, note("").tag(&*fits)).put(&*fits, "")).unwrap();
    assert_eq!(acme.streams().unwrap(), [&*fits]);
    assert_eq!(acme.tags(Keys::all()).unwrap()[0].name, fits);
    for commit in [
        Commit::new().event(&*too_long, note("")),
        Commit::new().event("a", note("").tag(&*too_long)),
    ] {
        let error = acme.commit(commit).unwrap_err();
        assert!(matches!(error.append_error(), Some(AppendError::Limit(_))), "{error}");
    }
    let error = acme.commit(Commit::new().put(&*too_long, "")).unwrap_err();
    let Some(AppendError::Limit(limit)) = error.append_error() else { panic!("{error}") };
    assert_eq!((limit.allowed, limit.given), (1_019, 1_020));
}

#[test]
fn retries_are_safe_for_each_tenant_and_after_another_opening() {
    let place = Place::new();
    let commit = Commit::new()
        .append("a", 0, [note("x").id(Uuid::from_u128(1)), note("y").id(Uuid::from_u128(2))])
        .put("k", "v");
    let mut firsts = Vec::new();
    for round in 0..2 {
        let store = Store::open(place.path()).unwrap();
        let port = Port::new(&store);
        for (nth, name) in ["acme", "bolt"].into_iter().enumerate() {
            let tenant = port.tenant(name).unwrap();
            let landed = tenant.commit(&commit).unwrap();
            assert_eq!(landed.replayed, round == 1);
            assert_eq!((&*landed.versions[0].0, &*landed.revisions[0].0), ("a", "k"));
            firsts.push(landed.first.get());
            assert_eq!(landed.first.get(), firsts[nth]);
            let found = tenant.event_by_id(Uuid::from_u128(2)).unwrap().unwrap();
            assert_eq!((found.position, found.id), (landed.last, Uuid::from_u128(2)));
        }
        // In the whole store nobody has these ids.
        assert!(port.event_by_id(Uuid::from_u128(2)).unwrap().is_none());
        let longer = commit.clone().event("b", note("z").id(Uuid::from_u128(3)));
        let error = port.tenant("bolt").unwrap().commit(longer).unwrap_err();
        let Some(AppendError::IdConflict(conflict)) = error.append_error() else {
            panic!("{error}")
        };
        assert!([1, 2].map(Uuid::from_u128).contains(&conflict.id), "{conflict:?}");
        store.close().unwrap();
    }
}

/// Shows nobody anything.
struct Blind;

impl Interceptor for Blind {
    fn name(&self) -> &str {
        "blind"
    }

    fn read(&self, _: &Received<'_>) -> Result<Option<RecordedEvent>, Failure> {
        Err("not for your eyes".into())
    }
}

#[test]
fn a_refusal_is_told_by_his_own_names_and_ids_whatever_may_be_read() {
    let whole = port();
    whole.append("a", 0, [note("x")]).unwrap();
    let acme = whole.clone().intercept(Blind).tenant("acme").unwrap();
    let id = Uuid::from_u128(7);
    acme.append("a", 0, [note("x").id(id).tag("t")]).unwrap();
    let error = acme.append("a", 5, [note("y")]).unwrap_err();
    assert_eq!(error.to_string(), "stream 'a' was expected at version 5, but is at version 1");
    let seen = Query::from(QueryItem::new().tag("t"));
    let error = acme.commit(Commit::new().event("b", note("")).fail_if_exists(seen)).unwrap_err();
    let Some(AppendError::AlreadyExists(failed)) = error.append_error() else { panic!("{error}") };
    assert_eq!((failed.id, failed.position.get()), (id, 2));
    let error = acme.commit(Commit::new().put_over("k", 4, "")).unwrap_err();
    assert_eq!(error.to_string(), "document 'k' was expected at revision 4, but it does not exist");
}

#[test]
fn the_whole_store_s_port_sees_everything_by_the_names_it_has_there() {
    let whole = port();
    let acme = whole.tenant("acme").unwrap();
    acme.append("a-1", 0, [note("x").tag("t").kind(EventKind::Fat)]).unwrap();
    acme.commit(Commit::new().put("~snapshot/a-1", "s")).unwrap();
    let event = whole.event(1).unwrap().unwrap();
    assert_eq!((event.stream.as_str(), event.category()), ("acme/a-1", "acme/a"));
    assert_eq!(event.tags, ["acme/t", "acme/"]);
    assert_eq!(whole.categories().unwrap(), ["acme/a"]);
    let keys = whole.documents(Keys::all()).unwrap();
    assert_eq!(keys.map(|found| found.unwrap().key).collect::<Vec<_>>(), ["acme/~snapshot/a-1"]);
    let all = Query::from(QueryItem::new().tag("acme/"));
    assert_eq!(whole.query(&all, Read::new()).unwrap().count(), 1);
}
