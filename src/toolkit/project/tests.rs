//! What the parts do by themselves.

use super::place::Place;
use super::policy::Progress;
use crate::toolkit::Port;
use crate::{Commit, Position, Revision, Store};

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
