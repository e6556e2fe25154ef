//! Every store does what the workloads take for granted.

use super::{annals, fjall, floor, lmdb, redb, sqlite, tephra};
use crate::peer::{Asked, Mode, Nth, Peer};
use crate::support;

const MODE: Mode = Mode { synced: false, lean: false, reserve: false };
/// No commit has two events of one.
const STREAMS: u64 = 100;

fn nth(nth: u64) -> Nth {
    Nth { nth, stream: nth % STREAMS, expected: nth / STREAMS }
}

fn collected(read: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    read(&mut |payload| found.push(payload.to_vec()));
    found
}

fn payloads(numbers: impl Iterator<Item = u64>) -> Vec<Vec<u8>> {
    numbers.map(support::payload).collect()
}

/// What it was given is what it reads, in order, before it is closed and after.
fn keeps<P: Peer>(versioned: bool) {
    let folder = tempfile::tempdir().unwrap();
    let store = P::create(folder.path(), MODE);
    for first in (0..300).step_by(100) {
        let events: Vec<Nth> = (first..first + 100).map(nth).collect();
        store.append(&P::batch(&events, MODE));
    }
    for number in 300..310 {
        store.append(&P::batch(&[nth(number)], MODE));
    }
    reads_what_is_there(&store);

    let (event_type, [tag, _]) = support::kinds(7);
    let is_asked = |number: &u64| {
        let (found, tags) = support::kinds(*number);
        found == event_type && tags[0] == tag
    };
    let asked = Asked { event_type: support::type_name(event_type), tag: support::tag_name(tag) };
    let mut seen = 0;
    let found = collected(|each| seen = store.since(&asked, 0, each));
    assert_eq!((found, seen), (payloads((0..310).filter(is_asked)), 310));
    assert_eq!(collected(|each| seen = store.since(&asked, 8, each)).len(), 0);
    let batch = P::batch(&[nth(310)], MODE);
    assert!(!store.append_unless(&batch, &asked, 0));
    assert!(store.append_unless(&batch, &asked, seen));
    if versioned {
        let late = std::panic::AssertUnwindSafe(|| store.append(&batch));
        assert!(std::panic::catch_unwind(late).is_err(), "the version is not there any more");
        return;
    }
    store.sync();
    store.close();
    let store = P::open(folder.path(), MODE);
    assert_eq!(store.replay(|_| ()), 311);
    store.close();
}

fn reads_what_is_there<P: Peer>(store: &P) {
    assert_eq!(collected(|each| _ = store.replay(each)), payloads(0..310));
    let of_stream = collected(|each| _ = store.stream(&support::stream_name(3), each));
    assert_eq!(of_stream, payloads((0..4).map(|round| 3 + round * STREAMS)));
    let some = collected(|each| store.positions(&[310, 1, 42], each));
    assert_eq!(some, payloads([309, 0, 41].into_iter()));
    let (_, [_, region]) = support::kinds(9);
    let tagged = collected(|each| _ = store.tagged(&support::tag_name(region), each));
    let has = |number: &u64| support::kinds(*number).1[1] == region;
    assert_eq!(tagged, payloads((0..310).filter(has)));
}

/// A commit may have several events of one stream: where there are few, it has.
fn keeps_one_stream<P: Peer>() {
    let folder = tempfile::tempdir().unwrap();
    let store = P::create(folder.path(), MODE);
    for first in (0..300).step_by(100) {
        let one = |nth| Nth { nth, stream: 0, expected: nth };
        let events: Vec<Nth> = (first..first + 100).map(one).collect();
        store.append(&P::batch(&events, MODE));
    }
    let of_stream = collected(|each| _ = store.stream(&support::stream_name(0), each));
    assert_eq!(of_stream, payloads(0..300));
}

#[test]
fn each_keeps_several_events_of_a_stream_in_a_commit() {
    keeps_one_stream::<annals::Annals>();
    keeps_one_stream::<floor::Floor<false>>();
    keeps_one_stream::<sqlite::Sqlite>();
    keeps_one_stream::<redb::Redb>();
    keeps_one_stream::<lmdb::Lmdb>();
    keeps_one_stream::<fjall::Fjall>();
    keeps_one_stream::<tephra::Tephra>();
}

#[test]
fn a_tag_is_found_by_its_name() {
    for nth in 0..100 {
        for tag in support::kinds(nth).1 {
            assert_eq!(support::tag_number(&support::tag_name(tag)), tag);
        }
    }
}

#[test]
fn each_keeps_what_it_was_given() {
    keeps::<annals::Annals>(false);
    keeps::<floor::Floor<false>>(false);
    keeps::<floor::Floor<true>>(false);
    keeps::<sqlite::Sqlite>(false);
    keeps::<redb::Redb>(false);
    keeps::<lmdb::Lmdb>(false);
    keeps::<fjall::Fjall>(false);
    keeps::<tephra::Tephra>(false);
}

#[test]
fn each_but_the_floor_minds_versions() {
    keeps::<annals::Annals>(true);
    keeps::<sqlite::Sqlite>(true);
    keeps::<redb::Redb>(true);
    keeps::<lmdb::Lmdb>(true);
    keeps::<fjall::Fjall>(true);
    keeps::<tephra::Tephra>(true);
}
