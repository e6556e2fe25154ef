//! Few commits, with marks on the standard output around each: who traces the system calls of the
//! process sees in the trace where a commit begins and where it is over.

use super::{BATCH, Measures, SYNCING, Scale, THREADS, UNSYNCED, batch_of, own, settled};
use crate::peer::Peer;
use std::io::Write;
use std::path::Path;

/// What is written, each in a write of its own.
pub const BEGIN: &str = "begin";
pub const FROM: &str = "from";
pub const TO: &str = "to";
pub const END: &str = "end";

fn mark(mark: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{mark}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn append<P: Peer>(store: &P, batch: &P::Batch) {
    mark(FROM);
    store.append(batch);
    mark(TO);
}

/// What the workloads of these names do, for so many events.
pub(super) fn run<P: Peer>(name: &str, folder: &Path, scale: Scale) -> Measures {
    match name {
        "marked-W1" => one_thread::<P>(folder, scale.events),
        "marked-W2" => many_threads::<P>(folder, scale.events / THREADS),
        "marked-W3" => {
            let store = P::create(folder, UNSYNCED);
            mark(BEGIN);
            for nth in 0..scale.events / BATCH {
                append(&store, &batch_of::<P>(nth, UNSYNCED, scale));
            }
            store.sync();
            mark(END);
            store.close();
        }
        "marked-W4" => {
            let store = P::create(folder, SYNCING);
            mark(BEGIN);
            for nth in 0..scale.events / BATCH {
                append(&store, &batch_of::<P>(nth, SYNCING, scale));
            }
            mark(END);
            store.close();
        }
        other => panic!("there is no workload '{other}'"),
    }
    Measures::new()
}

fn one_thread<P: Peer>(folder: &Path, commits: u64) {
    let (store, first) = settled::<P>(folder, SYNCING);
    mark(BEGIN);
    for nth in first..first + commits {
        append(&store, &P::batch(&[own(0, nth)], SYNCING));
    }
    mark(END);
    store.close();
}

fn many_threads<P: Peer>(folder: &Path, of_thread: u64) {
    let (store, first) = settled::<P>(folder, SYNCING);
    mark(BEGIN);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let first = if thread == 0 { first } else { 0 };
            let store = &store;
            scope.spawn(move || {
                for nth in first..first + of_thread {
                    append(store, &P::batch(&[own(thread, nth)], SYNCING));
                }
            });
        }
    });
    mark(END);
    store.close();
}
