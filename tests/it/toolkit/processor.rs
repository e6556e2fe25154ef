//! Handlers that run by themselves: in order for each aggregate, each effect once, whatever fails.

pub mod killed;
mod random;

use crate::fixture::note;
use annals::storage::MemoryStorage;
use annals::toolkit::{
    FixedClock, Handler, Parked, Port, Processor, Queue, Retry, Running, ToolError,
};
use annals::{
    AppendCondition, Commit, Durability, ExpectedVersion, NewEvent, Options, Query, QueryItem,
    Read, Store, Timestamp,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(120);

fn store() -> Store {
    Options::new().in_memory().unwrap()
}

fn append(port: &Port, stream: &str, events: u64) -> u64 {
    let events = (0..events).map(|nth| note(nth.to_string()));
    port.append(stream, ExpectedVersion::Any, events).unwrap().last.get()
}

/// Counts what a handler was called with, by aggregate.
type Calls = Arc<Mutex<BTreeMap<String, Vec<u64>>>>;

/// A handler of notes that notes its calls, and that puts the last version of each stream under its
/// name.
fn noting(name: &str, calls: &Calls) -> Handler {
    let calls = calls.clone();
    let handler = Handler::new(name, move |event, effects| {
        let stream = event.stream()?.to_owned();
        effects.put(format!("last/{stream}"), event.version.to_string());
        calls.lock().unwrap().entry(stream).or_default().push(event.version.get());
        Ok(())
    });
    handler.types(["Noted"]).durability(Durability::Buffered)
}

#[track_caller]
fn wait(processor: &Processor, to: u64) {
    assert!(processor.wait_done(to, LONG).unwrap(), "{:?}", processor.status());
}

#[test]
fn ten_thousand_aggregates_in_parallel_keep_their_order() {
    const AGGREGATES: usize = 10_000;
    const EACH: u64 = 20;
    let store = store();
    for nth in 0..EACH {
        // Not always in the same order.
        for tenth in 0..10 {
            let commit = (0..AGGREGATES / 10).fold(Commit::new(), |commit, of| {
                let of = of * 10 + (tenth + nth as usize * 3) % 10;
                commit.append(format!("a-{of}"), ExpectedVersion::Any, [note(nth.to_string())])
            });
            store.commit(commit.durability(Durability::Buffered)).unwrap();
        }
    }
    store.sync().unwrap();
    let port = Port::new(&store);
    let last: Arc<Vec<(AtomicU64, AtomicBool)>> =
        Arc::new((0..AGGREGATES).map(|_| Default::default()).collect());
    let inside = last.clone();
    let handler = Handler::new("order", move |event, _| {
        let of: usize = event.stream()?.strip_prefix("a-").unwrap().parse()?;
        let (last, is_busy) = &inside[of];
        assert!(!is_busy.swap(true, Ordering::SeqCst), "two events of one aggregate at a time");
        // Now and then it takes long enough for others to come.
        if event.position.get() % 97 == 0 {
            thread::yield_now();
        }
        let before = last.fetch_add(1, Ordering::SeqCst);
        assert_eq!(before + 1, event.version.get(), "out of order");
        is_busy.store(false, Ordering::SeqCst);
        Ok(())
    });
    let handler = handler.types(["Noted"]).concurrency(16).durability(Durability::Buffered);
    let processor = Processor::start(&port, handler.retry(Retry::new(1))).unwrap();
    wait(&processor, AGGREGATES as u64 * EACH);
    assert_eq!(processor.parked().unwrap(), []);
    assert_eq!(processor.status().handled, AGGREGATES as u64 * EACH);
    assert!(last.iter().all(|(last, _)| last.load(Ordering::SeqCst) == EACH));
}

#[test]
fn a_failing_aggregate_stops_alone_and_goes_on_when_it_is_told() {
    let port = Port::new(&store());
    for nth in 0..20 {
        append(&port, &format!("a-{}", nth % 4), 1);
    }
    let calls = Calls::default();
    let is_mended = Arc::new(AtomicBool::new(false));
    let (inside, mended) = (calls.clone(), is_mended.clone());
    let handler = Handler::new("fails", move |event, _| {
        let stream = event.stream()?.to_owned();
        inside.lock().unwrap().entry(stream.clone()).or_default().push(event.version.get());
        match stream == "a-2" && event.version.get() == 3 && !mended.load(Ordering::SeqCst) {
            true => Err("out of paper".into()),
            false => Ok(()),
        }
    });
    let handler = handler.types(["Noted"]).retry(Retry::new(2)).concurrency(2);
    let mut processor = Processor::start(&port, handler.clone()).unwrap();
    wait(&processor, 20);
    let parked = processor.parked().unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!((&*parked[0].aggregate, parked[0].position.get()), ("a-2", 11));
    assert_eq!(parked[0].why, "the handler 'fails' failed: out of paper");
    assert_eq!(parked[0].attempts, 2);
    let status = processor.status();
    assert_eq!((status.handled, status.failed, status.parked, status.lag), (17, 2, 1, 0));
    let seen = |of: &str| calls.lock().unwrap()[of].clone();
    assert_eq!(seen("a-2"), [1, 2, 3, 3]);
    assert_eq!(seen("a-1"), [1, 2, 3, 4, 5]);

    // Only what is parked can be told to go on.
    assert!(matches!(processor.resume("a-1"), Err(ToolError::Setup(_))));
    // Resumed before anything was mended, it is parked again.
    processor.resume("a-2").unwrap();
    wait(&processor, 20);
    assert_eq!(processor.parked().unwrap().len(), 1);
    is_mended.store(true, Ordering::SeqCst);
    processor.resume("a-2").unwrap();
    wait(&processor, 20);
    assert_eq!(processor.parked().unwrap(), []);
    assert_eq!(seen("a-2"), [1, 2, 3, 3, 3, 3, 3, 4, 5]);
    processor.stop().unwrap();
    let kept: Vec<_> = port.documents(annals::Keys::prefix("~processor/fails/")).unwrap().collect();
    assert!(kept.len() <= 1, "{kept:?}");
}

#[test]
fn what_is_parked_can_be_told_to_go_on_while_nothing_runs() {
    let port = Port::new(&store());
    append(&port, "a", 3);
    append(&port, "b", 3);
    let handler = |fails: bool| {
        let handler = Handler::new("fails", move |event, effects| {
            effects.put(event.stream()?, event.version.to_string());
            if fails { Err("no".into()) } else { Ok(()) }
        });
        handler.types(["Noted"]).retry(Retry::new(1))
    };
    let mut first = Processor::start(&port, handler(true)).unwrap();
    wait(&first, 6);
    first.stop().unwrap();
    first.resume("a").unwrap();
    first.skip("b").unwrap();
    assert!(matches!(first.skip("b"), Err(ToolError::Setup(_))));
    assert_eq!(Parked::of(&port, "fails").unwrap(), []);
    let second = Processor::start(&port, handler(false)).unwrap();
    wait(&second, 6);
    assert_eq!(second.status().handled, 5);
    for stream in ["a", "b"] {
        assert_eq!(port.document(stream).unwrap().unwrap().value, b"3");
    }
    // While it runs, it is told itself.
    assert!(matches!(first.resume("a"), Err(ToolError::Busy { .. })));
}

#[test]
fn a_panic_is_a_failed_attempt_that_leaves_nothing() {
    let port = Port::new(&store());
    append(&port, "a", 1);
    append(&port, "b", 1);
    let handler = Handler::new("panics", |event, effects| {
        effects.put(event.stream()?, "done");
        assert_ne!(event.stream()?, "a", "this one");
        Ok(())
    });
    let handler = handler.types(["Noted"]).retry(Retry::new(1));
    let processor = Processor::start(&port, handler).unwrap();
    wait(&processor, 2);
    assert!(processor.parked().unwrap()[0].why.contains("'panics' panicked"));
    assert_eq!(port.document("a").unwrap(), None);
    assert!(port.document("b").unwrap().is_some());
    assert!(processor.status().is_running());
}

#[test]
fn what_was_stopped_goes_on_where_it_was() {
    let port = Port::new(&store());
    let calls = Calls::default();
    let mut head = 0;
    for round in 0..10 {
        let mut processor =
            Processor::start(&port, noting("again", &calls).concurrency(3)).unwrap();
        for nth in 0..40 {
            head = append(&port, &format!("a-{}", nth % 7), 1 + round % 3);
        }
        // Now and then before it is done, now and then after.
        if round % 2 == 0 {
            wait(&processor, head);
        }
        processor.stop().unwrap();
        assert!(matches!(processor.status().running, Running::Stopped));
        assert!(matches!(processor.wait_done(head + 1, LONG), Err(ToolError::Stopped)));
    }
    let processor = Processor::start(&port, noting("again", &calls)).unwrap();
    wait(&processor, head);
    for (stream, versions) in &*calls.lock().unwrap() {
        let all: Vec<u64> = (1..=port.stream_version(stream).unwrap().get()).collect();
        assert_eq!(versions, &all, "of {stream}");
    }
}

#[test]
fn a_name_is_for_one_processor_or_queue_at_a_time() {
    let port = Port::new(&store());
    let calls = Calls::default();
    let mut first = Processor::start(&port, noting("one", &calls)).unwrap();
    let busy = Processor::start(&port, noting("one", &calls)).unwrap_err();
    assert!(matches!(&busy, ToolError::Busy { name } if name == "one"));
    let busy = Queue::options("one", Query::all()).open(&port).unwrap_err();
    assert!(matches!(busy, ToolError::Busy { .. }));
    first.stop().unwrap();
    Processor::start(&port, noting("one", &calls)).unwrap();
}

#[test]
fn set_ups_that_can_not_be_are_refused_with_all_that_is_wrong() {
    let port = Port::new(&store());
    let calls = Calls::default();
    let nothing = || noting("a", &calls).types([""; 0]);
    for (handler, words) in [
        (nothing(), vec!["which events"]),
        (nothing().concurrency(0).batch(0).window(0), vec!["events", "0", "batches", "window"]),
        (noting("a/b", &calls), vec!["'/'"]),
        (noting("", &calls), vec!["empty"]),
        (noting("a", &calls).query(Query::any([])), vec!["no items"]),
    ] {
        let error = Processor::start(&port, handler).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
}

#[test]
fn a_checkpoint_beyond_the_head_is_refused() {
    let port = Port::new(&store());
    append(&port, "a", 1);
    port.commit(Commit::new().put("~processor/far", r#"{"at":2,"done":[]}"#)).unwrap();
    let error = Processor::start(&port, noting("far", &Calls::default())).unwrap_err();
    assert!(matches!(error, ToolError::Ahead { .. }), "{error}");
    assert!(error.to_string().contains("'far' is at position 2"), "{error}");
}

#[test]
fn closing_the_store_while_everything_runs_ends_it_with_that_error() {
    for round in 0..10 {
        let store = store();
        let port = Port::new(&store);
        for nth in 0..300 {
            append(&port, &format!("a-{}", nth % 40), 2);
        }
        let calls = Calls::default();
        let mut processor =
            Processor::start(&port, noting("closed", &calls).concurrency(4)).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| processor.wait_done(1_000_000, LONG));
            thread::sleep(Duration::from_micros(round * 700));
            store.close().unwrap();
            let told = waiting.join().unwrap().unwrap_err();
            assert!(told.to_string().contains("closed"), "{told}");
        });
        let told = processor.status().error().unwrap().to_string();
        assert!(told.contains("closed"), "{told}");
        assert!(processor.stop().unwrap_err().to_string().contains("closed"));
    }
}

#[test]
fn whoever_failed_by_itself_has_left_its_name() {
    let device = Arc::new(MemoryStorage::new());
    let open = || Options::new().open_storage(device.clone()).unwrap();
    let store = open();
    let calls = Calls::default();
    let first = Processor::start(&Port::new(&store), noting("name", &calls)).unwrap();
    store.close().unwrap();
    assert!(first.wait_done(1, LONG).is_err());
    let again = open();
    // Its threads have seen the end at the latest a moment later.
    let mut second = Processor::start(&Port::new(&again), noting("name", &calls));
    for _ in 0..1_000 {
        if second.is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(1));
        second = Processor::start(&Port::new(&again), noting("name", &calls));
    }
    second.unwrap();
}

#[test]
fn the_last_handle_may_be_dropped_by_its_own_handler() {
    let port = Port::new(&store());
    append(&port, "a", 1);
    let (to_handler, own) = channel::<Processor>();
    let (said, told) = channel();
    let own = Mutex::new(own);
    let handler = Handler::new("own", move |_, effects| {
        drop(own.lock().unwrap().recv()?);
        effects.put("done", "");
        said.send(())?;
        Ok(())
    });
    let handler = handler.types(["Noted"]).concurrency(3);
    to_handler.send(Processor::start(&port, handler).unwrap()).unwrap();
    told.recv_timeout(LONG).unwrap();
    // What it was at is finished and committed.
    for _ in 0..1_000 {
        if port.document("done").unwrap().is_some() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("it was never committed");
}

/// A clock that panics when it is told to.
struct Breaks(Arc<AtomicBool>);

impl annals::Clock for Breaks {
    fn now(&self) -> Timestamp {
        assert!(!self.0.load(Ordering::SeqCst), "out of order");
        Timestamp::from_micros(0)
    }
}

#[test]
fn a_clock_that_panics_ends_the_processor_instead_of_leaving_others_waiting() {
    let breaks = Arc::new(AtomicBool::new(false));
    let port = Port::new(&store()).clock(Breaks(breaks.clone()));
    append(&port, "a", 1);
    let mut processor = Processor::start(&port, noting("clock", &Calls::default())).unwrap();
    wait(&processor, 1);
    breaks.store(true, Ordering::SeqCst);
    append(&port, "a", 1);
    let error = processor.wait_done(2, LONG).unwrap_err();
    assert!(matches!(error, ToolError::Panicked { .. }), "{error}");
    assert!(processor.stop().is_err());
}

#[test]
fn stopping_finishes_what_is_being_handled_and_commits_it() {
    let port = Port::new(&store());
    append(&port, "a", 1);
    append(&port, "a", 1);
    let gate = Arc::new(Barrier::new(2));
    let inside = gate.clone();
    let handler = Handler::new("slow", move |event, effects| {
        inside.wait();
        inside.wait();
        effects.put("last", event.version.to_string());
        Ok(())
    });
    let mut processor = Processor::start(&port, handler.types(["Noted"])).unwrap();
    gate.wait();
    thread::scope(|scope| {
        let stopping = scope.spawn(|| processor.stop());
        thread::sleep(Duration::from_millis(20));
        gate.wait();
        stopping.join().unwrap().unwrap();
    });
    assert_eq!(port.document("last").unwrap().unwrap().value, b"1");
    let checkpoint = port.document("~processor/slow").unwrap().unwrap();
    assert_eq!(checkpoint.value, br#"{"at":1,"done":[]}"#);
}

#[test]
fn effects_that_demand_something_do_not_share_a_commit() {
    // Each wants to be the first of its customer: one of them is.
    let port = Port::new(&store());
    for of in 0..60 {
        append(&port, &format!("a-{of}"), 1);
    }
    let handler = Handler::new("first", |event, effects| {
        let of: u64 = event.stream()?.strip_prefix("a-").unwrap().parse()?;
        let tag = format!("customer:{}", of % 10);
        let unique = Query::from(QueryItem::new().tag(tag.as_str()));
        effects.event("winners", NewEvent::new("Won", "").tag(tag));
        effects.condition(AppendCondition::fail_if_exists(unique));
        Ok(())
    });
    let handler = handler.types(["Noted"]).concurrency(4).retry(Retry::new(1));
    let processor = Processor::start(&port, handler).unwrap();
    wait(&processor, 60);
    assert_eq!(port.stream_version("winners").unwrap().get(), 10);
    assert_eq!(processor.parked().unwrap().len(), 50);
    assert!(processor.parked().unwrap()[0].why.contains("it exists already"));
}

#[test]
fn a_refused_commit_is_made_again_one_by_one_and_who_is_wrong_fails() {
    // Every third has a key that can't be; nobody else suffers from that.
    let port = Port::new(&store());
    for of in 0..90 {
        append(&port, &format!("a-{of}"), 2);
    }
    let handler = Handler::new("keys", |event, effects| {
        let of: u64 = event.stream()?.strip_prefix("a-").unwrap().parse()?;
        let key = if of.is_multiple_of(3) { String::new() } else { format!("key/{of}") };
        effects.put(key, event.version.to_string());
        Ok(())
    });
    let handler = handler.types(["Noted"]).concurrency(3).retry(Retry::new(2));
    let processor = Processor::start(&port, handler.durability(Durability::Buffered)).unwrap();
    wait(&processor, 180);
    let status = processor.status();
    assert_eq!((status.handled, status.failed, status.parked), (120, 60, 30));
    assert!(processor.parked().unwrap()[0].why.contains("document key has an empty name"));
    for of in (0..90).filter(|of| of % 3 > 0) {
        assert_eq!(port.document(&format!("key/{of}")).unwrap().unwrap().value, b"2");
    }
}

#[test]
fn aggregates_that_change_one_document_change_it_one_after_the_other() {
    let port = Port::new(&store());
    for of in 0..50 {
        append(&port, &format!("a-{of}"), 2);
    }
    let inside = port.clone();
    let handler = Handler::new("sum", move |_, effects| {
        let (count, revision) = match inside.document("count")? {
            Some(found) => (std::str::from_utf8(&found.value)?.parse::<u64>()?, found.revision),
            None => (0, 0.into()),
        };
        effects.put_over("count", revision, (count + 1).to_string());
        Ok(())
    });
    // Whoever has not seen the last one is told, and looks again.
    let handler = handler.types(["Noted"]).concurrency(4).retry(Retry::new(10_000));
    let processor = Processor::start(&port, handler.durability(Durability::Buffered)).unwrap();
    wait(&processor, 100);
    assert_eq!(port.document("count").unwrap().unwrap().value, b"100");
}

#[test]
fn what_an_aggregate_has_brought_about_is_there_for_its_next_event() {
    let port = Port::new(&store());
    for of in 0..10 {
        append(&port, &format!("a-{of}"), 50);
    }
    let inside = port.clone();
    let handler = Handler::new("counts", move |event, effects| {
        let key = format!("count/{}", event.stream()?);
        let before = match inside.document(&key)? {
            Some(found) => std::str::from_utf8(&found.value)?.parse::<u64>()?,
            None => 0,
        };
        assert_eq!(before + 1, event.version.get());
        effects.put(key, (before + 1).to_string());
        Ok(())
    });
    let handler = handler.types(["Noted"]).retry(Retry::new(1)).durability(Durability::Buffered);
    let processor = Processor::start(&port, handler).unwrap();
    wait(&processor, 500);
    assert_eq!(processor.parked().unwrap(), []);
}

#[test]
fn events_rest_until_their_delay_is_over() {
    let clock = FixedClock::at(Timestamp::from_micros(0));
    let store = Options::new().clock(clock.clone()).in_memory().unwrap();
    let port = Port::new(&store).clock(clock.clone());
    let calls = Calls::default();
    let handler = noting("later", &calls).delay(Duration::from_secs(60));
    let processor = Processor::start(&port, handler).unwrap();
    append(&port, "a", 1);
    clock.advance(Duration::from_secs(59));
    append(&port, "a", 1);
    assert!(!processor.wait_done(1, Duration::from_millis(100)).unwrap());
    assert!(calls.lock().unwrap().is_empty());
    clock.advance(Duration::from_secs(1));
    wait(&processor, 1);
    assert_eq!(calls.lock().unwrap()["a"], [1]);
    clock.advance(Duration::from_secs(59));
    wait(&processor, 2);
}

#[test]
fn what_is_known_by_the_same_is_handled_once_also_after_a_restart() {
    let port = Port::new(&store());
    let handled = Arc::new(AtomicU64::new(0));
    for round in 1..=3 {
        let inside = handled.clone();
        let handler = Handler::new("once", move |_, effects| {
            inside.fetch_add(1, Ordering::SeqCst);
            effects.event("out", NewEvent::new("Counted", ""));
            Ok(())
        });
        let id = |event: &annals::toolkit::Received<'_>| {
            Some(String::from_utf8(event.payload.to_vec()).unwrap())
        };
        let handler = handler.types(["Noted"]).deduplicate(id).concurrency(4);
        let mut processor = Processor::start(&port, handler).unwrap();
        // The same twenty in each of these, and a new one.
        for of in 0..20 {
            append(&port, &format!("a-{of}"), 20 + round);
        }
        wait(&processor, port.head().unwrap().get());
        processor.stop().unwrap();
        assert_eq!(handled.load(Ordering::SeqCst), 20 + round);
        assert_eq!(port.stream_version("out").unwrap().get(), 20 + round);
    }
}

#[test]
fn a_tenants_processor_sees_the_tenants_events_only() {
    let store = store();
    let port = Port::new(&store);
    let (acme, bolt) = (port.tenant("acme").unwrap(), port.tenant("bolt").unwrap());
    let [of_acme, of_bolt] = [&acme, &bolt].map(|port| {
        let calls = Calls::default();
        let processor = Processor::start(port, noting("same", &calls)).unwrap();
        (calls, processor)
    });
    for _ in 0..10 {
        append(&acme, "a", 1);
        append(&bolt, "a", 2);
        append(&port, "a", 1);
    }
    let head = port.head().unwrap().get();
    for ((calls, processor), events, port) in [(of_acme, 10, &acme), (of_bolt, 20, &bolt)] {
        wait(&processor, head);
        assert_eq!(calls.lock().unwrap()["a"], (1..=events).collect::<Vec<_>>());
        assert_eq!(port.document("last/a").unwrap().unwrap().value, events.to_string().as_bytes());
    }
    assert_eq!(port.document("last/a").unwrap(), None);
}

#[test]
fn what_a_handler_brings_about_can_be_handled_too() {
    let port = Port::new(&store());
    append(&port, "a", 5);
    let step = |from: &'static str, to: &'static str| {
        let handler = Handler::new(from, move |event, effects| {
            effects.event("chain", NewEvent::new(to, event.payload));
            Ok(())
        });
        handler.types([from]).concurrency(1)
    };
    let first = Processor::start(&port, step("Noted", "Second")).unwrap();
    let second = Processor::start(&port, step("Second", "Third")).unwrap();
    wait(&first, 5);
    // What it brought about is there, wherever: it may have come in several commits, with what
    // the other one made of them between.
    wait(&second, port.head().unwrap().get());
    let third = Query::from(QueryItem::new().event_type("Third"));
    let third: Vec<_> = port.query(&third, Read::new()).unwrap().map(Result::unwrap).collect();
    assert_eq!(third.iter().map(|event| event.payload[0]).collect::<Vec<_>>(), *b"01234");
    // Each says what caused it.
    let causes: Vec<_> = third.iter().map(|event| event.causation_id.unwrap()).collect();
    let cause = port.event_by_id(causes[0]).unwrap().unwrap();
    assert_eq!((&*cause.event_type, &cause.payload[..]), ("Second", &b"0"[..]));
}
