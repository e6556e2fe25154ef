//! Pipelines: what becomes of commands, and of set-ups that can't be.

use annals::toolkit::{
    Command, Fold, Handler, Inline, OnCommand, Order, Pipeline, PipelineBuilder, Port, Projected,
    Retry, Running, SendError, ToolError,
};
use annals::{ErrorKind, NewEvent, Query, Read, Store, Timestamp, Uuid};
use serde::Deserialize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

fn port() -> Port {
    Port::new(&Store::in_memory().unwrap())
}

#[derive(Deserialize)]
struct Add {
    number: u64,
}

/// Adds a number to an aggregate, up to 100 numbers.
fn add() -> OnCommand<Add> {
    OnCommand::new("add", |add: &Add, at| match at.version().get() {
        100 => Err("it is full".into()),
        _ => Ok(vec![NewEvent::new("Added", add.number.to_string())]),
    })
}

fn builder(port: &Port) -> PipelineBuilder {
    Pipeline::builder(port, "sums", "sum").command(add())
}

fn sums() -> Fold<u64> {
    Fold::per_stream("sums", || 0).apply(|sum: &mut u64, event| {
        *sum += std::str::from_utf8(event.payload)?.parse::<u64>()?;
        Ok(())
    })
}

fn command(id: &str, number: u64) -> Command {
    Command::new("add", id, format!(r#"{{"number": {number}}}"#))
}

#[track_caller]
fn refused(built: Result<Pipeline, ToolError>, parts: &[&str]) {
    let error = built.expect_err("it can't be").to_string();
    for part in parts {
        assert!(error.contains(part), "'{part}' is not in: {error}");
    }
}

#[test]
fn set_ups_that_can_not_be_are_refused_with_all_that_is_wrong() {
    let port = port();
    let handler = |name: &str| Handler::new(name, |_, _| Ok(())).types(["Added"]);
    refused(Pipeline::builder(&port, "", "sum").command(add()).build(), &["it is empty"]);
    refused(Pipeline::builder(&port, "sums", "").command(add()).build(), &["type of aggregates"]);
    refused(Pipeline::builder(&port, "sums", "sum").build(), &["no command, no handler"]);
    refused(builder(&port).command(add()).build(), &["the command 'add' is there twice"]);
    let twice = builder(&port).handler(handler("a")).handler(handler("a").concurrency(0));
    refused(twice.build(), &["the handler 'a' is there twice", "its concurrency is 0"]);
    let projections = builder(&port).projection(|_| sums()).projection(|_| sums());
    refused(projections.build(), &["the projection 'sums' is there twice"]);
    let query = Query::any([]);
    let empty = builder(&port).handler(handler("a~b").query(query));
    refused(empty.build(), &["there is a '~' in it", "a query has no items"]);
    let panics = builder(&port).projection(|_| -> Fold<u64> { panic!("no such thing") });
    refused(panics.build(), &["making a projection panicked: no such thing"]);
    assert_eq!(port.head().unwrap().get(), 0);
}

#[test]
fn a_command_that_is_none_stores_nothing_and_says_where_it_stopped() {
    let port = port();
    let check = |add: &Add| if add.number == 7 { Err("not seven".into()) } else { Ok(()) };
    let panics = OnCommand::new("panic", |_: &Add, _| panic!("at once"));
    let pipeline = Pipeline::builder(&port, "sums", "sum").command(add().check(check));
    let pipeline = pipeline.command(panics).build().unwrap();
    let send = |name: &str, id: &str, body: &str| {
        pipeline.send(&Command::new(name, id, body)).unwrap_err()
    };
    assert!(matches!(send("sub", "1", "{}"), SendError::Unknown { known, .. } if known.len() == 2));
    for body in ["", "{", "[]", "{}", r#"{"number": -1}"#, r#"{"number": 1} x"#] {
        let error = send("add", "1", body);
        assert!(matches!(error, SendError::Malformed { .. }), "{body}: {error}");
    }
    assert!(matches!(send("add", "", r#"{"number": 1}"#), SendError::Malformed { .. }));
    let error = send("add", "1", r#"{"number": 7}"#);
    assert!(matches!(error, SendError::Invalid { .. }), "{error}");
    let error = send("panic", "1", r#"{"number": 1}"#);
    assert!(matches!(error, SendError::Tool(ToolError::Panicked { .. })), "{error}");
    assert_eq!(port.head().unwrap().get(), 0);
}

#[test]
fn commands_that_meet_are_decided_one_after_the_other() {
    let port = port();
    let pipeline = builder(&port).retry(Retry::new(1_000)).build().unwrap();
    let refused = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    match pipeline.send(&command("1", 1)) {
                        Ok(_) => {}
                        Err(SendError::Refused { .. }) => {
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    });
    assert_eq!((port.head().unwrap().get(), refused.into_inner()), (100, 60));
    let impatient = builder(&port).retry(Retry::new(1)).build().unwrap();
    assert!(matches!(impatient.send(&command("1", 1)), Err(SendError::Refused { .. })));
}

#[test]
fn what_a_command_makes_happen_is_in_its_envelope_and_goes_to_all_parts() {
    let port = port();
    let (told, tells) = channel();
    let told = Mutex::new(told);
    let pipeline = builder(&port).projection(|_| sums());
    let pipeline = pipeline.publisher("outside", move |event| {
        let line = format!("{} {:?}", event.event_type()?, event.correlation_id());
        Ok(told.lock().unwrap().send(line)?)
    });
    let handler = Handler::new("count", |event, effects| {
        effects.put(format!("count/{}", event.stream()?), event.version.to_string());
        Ok(())
    });
    let mut pipeline = pipeline.handler(handler.types(["Added"])).build().unwrap();
    pipeline.start().unwrap();
    let busy = pipeline.start().unwrap_err();
    assert!(matches!(busy, ToolError::Busy { .. }));
    let request = Uuid::from_u128(7);
    let envelope = annals::toolkit::Envelope::new().correlation_id(request);
    let sent = pipeline.send(&command("1", 5).envelope(envelope)).unwrap();
    // What is of another type is none of its own.
    port.append("other-1", 0, [NewEvent::new("Added", "9")]).unwrap();
    assert!(pipeline.wait_done(port.head().unwrap(), LONG).unwrap());
    assert_eq!((sent.stream.as_str(), sent.version.get(), sent.attempts), ("sum-1", 1, 1));
    assert_eq!(tells.recv().unwrap(), format!("Added {:?}", Some(request)));
    assert!(tells.try_recv().is_err(), "that was all");
    let sums = Projected::of(&port, "sums");
    assert_eq!(sums.read::<u64>("sum-1").unwrap(), Some(5));
    assert!(!sums.exists("other-1").unwrap());
    assert_eq!(port.document("count/sum-1").unwrap().unwrap().value, b"1");
    let status = pipeline.status().unwrap();
    assert!(status.is_running());
    assert_eq!(status.handler("count").unwrap().handled, 1);
    pipeline.stop().unwrap();
    let status = pipeline.status().unwrap();
    assert!(matches!(status.projection("sums").unwrap().running, Running::Stopped));
    assert!(matches!(pipeline.wait_done(1, LONG), Err(ToolError::Stopped)));
}

#[test]
fn two_pipelines_of_one_name_do_not_run_together() {
    let port = port();
    let make = || {
        let handler = Handler::new("all", |_, _| Ok(())).types(["Added"]);
        builder(&port).handler(handler).build().unwrap()
    };
    let (mut first, mut second) = (make(), make());
    first.start().unwrap();
    assert!(matches!(second.start(), Err(ToolError::Busy { .. })));
    first.stop().unwrap();
    second.start().unwrap();
    assert!(Inline::open(&port, sums()).is_ok(), "nobody runs the projection");
}

#[test]
fn the_events_of_an_aggregate_come_in_the_order_that_was_said() {
    let port = port();
    let late =
        |text: &str, at: i64| NewEvent::new("Added", text).occurred(Timestamp::from_micros(at));
    port.append("sum-1", 0, [late("2", 20), late("3", 30), late("1", 10)]).unwrap();
    let by_size = Order::by(|one, other| other.payload.cmp(&one.payload));
    for (order, expected) in [(Order::Stored, "231"), (Order::Occurred, "123"), (by_size, "321")] {
        let list = |order: &Order| {
            let list = Fold::per_stream("list", String::new).whole(order.clone());
            list.apply(|list: &mut String, event| {
                list.push_str(std::str::from_utf8(event.payload)?);
                Ok(())
            })
        };
        let mut pipeline = builder(&port).ordering(order).projection(list).build().unwrap();
        let events = pipeline.events("1").unwrap();
        let events: Vec<_> = events.into_iter().map(|event| event.payload).collect();
        assert_eq!(String::from_utf8(events.concat()).unwrap(), expected);
        pipeline.start().unwrap();
        assert!(pipeline.wait_done(3, LONG).unwrap());
        pipeline.stop().unwrap();
        let found = Projected::of(&port, "list").read::<String>("sum-1").unwrap();
        assert_eq!(found.as_deref(), Some(expected));
        // Made anew for the next one.
        let gone = annals::Commit::new().delete("~projection/list");
        port.commit(gone.delete("~projection/list/1/sum-1")).unwrap();
    }
}

#[test]
fn closing_the_store_while_everything_runs_ends_all_parts_with_an_error() {
    let store = Store::in_memory().unwrap();
    let port = Port::new(&store);
    let handled = Arc::new(AtomicU64::new(0));
    let count = handled.clone();
    let handler = Handler::new("slow", move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_micros(100));
        Ok(())
    });
    let pipeline = builder(&port).handler(handler.types(["Added"])).projection(|_| sums());
    let mut pipeline = pipeline.build().unwrap();
    pipeline.start().unwrap();
    thread::scope(|scope| {
        for id in 0..4 {
            let pipeline = &pipeline;
            scope.spawn(move || while pipeline.send(&command(&id.to_string(), 1)).is_ok() {});
        }
        while handled.load(Ordering::Relaxed) < 20 {
            thread::sleep(Duration::from_millis(1));
        }
        store.close().unwrap();
    });
    let error = pipeline.stop().unwrap_err();
    let kind = match &error {
        ToolError::Store(error) => Some(error.kind()),
        error => error.append_error().and_then(annals::AppendError::kind),
    };
    assert_eq!(kind, Some(ErrorKind::Closed), "{error}");
}

#[test]
fn a_tenants_pipeline_has_the_tenants_events_only() {
    let whole = port();
    let tenants = ["acme", "bolt"].map(|name| whole.tenant(name).unwrap());
    let mut pipelines = tenants.each_ref().map(|port| {
        let mut pipeline = builder(port).projection(|_| sums()).build().unwrap();
        pipeline.start().unwrap();
        pipeline
    });
    for (nth, pipeline) in pipelines.iter_mut().enumerate() {
        let sent = pipeline.send(&command("1", 10 * (nth as u64 + 1))).unwrap();
        assert!(pipeline.wait_done(sent.appended.unwrap().last, LONG).unwrap());
    }
    for (nth, port) in tenants.iter().enumerate() {
        let sum = Projected::of(port, "sums").read::<u64>("sum-1").unwrap();
        assert_eq!(sum, Some(10 * (nth as u64 + 1)));
        assert_eq!(port.read_all(Read::new()).unwrap().count(), 1);
    }
}
