//! Runs that lie although their checks are right. They may be refused or made anew; they stop
//! nothing, and what is asked for is bounded by what there is.

use super::{Sample, grow, options};
use crate::fixture::{Deed, Device, Op, RunPlace, reseal_page, reseal_slots};
use annals::{Chore, Read, Store};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Numbers that are worth a lie.
const LIES: [u64; 9] = [0, 1, 5, 8, 127, 1 << 31, u32::MAX as u64, (1 << 63) - 1, u64::MAX];

/// Fields of a run's header.
const NARROW: [(&str, usize); 6] = [
    ("tag", 16),
    ("level", 20),
    ("width", 56),
    ("terms", 60),
    ("postings", 64),
    ("name pages", 68),
];
const WIDE: [(&str, usize); 4] = [("start", 24), ("end", 32), ("first", 40), ("next", 48)];

/// Asks everything; whatever the answers are, there is an end to them.
fn ask_everything(store: &Store) {
    for read in [Read::new(), Read::new().backward()] {
        let _ = store.read_all(read).unwrap().take(10_000).count();
    }
    let streams: Vec<String> = store.streams().unwrap().take(10_000).flatten().collect();
    for stream in streams.iter().map(String::as_str).chain(["nobody", "order", "audit-3"]) {
        let _ = store.read_stream(stream, Read::new()).unwrap().take(10_000).count();
        let _ = store.read_stream(stream, Read::new().backward()).unwrap().take(10_000).count();
        let _ = store.stream_version(stream);
    }
    let _ = store.categories();
    let _ = store.streams_of("user").unwrap().take(10_000).count();
    let _ = store.stats();
}

/// Opens what lies, both ways; once verified, it does not lie any more.
fn survives(sample: &Sample, bytes: &[u8], has_to_heal: bool, what: &str) {
    for look in [true, false] {
        let device = Device::from_bytes(bytes.to_vec());
        let longest = Arc::new(AtomicUsize::new(0));
        let seen = longest.clone();
        device.orders(move |op| {
            if let Op::Read { length, .. } = op {
                seen.fetch_max(length, Ordering::Relaxed);
            }
            Deed::Go
        });
        let opened = match look {
            true => options().open_storage_read_only(device.clone()),
            false => options().open_storage(device.clone()),
        };
        assert!(opened.is_ok() || !has_to_heal, "{what}: {:?}", opened.unwrap_err());
        let Ok(store) = opened else { continue };
        ask_everything(&store);
        let verified = store.verify();
        if has_to_heal {
            verified.unwrap();
            sample.answers.check(&store, 0, what);
            if !look {
                let _ = store.chore(Chore::Index);
                grow(&store, sample.answers.events.len() as u64 + 25);
                assert!(store.verify().unwrap().is_whole(), "{what}");
            }
        } else if !look {
            let event = annals::NewEvent::new("Noted", "x");
            let _ = store.append("order", annals::ExpectedVersion::Any, [event]);
            let _ = store.chore(Chore::Index);
        }
        let _ = store.close();
        let longest = longest.load(Ordering::Relaxed);
        assert!(longest <= bytes.len() + (1 << 20), "{what}: {longest} bytes are asked for");
        let length = device.to_bytes().len();
        assert!(
            !has_to_heal || length <= 2 * bytes.len() + (1 << 20),
            "{what}: {length} bytes of file"
        );
    }
}

/// Writes a number into a page of a run, and gives the page the check that it asks for.
fn lie(bytes: &mut [u8], run: &RunPlace, page: usize, field: Range<usize>, number: u64) {
    let length = field.len();
    let at = run.page(page).start;
    bytes[at + field.start..at + field.end].copy_from_slice(&number.to_le_bytes()[..length]);
    reseal_page(bytes, run, page);
}

#[test]
fn headers_of_runs_that_lie_are_found_out() {
    let sample = Sample::deep();
    for run in [sample.runs[0], *sample.runs.last().unwrap()] {
        let narrow = NARROW.map(|(name, at)| (name, at..at + 4));
        let wide = WIDE.map(|(name, at)| (name, at..at + 8));
        for (name, field) in narrow.into_iter().chain(wide) {
            for number in LIES {
                let bytes = sample.changed(|bytes| lie(bytes, &run, 0, field.clone(), number));
                // Nothing else says where the first run begins.
                let has_to_heal = name != "first" || run != sample.runs[0];
                let what = format!("{name} {number:#x} of {run:?}");
                survives(&sample, &bytes, has_to_heal, &what);
            }
        }
    }
}

#[test]
fn pages_of_runs_that_lie_are_found_out() {
    let sample = Sample::deep();
    for run in [sample.runs[0], *sample.runs.last().unwrap()] {
        for page in 1..run.pages {
            // The first and some other numbers of what stands in the page, one width or another.
            for at in [16, 20, 24, 28, 32, 36, 40, 2_064] {
                for number in [0, 19, u64::from(u32::MAX)] {
                    let field = at..at + 4;
                    let bytes = sample.changed(|bytes| lie(bytes, &run, page, field, number));
                    let what = format!("byte {at} of page {page} of {run:?} is {number:#x}");
                    survives(&sample, &bytes, true, &what);
                }
            }
        }
    }
}

/// Nobody has to verify for it: a merge that meets such a run makes it anew, and is made again.
#[test]
fn a_merge_that_meets_a_run_that_lies_heals_it() {
    // Three runs from memory; the next will make four.
    let sample = Sample::new(60);
    assert_eq!(sample.runs.len(), 3);
    let run = sample.runs[1];
    let names = run.pages - 1;
    let terms = 2;
    let swapped = sample.changed(|bytes| {
        let page = &mut bytes[run.page(names)];
        let text = |page: &[u8], text: &[u8]| page.windows(6).position(|w| w == text).unwrap();
        let (a, b) = (text(page, b"nth:30"), text(page, b"nth:31"));
        (page[a + 5], page[b + 5]) = (b'1', b'0');
        reseal_page(bytes, &run, names);
    });
    // All terms of several postings have the same ones.
    let shared = sample.changed(|bytes| {
        let page = &mut bytes[run.page(terms)];
        for term in page[16..].chunks_exact_mut(32) {
            let count = u32::from_le_bytes(term[20..24].try_into().unwrap());
            if count == 2 {
                term[16..20].fill(0);
            }
        }
        reseal_page(bytes, &run, terms);
    });
    for (what, bytes) in [("names", swapped), ("postings", shared)] {
        assert!(bytes != sample.bytes);
        let store = options().open_storage(Device::from_bytes(bytes)).unwrap();
        for nth in 0..25 {
            let event = annals::NewEvent::new("Noted", "x");
            store.append(format!("new-{nth}"), 0, [event]).unwrap();
            let _ = store.chore(Chore::Index);
        }
        assert_eq!(store.health().background.map(|error| error.to_string()), None, "{what}");
        let index = store.stats().unwrap().index;
        assert_eq!((index.healed, index.levels), (1, 1), "{what}: {index:?}");
        assert!(store.verify().unwrap().is_whole(), "{what}");
    }
}

#[test]
fn slots_that_lie_of_runs_and_free_room_stop_nothing() {
    let sample = Sample::new(150);
    let (runs, free) = (944, 2_224);
    let counts = [168..172, 172..176];
    let lists = (runs..runs + 32).chain(free..free + 16).step_by(4).map(|at| at..at + 4);
    for field in counts.into_iter().chain(lists) {
        for number in LIES {
            let number = &number.to_le_bytes()[..4];
            let bytes = sample.changed(|bytes| reseal_slots(bytes, field.clone(), number));
            survives(&sample, &bytes, false, &format!("slots {field:?} {number:?}"));
        }
    }
}
