//! What is measured of stores of growing size: as the workloads of the same numbers, in a store
//! that another process has loaded.

use super::{
    BATCH, DECISIONS, Measures, Scale, UNSYNCED, decide, head, loaded, measures, rate,
    rate_and_slowest, read_streams, round_robin, some_streams,
};
use crate::peer::{Mode, Peer};
use crate::support::{self, Random};
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// Synced commits; before them some that nobody measures. Together they are whole batches: who
/// comes after goes on with batches.
const SYNCED: u64 = 5 * BATCH;
const BEFORE: u64 = BATCH;
/// So many events are read, of whole streams, but of no more streams than that.
const EVENTS_READ: u64 = 200_000;
const MOST_STREAMS: u64 = 20_000;
/// So many tags are read wholly.
const TAGS: u64 = 20;

/// One synced event a commit.
pub(super) fn one_thread<P: Peer>(folder: &Path, mode: Mode, scale: Scale) -> Measures {
    let store = P::open(folder, mode);
    let there = head(&store);
    let batch = |nth| P::batch(&[round_robin(nth, scale)], mode);
    (there..there + BEFORE).for_each(|nth| store.append(&batch(nth)));
    store.settle();
    let first = there + BEFORE;
    let mut each = Vec::new();
    for nth in first..first + SYNCED {
        let batch = batch(nth);
        let start = Instant::now();
        store.append(&batch);
        each.push(start.elapsed());
    }
    store.close();
    rate_and_slowest(each)
}

/// Random whole streams: the fewer, the longer they are.
pub(super) fn streams<P: Peer>(folder: &Path, scale: Scale, seed: u64) -> Measures {
    let count = streams_read(scale);
    let store = loaded::<P>(folder);
    // What a process reads first of a file it has yet to map.
    read_streams(&store, &some_streams(count, scale, !seed));
    let some = some_streams(count, scale, seed);
    let start = Instant::now();
    let events = read_streams(&store, &some);
    let time = start.elapsed();
    let a_stream = time.as_secs_f64() * 1e6 / count as f64;
    measures([("rate", events as f64 / time.as_secs_f64()), ("microseconds", a_stream)])
}

fn streams_read(scale: Scale) -> u64 {
    let of_stream = (scale.events / scale.streams).max(1);
    (EVENTS_READ / of_stream).clamp(1, MOST_STREAMS)
}

/// Decisions of a program that has seen what was there when it began.
pub(super) fn decisions<P: Peer>(folder: &Path, scale: Scale) -> Measures {
    let store = loaded::<P>(folder);
    let there = head(&store);
    let time = decide(&store, UNSYNCED, there..there + DECISIONS, there, scale);
    store.close();
    rate(DECISIONS, time)
}

/// All events with a tag, for some tags.
pub(super) fn tag<P: Peer>(folder: &Path, seed: u64) -> Measures {
    let store = loaded::<P>(folder);
    let mut all = 0;
    let mut read = |seed| {
        let mut random = Random::new(seed);
        let tags: Vec<_> = (0..TAGS).map(|_| support::tag_name(random.below(1_000))).collect();
        let start = Instant::now();
        let each = |tag: &String| store.tagged(tag, |payload| all ^= support::fold(payload));
        (tags.iter().map(each).sum(), start.elapsed())
    };
    let (_, _): (u64, _) = read(!seed);
    let (count, time) = read(seed);
    black_box(all);
    rate(count, time)
}

#[cfg(test)]
mod tests {
    use super::{Scale, streams_read};

    #[test]
    fn about_as_many_events_are_read_whatever_the_streams() {
        let read = |events, streams| streams_read(Scale { events, streams });
        assert_eq!(read(100_000, 10_000), 20_000);
        assert_eq!(read(1_000_000, 10_000), 2_000);
        assert_eq!(read(100_000_000, 10_000), 20);
        assert_eq!(read(1_000_000, 1), 1);
        assert_eq!(read(1_000_000, 1_000_000), 20_000);
    }
}
