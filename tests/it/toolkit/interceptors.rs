//! What stands between a program and its store.

use crate::fixture::note;
use annals::toolkit::{Append, Failure, Interceptor, Port, Publish, Received, ToolError};
use annals::{
    AppendError, Appended, Commit, ErrorKind, EventKind, NewEvent, Query, Read, RecordedEvent,
    Rewrite, Store, Uuid,
};
use std::sync::{Arc, Mutex};

/// What was done, by whom, in which order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Notes what goes through.
struct Notes {
    name: &'static str,
    log: Log,
}

impl Interceptor for Notes {
    fn name(&self) -> &str {
        self.name
    }

    fn append(&self, commit: Commit, next: &mut Append<'_>) -> Result<Appended, ToolError> {
        let events = commit.get_events().map(|(stream, event)| {
            format!("{stream} {} {:?}", event.event_type(), event.get_tags())
        });
        self.log.add(format!("{}: {}", self.name, events.collect::<Vec<_>>().join(", ")));
        // Whoever stands further inside finds the name of this one.
        let landed = next(commit.rewrite(&mut Tag(self.name)));
        self.log.add(match &landed {
            Ok(landed) => format!("{}: landed at {}", self.name, landed.first),
            Err(error) => format!("{}: {error}", self.name),
        });
        landed
    }

    fn read(&self, event: &Received<'_>) -> Result<Option<RecordedEvent>, Failure> {
        self.log.add(format!("{}: {}", self.name, event.stream()?));
        let mut event = event.to_recorded()?;
        event.stream.push_str(self.name);
        Ok(Some(event))
    }

    fn publish(
        &self,
        event: &Received<'_>,
        to: &str,
        next: &mut Publish<'_>,
    ) -> Result<(), ToolError> {
        self.log.add(format!("{}: {} to {to}", self.name, event.position));
        let done = next();
        self.log.add(format!("{}: {}", self.name, if done.is_ok() { "done" } else { "failed" }));
        done
    }
}

struct Tag(&'static str);

impl Rewrite for Tag {
    fn event(&mut self, _: &str, event: NewEvent) -> NewEvent {
        event.tag(self.0)
    }
}

fn port() -> Port {
    Port::new(&Store::in_memory().unwrap())
}

fn noted(port: Port, log: &Log, names: &[&'static str]) -> Port {
    names.iter().fold(port, |port, name| port.intercept(Notes { name, log: log.clone() }))
}

#[test]
fn the_first_one_stands_outside_of_the_next_ones() {
    let log = Log::default();
    let port = noted(port(), &log, &["a", "b"]);
    port.append("s", 0, [note("x")]).unwrap();
    let wanted = ["a: s Noted []", "b: s Noted [\"a\"]", "b: landed at 1", "a: landed at 1"];
    assert_eq!(log.take(), wanted);

    let event = port.event(1).unwrap().unwrap();
    assert_eq!((event.stream.as_str(), &event.tags[..]), ("sab", &["a".into(), "b".into()][..]));
    assert_eq!(log.take(), ["a: s", "b: sa"]);

    let mut called = 0;
    let published = port.publish(&Received::from(&event), "mailer", &mut || {
        called += 1;
        log.add("called");
        Ok(())
    });
    published.unwrap();
    let wanted = ["a: 1 to mailer", "b: 1 to mailer", "called", "b: done", "a: done"];
    assert_eq!((log.take(), called), (wanted.map(str::to_owned).into(), 1));

    // A conflict goes through all of them, and stays one.
    let error = port.append("s", 0, [note("y")]).unwrap_err();
    assert!(error.is_conflict());
    let said = "stream 's' was expected at version 0, but is at version 1";
    assert_eq!(log.take()[2..], [format!("b: {said}"), format!("a: {said}")]);
}

#[test]
fn every_way_of_reading_goes_past_them() {
    let log = Log::default();
    let plain = port();
    let id = Uuid::from_u128(9);
    plain.append("s", 0, [note("x").id(id)]).unwrap();
    let port = noted(plain.clone(), &log, &["a", "b"]);
    let all = Query::all();
    let first = |events: Result<annals::toolkit::Events, ToolError>| {
        let mut events = events.unwrap();
        let lent = events.next_event().unwrap().unwrap();
        assert_eq!(lent.category().unwrap(), "sab");
        lent.stream().unwrap().to_owned()
    };
    for stream in [
        first(port.read_all(Read::new())),
        first(port.read_stream("s", Read::new())),
        first(port.query(&all, Read::new())),
        port.read_all(Read::new()).unwrap().next().unwrap().unwrap().stream,
        port.event(1).unwrap().unwrap().stream,
        port.event_by_id(id).unwrap().unwrap().stream,
    ] {
        assert_eq!(stream, "sab");
    }
    // Others that go to the same store do not.
    assert_eq!(plain.event(1).unwrap().unwrap().stream, "s");
    // What is no event is left alone.
    log.take();
    port.commit(Commit::new().put("k", "v")).unwrap();
    assert_eq!(port.document("k").unwrap().unwrap().value, b"v");
    assert_eq!((port.streams().unwrap(), port.count().unwrap()), (vec!["s".to_owned()], 1));
    assert_eq!(log.take().len(), 4, "the commit, twice each");
}

type Reads = fn(&Received<'_>) -> Result<Option<RecordedEvent>, Failure>;

/// Does what it is told around a commit, an event that is read, or a publication.
struct Does {
    append: fn(Commit, &mut Append<'_>) -> Result<Appended, ToolError>,
    read: Reads,
    publish: fn(&mut Publish<'_>) -> Result<(), ToolError>,
}

const NOTHING: Does =
    Does { append: |commit, next| next(commit), read: |_| Ok(None), publish: |next| next() };

impl Interceptor for Does {
    fn name(&self) -> &str {
        "odd"
    }

    fn append(&self, commit: Commit, next: &mut Append<'_>) -> Result<Appended, ToolError> {
        (self.append)(commit, next)
    }

    fn read(&self, event: &Received<'_>) -> Result<Option<RecordedEvent>, Failure> {
        (self.read)(event)
    }

    fn publish(&self, _: &Received<'_>, _: &str, next: &mut Publish<'_>) -> Result<(), ToolError> {
        (self.publish)(next)
    }
}

#[test]
fn one_that_does_not_go_on_refuses_and_nothing_lands() {
    let port = port()
        .intercept(Does { append: |_, _| Err(ToolError::failed("odd", "not today")), ..NOTHING });
    let error = port.append("s", 0, [note("x")]).unwrap_err();
    assert!(matches!(error, ToolError::Failed { .. }));
    assert_eq!(
        (error.to_string().as_str(), port.head().unwrap().get()),
        ("odd failed: not today", 0)
    );
}

#[test]
fn one_may_try_again_or_commit_something_else() {
    // Whoever is late is put behind what has come.
    let port = port().intercept(Does {
        append: |commit, next| match next(commit.clone()) {
            Err(error) if error.is_conflict() => {
                let events = commit.get_events().map(|(_, event)| event.clone());
                next(Commit::new().append("late", annals::ExpectedVersion::Any, events))
            }
            done => done,
        },
        ..NOTHING
    });
    for _ in 0..3 {
        port.append("s", 0, [note("x")]).unwrap();
    }
    let versions = ["s", "late"].map(|stream| port.stream_version(stream).unwrap().get());
    assert_eq!(versions, [1, 2]);
    // Going on twice commits twice.
    let twice = port.intercept(Does {
        append: |commit, next| {
            next(commit.clone())?;
            next(commit)
        },
        ..NOTHING
    });
    let commit = Commit::new().event("twice", note("x"));
    assert_eq!(twice.commit(commit).unwrap().version().get(), 2);
}

#[test]
fn a_panic_is_an_error_that_names_who_panicked() {
    let before = port().intercept(Does { append: |_, _| panic!("before"), ..NOTHING });
    let error = before.append("s", 0, [note("x")]).unwrap_err();
    assert_eq!(error.to_string(), "interceptor 'odd' panicked: before");
    assert_eq!(before.head().unwrap().get(), 0);
    // Behind it the commit has landed, whatever is told.
    let log = Log::default();
    let behind = noted(port(), &log, &["outer"]).intercept(Does {
        append: |commit, next| {
            next(commit)?;
            panic!("behind")
        },
        ..NOTHING
    });
    let error = behind.append("s", 0, [note("x")]).unwrap_err();
    assert!(matches!(&error, ToolError::Panicked { who, .. } if who == "interceptor 'odd'"));
    assert_eq!(behind.head().unwrap().get(), 1);
    assert_eq!(log.take()[1], "outer: interceptor 'odd' panicked: behind");
    // The next commit goes on as if nothing had been.
    behind.append("s", 1, [note("y")]).unwrap_err();
    assert_eq!(behind.head().unwrap().get(), 2);
}

#[test]
fn what_fails_to_be_read_ends_the_reading() {
    let plain = port();
    plain.append("s", 0, ["1", "2", "3"].map(note)).unwrap();
    let fails: [Reads; 2] = [
        |event| if event.payload == b"2" { Err("hidden".into()) } else { Ok(None) },
        |event| if event.payload == b"2" { panic!("hidden") } else { Ok(None) },
    ];
    for (read, said) in fails.into_iter().zip(["failed", "panicked"]) {
        let port = plain.clone().intercept(Does { read, ..NOTHING });
        let mut events = port.read_all(Read::new()).unwrap();
        assert_eq!(events.next_event().unwrap().unwrap().payload, b"1");
        let error = events.next_event().unwrap_err();
        assert_eq!(error.to_string(), format!("interceptor 'odd' {said}: hidden"));
        assert!(events.next_event().unwrap().is_none() && events.event().is_none());
        assert!(events.next().is_none());
        assert!(port.event(2).is_err() && port.event(3).is_ok());
        let owned: Vec<_> =
            port.read_all(Read::new()).unwrap().map(|event| event.is_ok()).collect();
        assert_eq!(owned, [true, false]);
        assert!(port.read_all(Read::new()).unwrap().totals().is_err());
    }
}

#[test]
fn an_error_of_the_store_keeps_its_kind_on_its_way_out() {
    let port = port().intercept(NOTHING).intercept(NOTHING);
    port.append("s", 0, [note("x")]).unwrap();
    let error = port.commit(Commit::new().event("", note("x"))).unwrap_err();
    assert!(matches!(error.append_error(), Some(AppendError::Invalid(_))));
    let seen = Query::all();
    let error = port.commit(Commit::new().event("s", note("x")).fail_if_exists(seen)).unwrap_err();
    assert!(matches!(error.append_error(), Some(AppendError::AlreadyExists(_))));
    let event = port.event(1).unwrap().unwrap();
    let published = port.publish(&Received::from(&event), "x", &mut || Err(ToolError::Stopped));
    assert!(matches!(published, Err(ToolError::Stopped)));
    let store = Store::in_memory().unwrap();
    let closed = Port::new(&store).intercept(NOTHING);
    store.close().unwrap();
    let error = closed.append("s", 0, [note("x")]).unwrap_err();
    assert_eq!(error.append_error().unwrap().kind(), Some(ErrorKind::Closed));
}

#[test]
fn a_publication_may_be_kept_back_done_twice_or_panic() {
    let plain = port();
    plain.append("s", 0, [note("x")]).unwrap();
    let event = plain.event(1).unwrap().unwrap();
    let calls = |publish: fn(&mut Publish<'_>) -> Result<(), ToolError>| {
        let port = plain.clone().intercept(Does { publish, ..NOTHING });
        let mut calls = 0;
        let done = port.publish(&Received::from(&event), "x", &mut || {
            calls += 1;
            Ok(())
        });
        (calls, done.map_err(|error| error.to_string()))
    };
    assert_eq!(calls(|_| Ok(())), (0, Ok(())));
    assert_eq!(calls(|next| next().and_then(|()| next())), (2, Ok(())));
    let panicked = Err("interceptor 'odd' panicked: no".to_owned());
    assert_eq!(calls(|_| panic!("no")), (0, panicked));
}

#[test]
fn a_tenant_s_handle_has_those_that_its_port_had_and_its_own() {
    let log = Log::default();
    let whole = noted(port(), &log, &["whole"]);
    let acme = noted(whole.tenant("acme").unwrap(), &log, &["acme's"]);
    acme.append("s", 0, [note("x").kind(EventKind::Trigger)]).unwrap();
    // They see his names.
    assert_eq!(log.take()[..2], ["whole: s Noted []", "acme's: s Noted [\"whole\"]"]);
    assert_eq!(acme.event(1).unwrap().unwrap().stream, "swholeacme's");
    assert_eq!(log.take(), ["whole: s", "acme's: swhole"]);
    whole.tenant("bolt").unwrap().append("s", 0, [note("x")]).unwrap();
    assert_eq!(log.take(), ["whole: s Noted []", "whole: landed at 2"]);
    assert_eq!(whole.event(1).unwrap().unwrap().tags, ["acme/whole", "acme/acme's", "acme/"]);
}
