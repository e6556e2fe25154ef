//! What the parts do by themselves.

use super::place::Place;
use super::policy::{OnError, Progress, Verdict};
use crate::toolkit::Port;
use crate::{Commit, Position, Revision, Store};
use std::time::Duration;

#[test]
fn pauses_double_until_it_has_been_tried_often_enough() {
    let second = Duration::from_secs(1);
    let retry = OnError::retry(3, second);
    let pauses = [0, 1, 2].map(|tried| retry.after(tried));
    assert_eq!(pauses, [1, 2, 4].map(|times| Verdict::Again(second * times)));
    assert_eq!(retry.after(3), Verdict::Stop);
    let then = OnError::Retry { times: 1, pause: second, then: Box::new(OnError::Skip) };
    let then = OnError::Retry { times: 2, pause: second, then: Box::new(then) };
    assert_eq!(then.after(2), Verdict::Again(second), "the next policy begins from its own start");
    assert_eq!(then.after(3), Verdict::Skip);
    assert_eq!(OnError::Stop.after(0), Verdict::Stop);
    let long = OnError::retry(u32::MAX, Duration::MAX);
    assert_eq!(long.after(1_000_000), Verdict::Again(Duration::MAX));
}

#[test]
fn a_place_is_read_as_it_was_written() {
    let port = Port::new(&Store::in_memory().unwrap());
    assert_eq!(Place::load(&port, "p").unwrap(), (None, Revision::NONE));
    let mut place = Place::begin(3, 7);
    (place.position, place.skipped, place.old) = (Position::new(11), 2, Some(6));
    port.commit(Commit::new().put("p", place.to_bytes())).unwrap();
    assert_eq!(Place::load(&port, "p").unwrap(), (Some(place.clone()), Revision::new(1)));
    // One that was written with its events reaches as far as they do.
    place.inline = true;
    let noted = crate::NewEvent::new("Noted", "");
    port.commit(Commit::new().event("a", noted).put("p", place.to_bytes())).unwrap();
    let (found, _) = Place::load(&port, "p").unwrap();
    assert_eq!(found, Some(Place { position: Position::new(1), ..place }));
}

#[test]
fn progress_is_a_part_of_the_whole() {
    let at = |position: u64, to: u64| {
        let (position, to) = (Position::new(position), Position::new(to));
        Progress { position, to, ..Progress::default() }.part()
    };
    assert_eq!((at(1, 4), at(4, 4), at(0, 0)), (0.25, 1.0, 1.0));
}
