//! What a processor takes for an event: reading it, handing it out, committing the checkpoint.

use crate::support;
use annals::toolkit::{Handler, Port, Processor};
use annals::{Commit, Durability, ExpectedVersion, NewEvent, Options, Store};
use std::time::{Duration, Instant};

const EVENTS: u64 = 1_000_000;
const STREAMS: u64 = 10_000;
/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(600);

/// Microseconds of an event, of a million, with so many threads; each event may bring another one
/// about.
pub fn handles(threads: usize, effects: bool) -> Box<dyn FnMut() -> f64> {
    let folder = support::folder();
    let options = Options::new().durability(Durability::Buffered);
    let store = options.open(folder.path().join("bench.annals")).unwrap();
    fill(&store);
    let mut round = 0;
    Box::new(move || {
        let _folder = &folder;
        round += 1;
        let handler = Handler::new(format!("bench-{round}"), move |event, out| {
            if effects {
                out.event("out", NewEvent::new("Counted", event.payload));
            }
            Ok(())
        });
        let handler = handler.types(["Moved"]).concurrency(threads);
        let begun = Instant::now();
        let mut processor = Processor::start(&Port::new(&store), handler).unwrap();
        assert!(processor.wait_done(EVENTS, LONG).unwrap());
        let took = begun.elapsed();
        processor.stop().unwrap();
        assert_eq!(processor.status().handled, EVENTS);
        took.as_secs_f64() * 1e6 / EVENTS as f64
    })
}

/// Events in all streams, one after the other.
fn fill(store: &Store) {
    for first in (0..EVENTS).step_by(100) {
        let commit = (first..first + 100).fold(Commit::new(), |commit, nth| {
            let payload = format!("{{\"nth\":{nth},\"to\":\"somewhere else\"}}");
            let stream = format!("thing-{}", nth % STREAMS);
            commit.append(stream, ExpectedVersion::Any, [NewEvent::new("Moved", payload)])
        });
        store.commit(commit).unwrap();
    }
    store.sync().unwrap();
}
