//! Pipelines: commands to events, events to handlers, publishers and projections.

use crate::fixture::note;
use annals::toolkit::{
    Codec, Command, Decider, Envelope, Evolve, Fold, Handler, Metadata, OnCommand, Order, Pipeline,
    PipelineBuilder, Port, Projected, Repository, Retry, Running, SendError, ToolError,
    TraceContext,
};
use annals::{
    ExpectedVersion, NewEvent, Options, Query, QueryItem, Read, Store, Timestamp, Uuid, event_types,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

fn port() -> Port {
    Port::new(&Options::new().in_memory().unwrap())
}

#[derive(Deserialize)]
struct Place {
    total: u64,
}

#[derive(Deserialize)]
struct Cancel {}

/// Orders of things that cost something.
fn orders(port: &Port) -> PipelineBuilder {
    let place = OnCommand::new("place", |place: &Place, order| match order.version().get() {
        0 => Ok(vec![NewEvent::new("OrderPlaced", place.total.to_string())]),
        _ => Err(format!("{} was placed before", order.id()).into()),
    });
    let place = place.check(|place| match place.total {
        0 => Err("it costs nothing".into()),
        _ => Ok(()),
    });
    let cancel = OnCommand::new("cancel", |_: &Cancel, order| {
        let mut events = order.events()?;
        while let Some(event) = events.next_event()? {
            if event.event_type()? == "OrderCancelled" {
                return Ok(vec![]);
            }
        }
        Ok(vec![NewEvent::new("OrderCancelled", "")])
    });
    Pipeline::builder(port, "orders", "order").command(place).command(cancel)
}

fn turnover() -> Fold<u64> {
    Fold::new("turnover", || 0).of(QueryItem::new().event_type("OrderPlaced")).apply(
        |sum, event| {
            *sum += std::str::from_utf8(event.payload)?.parse::<u64>()?;
            Ok(())
        },
    )
}

/// A handler that puts what it was handed last under its name and that of the stream.
fn last(name: &str) -> Handler {
    let own = name.to_owned();
    Handler::new(name, move |event, effects| {
        effects.put(format!("{own}/{}", event.stream()?), event.event_type()?);
        Ok(())
    })
}

fn place(id: &str, total: u64) -> Command {
    Command::new("place", id, format!(r#"{{"total": {total}}}"#))
}

#[track_caller]
fn wait(pipeline: &Pipeline, port: &Port) {
    let done = pipeline.wait_done(port.head().unwrap(), LONG).unwrap();
    assert!(done, "{:?}", pipeline.status());
}

#[test]
fn a_command_goes_all_the_way_to_handlers_publishers_and_projections() {
    let port = port();
    let published = Arc::new(Mutex::new(Vec::new()));
    let inside = published.clone();
    let mut pipeline = orders(&port)
        .handler(last("last").types(["OrderPlaced", "OrderCancelled"]))
        .publisher("bus", move |event| {
            let line = format!("{} {}", event.stream()?, event.event_type()?);
            inside.lock().unwrap().push(line);
            Ok(())
        })
        .projection(|_| turnover())
        .build()
        .unwrap();
    // Of another type: nobody here hears of it.
    port.append("cart-7", 0, [NewEvent::new("OrderPlaced", "1000")]).unwrap();
    // Commands need nothing that runs.
    let sent = pipeline.send(&place("7", 12)).unwrap();
    assert_eq!((&*sent.stream, sent.version.get(), sent.attempts), ("order-7", 1, 1));
    assert_eq!(sent.appended.unwrap().last.get(), 2);
    assert!(matches!(pipeline.wait_done(1, LONG), Err(ToolError::Stopped)));
    pipeline.start().unwrap();
    assert!(matches!(pipeline.start(), Err(ToolError::Busy { .. })));
    pipeline.send(&place("8", 30)).unwrap();
    pipeline.send(&Command::new("cancel", "7", "{}")).unwrap();
    let nothing = pipeline.send(&Command::new("cancel", "7", "{}")).unwrap();
    assert_eq!((nothing.version.get(), nothing.appended), (2, None));
    wait(&pipeline, &port);
    assert_eq!(Projected::of(&port, "turnover").state::<u64>().unwrap(), Some(42));
    let last = |stream| port.document(&format!("last/{stream}")).unwrap().map(|found| found.value);
    assert_eq!(last("order-7").unwrap(), b"OrderCancelled");
    assert_eq!(last("order-8").unwrap(), b"OrderPlaced");
    assert_eq!(last("cart-7"), None);
    let mut published = published.lock().unwrap().clone();
    published.sort();
    assert_eq!(published, ["order-7 OrderCancelled", "order-7 OrderPlaced", "order-8 OrderPlaced"]);
    let status = pipeline.status().unwrap();
    assert!(status.is_running());
    assert_eq!(status.handler("bus").unwrap().handled, 3);
    assert_eq!(status.projection("turnover").unwrap().lag, 0);
    pipeline.stop().unwrap();
    let status = pipeline.status().unwrap();
    assert!(!status.is_running());
    assert!(matches!(status.handler("last").unwrap().running, Running::Stopped));
    assert!(status.handler("nobody").is_none() && status.projection("nobody").is_none());
}

#[test]
fn what_was_stopped_goes_on_where_it_was_with_each_part() {
    let port = port();
    let published = Arc::new(AtomicU64::new(0));
    let inside = published.clone();
    let mut pipeline = orders(&port)
        .publisher("bus", move |_| {
            inside.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
        .projection(|_| turnover())
        .build()
        .unwrap();
    for round in 1..=3 {
        pipeline.send(&place(&format!("{round}-a"), 1)).unwrap();
        pipeline.start().unwrap();
        pipeline.send(&place(&format!("{round}-b"), 1)).unwrap();
        wait(&pipeline, &port);
        pipeline.stop().unwrap();
        assert_eq!(published.load(Ordering::SeqCst), 2 * round);
        let state = Projected::of(&port, "turnover").state::<u64>().unwrap();
        assert_eq!(state, Some(2 * round));
        let status = pipeline.status().unwrap();
        assert_eq!(status.handler("bus").unwrap().position.get(), 2 * round);
        assert_eq!(status.projection("turnover").unwrap().position.get(), 2 * round);
    }
}

#[test]
fn a_command_is_refused_with_what_is_wrong_with_it() {
    let port = port();
    let pipeline = orders(&port).build().unwrap();
    let told = |command: Command| pipeline.send(&command).unwrap_err();

    let unknown = told(Command::new("plaice", "7", "{}"));
    assert!(matches!(&unknown, SendError::Unknown { known, .. } if known == &["cancel", "place"]));
    assert_eq!(unknown.to_string(), "there is no command 'plaice'; there are: cancel, place");
    for (body, words) in [
        ("{", "EOF while parsing"),
        ("", "EOF"),
        ("7", "expected struct Place"),
        ("{}", "missing field `total`"),
        (r#"{"total": "much"}"#, "line 1 column 16"),
        (r#"{"total": 1} x"#, "trailing characters"),
    ] {
        let malformed = told(Command::new("place", "7", body));
        assert!(matches!(malformed, SendError::Malformed { .. }), "{malformed}");
        assert!(malformed.to_string().starts_with("this is no 'place': "), "{malformed}");
        assert!(malformed.to_string().contains(words), "{malformed}");
    }
    assert!(matches!(told(place("", 1)), SendError::Malformed { .. }));
    let invalid = told(place("7", 0));
    assert!(matches!(invalid, SendError::Invalid { .. }));
    assert_eq!(invalid.to_string(), "'place' can't be: it costs nothing");
    pipeline.send(&place("7", 1)).unwrap();
    let refused = told(place("7", 1));
    assert!(matches!(refused, SendError::Refused { .. }));
    assert_eq!(refused.to_string(), "'place' was refused: 7 was placed before");
    // A name that no stream can have is told by the store.
    assert!(matches!(told(place("a\0", 1)), SendError::Tool(ToolError::Append(_))));
    assert_eq!(port.head().unwrap().get(), 1);
}

#[test]
fn set_ups_that_can_not_be_are_refused_with_all_that_is_wrong() {
    let port = port();
    let empty = Pipeline::builder(&port, "", "").build().unwrap_err().to_string();
    assert_eq!(
        empty,
        "the pipeline '' can't be:\n\
         - '' can't be the name of a pipeline: it is empty\n\
         - '' can't be a type of aggregates: it is what stands before the first '-' of a stream's \
         name\n\
         - it has no command, no handler and no projection"
    );
    let twice = orders(&port)
        .command(OnCommand::new("place", |_: &Cancel, _| Ok(vec![])))
        .command(OnCommand::new("", |_: &Cancel, _| Ok(vec![])))
        .handler(last("a/b").query(Query::any([])))
        .handler(last("mail").types([""; 0]).concurrency(0).batch(0))
        .publisher("mail", |_| Ok(()))
        .projection(|_| turnover())
        .projection(|_| turnover().of(QueryItem::new()))
        .projection(|_| -> Fold<u64> { panic!("no such projection") })
        .build()
        .unwrap_err();
    assert!(matches!(twice, ToolError::Setup(_)));
    let problems: Vec<_> = twice.to_string().lines().skip(1).map(str::to_owned).collect();
    let expected = [
        "- '' can't be the name of a command: it is empty",
        "- 'a/b' can't be the name of a handler: there is a '/' in it",
        "- the command 'place' is there twice",
        "- the handler 'mail' is there twice",
        "- the handler 'a/b': a query has no items; for all events use `Query::all`",
        "- the handler 'mail': nobody has said which events it handles: name types, or a query",
        "- the handler 'mail': its batches have no room for any checkpoint",
        "- the handler 'mail': it handles no aggregate at a time: its concurrency is 0",
        "- the projection 'turnover': an item of a query asks for nothing; for all events use \
         `Query::all`",
        "- the projection 'turnover' is there twice",
        "- making a projection panicked: no such projection",
    ];
    assert_eq!(problems, expected);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Moved {
    In(u64),
    Out(u64),
}
event_types! { Moved { In => "MovedIn" version 1, Out => "MovedOut" version 1 } }

struct Purse;

#[derive(Debug, PartialEq)]
struct TooMuch(u64);

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there are {} only", self.0)
    }
}

impl std::error::Error for TooMuch {}

impl Evolve for Purse {
    type State = u64;
    type Event = Moved;

    fn initial(&self) -> u64 {
        0
    }

    fn evolve(&self, cents: &mut u64, event: &Moved) {
        match event {
            Moved::In(more) => *cents += more,
            Moved::Out(less) => *cents -= less,
        }
    }
}

impl Decider for Purse {
    type Command = i64;
    type Refusal = TooMuch;

    fn decide(&self, cents: &u64, change: &i64) -> Result<Vec<Moved>, TooMuch> {
        let amount = change.unsigned_abs();
        match change {
            0.. => Ok(vec![Moved::In(amount)]),
            _ if amount <= *cents => Ok(vec![Moved::Out(amount)]),
            _ => Err(TooMuch(*cents)),
        }
    }
}

#[derive(Deserialize)]
struct Amount {
    cents: u32,
}

#[test]
fn a_repositorys_decider_decides_commands() {
    let port = port();
    let purses = Repository::new(&port, "purse", Purse, Codec::json()).unwrap();
    let pay_in = OnCommand::decided("pay in", &purses, |pay: &Amount| i64::from(pay.cents));
    let pay = OnCommand::decided("pay", &purses, |pay: &Amount| -i64::from(pay.cents));
    let builder = |category| Pipeline::builder(&port, "purses", category);
    let pipeline = builder("purse").command(pay_in).command(pay).build().unwrap();
    let request = Uuid::from_u128(7);
    let send = |name: &str, cents: u32| {
        let command = Command::new(name, "ann", format!(r#"{{"cents": {cents}}}"#));
        pipeline.send(&command.envelope(Envelope::new().correlation_id(request)))
    };
    send("pay in", 70).unwrap();
    assert_eq!(send("pay", 20).unwrap().version.get(), 2);
    let refused = send("pay", 51).unwrap_err();
    assert_eq!(refused.refusal(), Some(&TooMuch(50)));
    assert_eq!(refused.to_string(), "'pay' was refused: there are 50 only");
    assert_eq!(purses.load("ann").unwrap().state, 50);
    let of_request = Query::from(QueryItem::new().correlation_id(request));
    assert_eq!(port.query(&of_request, Read::new()).unwrap().count(), 2);
    // A repository of something else would decide about other aggregates.
    let stranger = OnCommand::decided("pay", &purses, |pay: &Amount| -i64::from(pay.cents));
    let error = builder("card").command(stranger).build().unwrap_err().to_string();
    assert!(error.contains("the command 'pay' is decided by the repository of 'purse'"), "{error}");
}

#[test]
fn commands_of_many_threads_are_decided_one_after_the_other() {
    let port = port();
    let count = OnCommand::new("count", |_: &Cancel, at| {
        Ok(vec![NewEvent::new("Counted", (at.version().get() + 1).to_string())])
    });
    let pipeline = Pipeline::builder(&port, "counts", "count").command(count);
    let pipeline = pipeline.retry(Retry::new(u32::MAX)).build().unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    pipeline.send(&Command::new("count", "a", "{}")).unwrap();
                }
            });
        }
    });
    let events = pipeline.events("a").unwrap();
    assert_eq!(events.len(), 200);
    for event in events {
        assert_eq!(event.payload, event.version.to_string().as_bytes());
    }
}

#[test]
fn who_is_never_fast_enough_is_told_how_often_he_tried() {
    let port = port();
    let other = port.clone();
    let late = OnCommand::new("late", move |_: &Cancel, at| {
        other.append(at.stream(), ExpectedVersion::Any, [note("")])?;
        Ok(vec![note("")])
    });
    let pipeline = Pipeline::builder(&port, "late", "late").command(late).retry(Retry::new(3));
    let error = pipeline.build().unwrap().send(&Command::new("late", "a", "{}")).unwrap_err();
    assert!(matches!(&error, SendError::Conflicts { attempts: 3, error } if error.is_conflict()));
    assert_eq!(port.head().unwrap().get(), 3);
}

#[test]
fn a_panic_of_whoever_decides_is_told_and_leaves_nothing() {
    let port = port();
    let panics = OnCommand::new("panic", |_: &Cancel, _| panic!("no idea"));
    let pipeline = Pipeline::builder(&port, "p", "p").command(panics);
    let error = pipeline.build().unwrap().send(&Command::new("panic", "a", "{}")).unwrap_err();
    assert!(matches!(error, SendError::Tool(ToolError::Panicked { .. })));
    assert_eq!(error.to_string(), "the command 'panic' panicked: no idea");
    assert_eq!(port.head().unwrap().get(), 0);
}

#[test]
fn a_handler_that_fails_for_one_aggregate_stops_there_alone_until_it_is_told() {
    let port = port();
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = is_mended.clone();
    let invoices = Handler::new("invoices", move |event, effects| {
        let total: u64 = std::str::from_utf8(event.payload)?.parse()?;
        if total > 100 && !mended.load(Ordering::SeqCst) {
            return Err("no paper of that size".into());
        }
        effects.event("invoices", NewEvent::new("InvoiceMade", event.payload));
        Ok(())
    });
    let invoices = invoices.types(["OrderPlaced"]).retry(Retry::new(1));
    let mut pipeline = orders(&port)
        .handler(invoices)
        .handler(last("last").types(["OrderPlaced"]))
        .build()
        .unwrap();
    pipeline.start().unwrap();
    for (id, total) in [("1", 12), ("2", 200), ("3", 300), ("4", 7)] {
        pipeline.send(&place(id, total)).unwrap();
    }
    wait(&pipeline, &port);
    let parked = pipeline.parked().unwrap();
    let names: Vec<_> =
        parked.iter().map(|(part, parked)| (part.as_str(), parked.aggregate.as_str())).collect();
    assert_eq!(names, [("invoices", "order-2"), ("invoices", "order-3")]);
    assert!(parked[0].1.why.contains("no paper of that size"));
    assert_eq!(port.stream_version("invoices").unwrap().get(), 2);
    assert_eq!(pipeline.status().unwrap().handler("invoices").unwrap().parked, 2);
    assert_eq!(pipeline.status().unwrap().handler("last").unwrap().handled, 4);

    is_mended.store(true, Ordering::SeqCst);
    pipeline.resume("invoices", "order-2").unwrap();
    assert!(matches!(pipeline.resume("nobody", "order-3"), Err(ToolError::Setup(_))));
    assert!(matches!(pipeline.skip("last", "order-3"), Err(ToolError::Setup(_))));
    pipeline.stop().unwrap();
    // Also while nothing runs.
    assert_eq!(pipeline.status().unwrap().handler("invoices").unwrap().parked, 1);
    pipeline.skip("invoices", "order-3").unwrap();
    assert_eq!(pipeline.parked().unwrap(), []);
    pipeline.start().unwrap();
    wait(&pipeline, &port);
    let invoices = port.read_stream("invoices", Read::new()).unwrap();
    let mut totals: Vec<_> = invoices.map(|event| event.unwrap().payload).collect();
    totals.sort();
    assert_eq!(totals, [&b"12"[..], b"200", b"7"]);
}

#[test]
fn the_order_of_events_is_the_pipelines_where_an_aggregate_is_made_of_all_of_them() {
    let port = port();
    let noted = |text: &str, day: i64| note(text).occurred(Timestamp::from_micros(day));
    port.append("order-1", 0, [noted("b", 2), noted("c", 3), noted("a", 1)]).unwrap();
    for (order, expected) in [
        (Order::Stored, "bca"),
        (Order::Occurred, "abc"),
        (Order::by(|one, other| other.payload.cmp(&one.payload)), "cba"),
    ] {
        let name = format!("letters-{expected}");
        let inside = name.clone();
        let pipeline = orders(&port).ordering(order).projection(move |order| {
            let letters = Fold::per_stream(&inside, String::new).whole(order.clone());
            letters.apply(|letters, event| {
                letters.push_str(std::str::from_utf8(event.payload)?);
                Ok(())
            })
        });
        let mut pipeline = pipeline.build().unwrap();
        let events = pipeline.events("1").unwrap();
        let text: Vec<u8> = events.iter().flat_map(|event| event.payload.clone()).collect();
        assert_eq!(text, expected.as_bytes());
        pipeline.start().unwrap();
        wait(&pipeline, &port);
        let read = Projected::of(&port, &name).read::<String>("order-1").unwrap();
        assert_eq!(read.as_deref(), Some(expected));
    }
}

#[test]
fn a_command_hands_its_trace_on_to_its_events() {
    let port = port();
    let pipeline = orders(&port).build().unwrap();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let context = TraceContext::parse(trace, None).unwrap();
    let envelope = Envelope::new()
        .metadata(context.add_to(Metadata::new().created_by("ann")))
        .causation_id(Uuid::from_u128(1))
        .tag("customer:7");
    pipeline.send(&place("7", 1).envelope(envelope)).unwrap();
    let event = port.event(1).unwrap().unwrap();
    assert_eq!(TraceContext::of(&(&event).into()), Some(context));
    assert_eq!(event.causation_id, Some(Uuid::from_u128(1)));
    assert!(event.has_tag("customer:7"));
}

#[test]
fn a_tenants_pipeline_knows_nothing_of_anothers() {
    let whole = port();
    let pipelines = ["acme", "bolt"].map(|tenant| {
        let port = whole.tenant(tenant).unwrap();
        let pipeline = orders(&port)
            .handler(last("last").types(["OrderPlaced"]).retry(Retry::new(1)))
            .projection(|_| turnover());
        let mut pipeline = pipeline.build().unwrap();
        pipeline.start().unwrap();
        (port, pipeline)
    });
    for (nth, (_, pipeline)) in (1..).zip(&pipelines) {
        for id in 0..nth {
            pipeline.send(&place(&id.to_string(), nth * 10)).unwrap();
        }
    }
    for (nth, (port, pipeline)) in (1..).zip(&pipelines) {
        wait(pipeline, port);
        let state = Projected::of(port, "turnover").state::<u64>().unwrap();
        assert_eq!(state, Some(nth * nth * 10));
        assert_eq!(pipeline.status().unwrap().handler("last").unwrap().handled, nth);
    }
    assert!(whole.document("last/order-0").unwrap().is_none());
    assert!(whole.document("acme/last/order-0").unwrap().is_some());
}

#[test]
fn two_pipelines_of_one_name_do_not_run_at_once() {
    let port = port();
    let build = || {
        let pipeline = orders(&port).handler(last("a").types(["OrderPlaced"]));
        let pipeline = pipeline.handler(last("b").types(["OrderPlaced"]));
        pipeline.projection(|_| turnover()).build().unwrap()
    };
    let (mut first, mut second) = (build(), build());
    first.start().unwrap();
    let busy = second.start().unwrap_err();
    assert!(matches!(&busy, ToolError::Busy { name } if name == "orders~a"), "{busy}");
    first.stop().unwrap();
    second.start().unwrap();
    assert!(first.start().is_err());
    drop(second);
    first.start().unwrap();
}

#[test]
fn a_pipeline_whose_store_is_closed_ends_with_that_error() {
    let store = Store::in_memory().unwrap();
    let port = Port::new(&store);
    let mut pipeline = orders(&port)
        .handler(last("last").types(["OrderPlaced"]))
        .projection(|_| turnover())
        .build()
        .unwrap();
    pipeline.start().unwrap();
    for nth in 0..50 {
        pipeline.send(&place(&nth.to_string(), 1)).unwrap();
    }
    store.close().unwrap();
    assert!(pipeline.wait_done(100, LONG).unwrap_err().to_string().contains("closed"));
    assert!(pipeline.send(&place("x", 1)).unwrap_err().to_string().contains("closed"));
    assert!(!pipeline.status().unwrap().is_running());
    assert!(pipeline.stop().unwrap_err().to_string().contains("closed"));
}
