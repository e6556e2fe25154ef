//! Trace context, from whoever commits to whoever handles.

use crate::fixture::note;
use annals::toolkit::{
    CodecError, Follow, Metadata, OnError, Port, ToolError, TraceContext, Traced, subscribe,
};
use annals::{NewEvent, Store, Uuid};
use std::cell::RefCell;
use std::time::Duration;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn context(text: &str) -> Option<TraceContext> {
    TraceContext::parse(text, None)
}

#[test]
fn a_traceparent_is_read_as_the_specification_says() {
    let valid = context(&format!("00-{TRACE}-{SPAN}-01")).unwrap();
    assert_eq!(
        format!("{:032x} {:016x}", valid.trace_id(), valid.span_id()),
        format!("{TRACE} {SPAN}")
    );
    assert!(valid.is_sampled() && valid.tracestate().is_none());
    assert!(!context(&format!("00-{TRACE}-{SPAN}-00")).unwrap().is_sampled());
    // A later version may say more; what it says is not passed on.
    for later in ["01", "cc", "fe"] {
        for more in ["", "-what-the-future-brings", "-"] {
            let later = context(&format!("{later}-{TRACE}-{SPAN}-01{more}")).unwrap();
            assert_eq!(later, valid);
            assert_eq!(later.traceparent(), format!("00-{TRACE}-{SPAN}-01"));
        }
    }
    // Flags that nobody knows are not passed on, either.
    let flags = context(&format!("00-{TRACE}-{SPAN}-fd")).unwrap();
    assert_eq!(flags.traceparent(), format!("00-{TRACE}-{SPAN}-01"));
    let random = context(&format!("00-{TRACE}-{SPAN}-ff")).unwrap();
    assert_eq!(random.traceparent(), format!("00-{TRACE}-{SPAN}-03"));

    let zeros = "0".repeat(32);
    for bad in [
        String::new(),
        "00".to_owned(),
        "-".repeat(3),
        format!("00-{TRACE}-{SPAN}"),
        format!("00-{TRACE}-{SPAN}-"),
        format!("00-{TRACE}-{SPAN}-1"),
        format!("00-{TRACE}-{SPAN}-001"),
        format!("00-{TRACE}-{SPAN}-0g"),
        format!("00-{TRACE}-{SPAN}-01-"),
        format!("00-{TRACE}-{SPAN}-01-more"),
        format!("01-{TRACE}-{SPAN}-01more"),
        format!("ff-{TRACE}-{SPAN}-01"),
        format!("0-{TRACE}-{SPAN}-01"),
        format!("FE-{TRACE}-{SPAN}-01"),
        format!("00-{zeros}-{SPAN}-01"),
        format!("00-{TRACE}-{}-01", &zeros[..16]),
        format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
        format!("00-{}-{SPAN}-01", &TRACE[1..]),
        format!("00-{TRACE}0-{SPAN}-01"),
        format!("00-{TRACE}-{SPAN}0-01"),
        format!("00-+{}-{SPAN}-01", &TRACE[1..]),
        format!(" 00-{TRACE}-{SPAN}-01"),
        format!("00-{TRACE}-{SPAN}-01\n"),
        format!("00_{TRACE}_{SPAN}_01"),
        format!("00-{}é-{SPAN}-01", &TRACE[2..]),
    ] {
        assert_eq!(context(&bad), None, "{bad:?}");
    }
    assert_eq!(TraceContext::new(0, 1, true), None);
    assert_eq!(TraceContext::new(1, 0, true), None);
    let small = TraceContext::new(1, 2, false).unwrap();
    assert_eq!(small.traceparent(), format!("00-{:032x}-{:016x}-00", 1, 2));
    assert_eq!(context(&small.traceparent()), Some(small.clone()));
    // A child of the id of zeros has a span, too.
    assert_eq!(small.child(Uuid::nil()).span_id(), 1);
}

#[test]
fn metadata_carry_it_beside_what_they_have() {
    let parsed = TraceContext::parse(&format!("00-{TRACE}-{SPAN}-01"), Some("a=1,b=2")).unwrap();
    let metadata = parsed.add_to(Metadata::new().created_by("ann"));
    let bytes = metadata.to_bytes();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let wanted = format!(
        r#"{{"createdBy":"ann","traceparent":"00-{TRACE}-{SPAN}-01","tracestate":"a=1,b=2"}}"#
    );
    assert_eq!(text, wanted);
    let back = Metadata::from_bytes(Some(&bytes)).unwrap();
    assert_eq!(TraceContext::from_metadata(&back), Some(parsed.clone()));
    let child = parsed.child(Uuid::from_u128(5));
    assert_eq!((child.trace_id(), child.span_id()), (parsed.trace_id(), 5));
    assert_eq!(child.tracestate(), Some("a=1,b=2"));
    for none in [Metadata::new(), Metadata::new().set("traceparent", 7)] {
        assert_eq!(TraceContext::from_metadata(&none), None);
    }
}

thread_local! {
    /// Where this thread is in its trace.
    static CURRENT: RefCell<Option<TraceContext>> = const { RefCell::new(None) };
}

fn set(context: Option<TraceContext>) {
    CURRENT.with_borrow_mut(|current| *current = context);
}

#[test]
fn it_goes_from_who_commits_to_who_handles_and_on_from_there() {
    let store = Store::in_memory().unwrap();
    let port = Port::new(&store).intercept(Traced::new(|| CURRENT.with_borrow(Clone::clone)));
    let (own, ids) = (port.clone(), port.clone());
    let handle = subscribe(&port, "reply", Follow::all(), OnError::Stop, move |event| {
        if event.event_type()? != "Asked" {
            return Ok(());
        }
        let context = TraceContext::of(event);
        set(context.map(|context| context.child(ids.next_id())));
        let reply = NewEvent::new("Replied", "").causation_id(event.id());
        own.append(format!("reply-{}", event.position), 0, [reply])?;
        set(None);
        Ok(())
    });
    let handle = handle.unwrap();
    let begun = context(&format!("00-{TRACE}-{SPAN}-01")).unwrap();
    set(Some(begun.clone()));
    let other = format!("00-{TRACE}-{SPAN}-00").replace('4', "5");
    let kept = Metadata::new().set("traceparent", other.clone()).to_bytes();
    let asked = || NewEvent::new("Asked", "");
    port.append("a", 0, [asked(), asked().metadata(kept)]).unwrap();
    set(None);
    port.append("a", 2, [asked().metadata("")]).unwrap();
    assert!(handle.wait_for(6, Duration::from_secs(60)).unwrap());
    let of = |position: u64| {
        let event = store.event(position).unwrap().unwrap();
        TraceContext::from_metadata(&Metadata::from_bytes(event.metadata.as_deref()).unwrap())
    };
    assert_eq!(of(1), Some(begun.clone()));
    assert_eq!(of(2).unwrap().traceparent(), other, "one that has a context keeps it");
    assert_eq!(of(3), None);
    for asked in [1, 2, 3] {
        let reply = format!("reply-{asked}");
        let mut found = store.read_stream(&reply, annals::Read::new()).unwrap();
        let reply = found.next().unwrap().unwrap();
        assert_eq!(reply.causation_id, Some(store.event(asked).unwrap().unwrap().id));
        let (asked, replied) = (of(asked), of(reply.position.get()));
        assert_eq!(asked.is_some(), replied.is_some());
        let Some((asked, replied)) = asked.zip(replied) else { continue };
        assert_eq!(asked.trace_id(), replied.trace_id());
        assert_eq!(asked.is_sampled(), replied.is_sampled());
        assert_ne!(asked.span_id(), replied.span_id());
    }
}

#[test]
fn metadata_that_are_no_object_refuse_the_commit_and_nothing_lands() {
    let store = Store::in_memory().unwrap();
    let traced = Traced::new(|| TraceContext::new(1, 2, true));
    let port = Port::new(&store).intercept(traced);
    let events = [note("x"), note("y").metadata("[7]")];
    let error = port.append("a", 0, events).unwrap_err();
    assert!(matches!(error, ToolError::Codec(CodecError::Unreadable(_))), "{error}");
    assert_eq!(store.head().unwrap().get(), 0);
    let panics = Port::new(&store).intercept(Traced::new(|| panic!("no context")));
    let error = panics.append("a", 0, [note("x")]).unwrap_err();
    assert_eq!(error.to_string(), "interceptor 'trace context' panicked: no context");
}

#[cfg(feature = "tracing")]
pub mod spans {
    use super::*;
    use crate::processes::{BEGUN, Other, say};
    use annals::toolkit::Received;
    use std::fmt::Debug;
    use std::path::Path;
    use std::sync::{Arc, Mutex};
    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata as About, Subscriber};

    /// Writes down which spans were made, entered and left.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    struct Fields(String);

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.push_str(&format!(" {field}={value:?}"));
        }
    }

    impl Subscriber for Lines {
        fn enabled(&self, _: &About<'_>) -> bool {
            true
        }

        fn new_span(&self, span: &Attributes<'_>) -> Id {
            let mut fields = Fields(span.metadata().name().to_owned());
            span.record(&mut fields);
            let mut lines = self.0.lock().unwrap();
            lines.push(fields.0);
            Id::from_u64(lines.len() as u64)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            let mut fields = Fields("event".to_owned());
            event.record(&mut fields);
            self.0.lock().unwrap().push(fields.0);
        }

        fn enter(&self, _: &Id) {
            self.0.lock().unwrap().push("enter".to_owned());
        }

        fn exit(&self, _: &Id) {
            self.0.lock().unwrap().push("exit".to_owned());
        }
    }

    /// Says the lines of a commit and of a handler's call.
    pub fn tell() {
        let lines = Lines::default();
        tracing::subscriber::with_default(lines.clone(), || {
            let port = Port::new(&Store::in_memory().unwrap());
            port.append("a", 0, [note("x")]).unwrap();
            let event = port.event(1).unwrap().unwrap();
            let mut call = || {
                tracing::info!("handled");
                Ok(())
            };
            port.publish(&Received::from(&event), "mailer", &mut call).unwrap();
        });
        say(BEGUN);
        lines.0.lock().unwrap().iter().for_each(|line| say(line));
    }

    /// In a process of its own: `tracing` asks the first thread that comes to a place whether
    /// anybody wants to hear of it, and a thread of another test would say no for all.
    #[test]
    fn there_are_spans_around_commits_and_calls_of_handlers() {
        let mut other = Other::start("spans", Path::new("none"), 0);
        let wanted = [
            "annals.append",
            "enter",
            "exit",
            "annals.publish to=\"mailer\" position=1",
            "enter",
            "event message=handled",
            "exit",
        ];
        let told: Vec<_> = other.take_lines().collect();
        assert_eq!(told, wanted);
    }
}
