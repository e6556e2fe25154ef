//! Runs and tables against a plain list of events: whatever the cuts and merges, the answers are
//! the same.

mod document;
mod large;
mod lies;

use super::*;
use crate::format::{
    Chain, DocumentEntry, DocumentPlace, Entries, Entry, Extent, FIRST_EXTENT, FileKey, Mark,
    Named, PAGE, RunRef, SegmentRef, TermHash, TermKind,
};
use crate::storage::{MemoryStorage, write_full};
use crate::words::{LogOffset, Position, Revision, Version, category_of};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;
use uuid::Uuid;

const FIRST: u64 = 5;

fn key() -> FileKey {
    FileKey::new([3; 16])
}

fn hash(text: &str) -> TermHash {
    key().term(text.as_bytes())
}

/// An event of the plain list.
#[derive(Clone, Debug)]
struct Plain {
    stream: String,
    event_type: String,
    tags: Vec<String>,
    id: Option<u128>,
    payload: u32,
    /// A document that its commit puts or deletes.
    document: Option<(String, bool)>,
}

/// The newest record of each document.
type Documents = BTreeMap<String, DocumentPlace>;

/// The record of an event's document, which stands behind the event; and the one before it.
fn document_entry<'a>(
    event: &'a Plain,
    position: u64,
    documents: &mut Documents,
) -> Option<DocumentEntry<'a>> {
    let (text, deleted) = event.document.as_ref()?;
    let before = documents.get(text).copied();
    let revision = before.map_or(Revision::NONE, |before| before.revision).next().unwrap();
    let at = offset(position).plus(48);
    let place = DocumentPlace { at, revision, deleted: *deleted };
    documents.insert(text.clone(), place);
    Some(DocumentEntry { key: Named { text, hash: hash(text) }, place, before })
}

/// The terms of an event: hash, and the name if it has one.
fn terms(event: &Plain, first: bool) -> Vec<(TermHash, Option<(TermKind, String)>)> {
    let named = |kind: TermKind, text: &str| (hash(text).of(kind), Some((kind, text.to_owned())));
    let category = category_of(&event.stream);
    let mut terms = vec![
        named(TermKind::Stream, &event.stream),
        named(TermKind::Category, category),
        named(TermKind::Type, &event.event_type),
    ];
    terms.extend(event.tags.iter().map(|tag| named(TermKind::Tag, tag)));
    if let Some(id) = event.id {
        terms.push((key().term(Uuid::from_u128(id).as_bytes()).of(TermKind::Id), None));
    }
    if first {
        terms.push((hash("").of(TermKind::Begins), None));
        terms.push((hash(category).of(TermKind::BeginsIn), None));
    }
    terms
}

fn mark(position: u64) -> Mark {
    Mark { at: offset(position), chain: Chain(position), next: Position::new(position) }
}

fn offset(position: u64) -> LogOffset {
    LogOffset::new(64 + position * 104)
}

/// A segment for every 40 events.
fn segment(nth: u64) -> SegmentRef {
    let extent = Extent { file_offset: FIRST_EXTENT + nth * PAGE, length: PAGE };
    SegmentRef { extent, log_offset: LogOffset::new(nth * PAGE) }
}

/// The segments that hold the log from one offset up to another.
fn segments(start: LogOffset, end: LogOffset) -> Vec<SegmentRef> {
    let holds = |segment: &SegmentRef| segment.log_end() > start && segment.log_offset < end;
    (0..).map(segment).take_while(|segment| segment.log_offset < end).filter(holds).collect()
}

fn input(table: Arc<Table>) -> Input {
    let segments = segments(table.start().at, table.end().unwrap().at);
    Input::table(table, segments)
}

struct Disk(Arc<MemoryStorage>);

impl Sink for Disk {
    fn write(&mut self, first: u32, pages: &[u8]) -> io::Result<()> {
        write_full(&*self.0, pages, u64::from(first) * PAGE)
    }
}

fn build(inputs: Vec<Input>, level: u32, id: u32, budget: u64) -> Arc<Run> {
    let (memory, place) = written(inputs, level, id, budget);
    Arc::new(Run::open(memory, Arc::new(Reach::new(false)), place, key()).unwrap())
}

/// A device with nothing on it but a run.
fn written(inputs: Vec<Input>, level: u32, id: u32, budget: u64) -> (Arc<MemoryStorage>, RunRef) {
    let memory = Arc::new(MemoryStorage::new());
    let mut job = Job::new(inputs, level, id, key()).unwrap().unwrap();
    let mut pages = None;
    loop {
        match job.step(&mut Disk(memory.clone()), budget).unwrap() {
            Step::More => {}
            Step::Counted(counted) => pages = Some(counted),
            Step::Done => break,
        }
    }
    let header = job.header();
    let place =
        RunRef { file_offset: 0, pages: pages.unwrap(), id, end: header.end, next: header.next };
    assert_eq!(crate::storage::Storage::size(&*memory).unwrap(), u64::from(place.pages) * PAGE);
    (memory, place)
}

/// A run of all these events.
fn run_of(events: &[Plain]) -> (Arc<MemoryStorage>, RunRef) {
    let end = FIRST + u64::try_from(events.len()).unwrap();
    let (mut versions, mut documents) = (BTreeMap::new(), BTreeMap::new());
    let table = table(events, (&mut versions, &mut documents), FIRST, end);
    written(vec![input(table)], 0, 1, u64::MAX)
}

fn table(
    events: &[Plain],
    (versions, documents): (&mut BTreeMap<String, u64>, &mut Documents),
    from: u64,
    to: u64,
) -> Arc<Table> {
    let table = Table::new(mark(from), key());
    for position in from..to {
        let event = &events[usize::try_from(position - FIRST).unwrap()];
        let version = versions.entry(event.stream.clone()).or_default();
        *version += 1;
        let tags: Vec<Named<'_>> =
            event.tags.iter().map(|tag| Named { text: tag, hash: hash(tag) }).collect();
        let entry = Entry {
            position: Position::new(position),
            at: offset(position),
            version: Version::new(*version),
            payload: event.payload,
            stream: Named { text: &event.stream, hash: hash(&event.stream) },
            event_type: Named { text: &event.event_type, hash: hash(&event.event_type) },
            tags: &tags,
            ids: [event.id.map(Uuid::from_u128), None, None],
        };
        let document = document_entry(event, position, documents);
        table.extend(Entries { events: &[entry], documents: document.as_slice() });
    }
    table.close(mark(to));
    Arc::new(table)
}

fn events() -> impl Strategy<Value = Vec<Plain>> {
    let document = prop::option::weighted(0.3, (0..60_u32, any::<bool>()));
    let tags = prop::collection::vec(0..30_u32, 0..4);
    let event = (0..40_u32, 0..3_u32, tags, any::<u16>(), document);
    let plain = event.prop_map(|(stream, event_type, mut tags, id, document)| {
        tags.sort_unstable();
        tags.dedup();
        Plain {
            stream: format!("{}-{stream}", stream % 3),
            event_type: format!("Type{event_type}"),
            tags: tags.into_iter().map(|tag| format!("tag:{tag}")).collect(),
            id: (id % 3 == 0).then_some(u128::from(id)),
            payload: u32::from(id),
            document: document.map(|(key, deleted)| (format!("key/{key}"), deleted)),
        }
    });
    prop::collection::vec(plain, 1..700)
}

/// The events in tables cut at these places, some of them made runs, some of those merged.
fn sources(events: &[Plain], cuts: &[usize], tables: usize, merge: bool, budget: u64) -> Sources {
    let end = FIRST + u64::try_from(events.len()).unwrap();
    let cuts = cuts.iter().map(|cut| FIRST + u64::try_from(cut % events.len()).unwrap());
    let mut bounds: Vec<u64> = cuts.chain([FIRST, end]).collect();
    bounds.sort_unstable();
    bounds.dedup();
    let (mut versions, mut documents) = (BTreeMap::new(), BTreeMap::new());
    let mut made: Vec<_> = bounds
        .windows(2)
        .map(|range| table(events, (&mut versions, &mut documents), range[0], range[1]))
        .collect();
    let tables = made.split_off(made.len().saturating_sub(tables));
    let mut runs: Vec<_> =
        (1..).zip(made).map(|(id, table)| build(vec![input(table)], 0, id, budget)).collect();
    if merge && runs.len() > 1 {
        let half = runs.len().div_ceil(2);
        let inputs = runs.drain(..half).map(Input::Run).collect();
        runs.insert(0, build(inputs, 1, 99, budget));
    }
    Sources { runs, tables }
}

/// Everything that the index can be asked, asked of it and of the list, up to `head`.
fn compare(sources: &Sources, events: &[Plain], head: u64) {
    let end = Position::new(head);
    let mut postings: BTreeMap<TermHash, Vec<u64>> = BTreeMap::new();
    let mut names: BTreeMap<(TermKind, String), Vec<u64>> = BTreeMap::new();
    let mut streams: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (position, event) in (FIRST..=head).zip(events) {
        let of_stream = streams.entry(&event.stream).or_default();
        of_stream.push(position);
        for (hash, name) in terms(event, of_stream.len() == 1) {
            postings.entry(hash).or_default().push(position);
            names.entry(name.unwrap_or((TermKind::Id, String::new()))).or_default().push(position);
        }
        assert_eq!(sources.locate(Position::new(position)).unwrap(), Some(offset(position)));
    }
    assert_eq!(sources.locate(Position::new(FIRST - 1)).unwrap(), None);
    for run in &sources.runs {
        let (start, end) = (run.header().start, run.header().end);
        assert_eq!(run.segments().unwrap(), segments(start, end));
        let found = sources.segment(start).unwrap();
        assert!(found.is_some_and(|segment| segment.contains(start)));
    }
    for (hash, wanted) in &postings {
        assert_eq!(sources.count(*hash, end).unwrap(), u64::try_from(wanted.len()).unwrap());
        let middle = wanted[wanted.len() / 2];
        for (from, to) in [(0, head), (middle, head), (0, middle), (middle + 1, head)] {
            let within: Vec<u64> =
                wanted.iter().copied().filter(|nth| (from..=to).contains(nth)).collect();
            let range = (Position::new(from), Position::new(to));
            for backward in [false, true] {
                let mut matching = Matching::new(Wanted::term(*hash), range, backward);
                let next = || matching.next(sources).unwrap().map(Position::get);
                let mut found: Vec<u64> = std::iter::from_fn(next).collect();
                if backward {
                    found.reverse();
                }
                assert_eq!(found, within);
            }
        }
    }
    for (stream, wanted) in &streams {
        let hash = hash(stream);
        let count = u64::try_from(wanted.len()).unwrap();
        assert_eq!(sources.version(hash, end).unwrap().get(), count);
        for (from, to) in [(1, count), (count.div_ceil(2), count), (2, count.saturating_sub(1))] {
            let mut found = Vec::new();
            let range = (Version::new(from), Version::new(to));
            sources.versions(hash, range, 1_000, &mut found).unwrap();
            let skip = usize::try_from(from - 1).unwrap();
            let most = usize::try_from((to + 1).saturating_sub(from)).unwrap();
            let within: Vec<u64> = wanted.iter().copied().skip(skip).take(most).collect();
            assert_eq!(found, within);
        }
    }
    assert_eq!(sources.version(hash("nothing"), end).unwrap(), Version::NONE);
    compare_documents(sources, events, head);
    let all = (Bound::Unbounded, Bound::Unbounded);
    for kind in TermKind::NAMED.into_iter().filter(|kind| *kind != TermKind::Document) {
        let of_kind = names.iter().filter(|((of, _), _)| *of == kind);
        let wanted: Vec<(String, u64)> = of_kind
            .map(|((_, text), positions)| (text.clone(), u64::try_from(positions.len()).unwrap()))
            .collect();
        // Those that have no event up to the head are found too.
        let found = |bounds, backward, most| {
            let mut found = sources.names((kind, end), bounds, backward, most, hash).unwrap();
            assert!(found.len() <= most);
            found.retain(|(_, count)| *count > 0);
            found
        };
        assert_eq!(found(all, false, 1_000), wanted);
        let Some((middle, _)) = wanted.get(wanted.len() / 2) else { continue };
        for bounds in [
            all,
            (Bound::Included(&**middle), Bound::Unbounded),
            (Bound::Unbounded, Bound::Excluded(&**middle)),
            (Bound::Excluded(&**middle), Bound::Unbounded),
            (Bound::Included("s"), Bound::Included(&**middle)),
        ] {
            let within = wanted.iter().filter(|(name, _)| bounds.contains(&**name));
            let up: Vec<_> = within.clone().cloned().collect();
            assert_eq!(found(bounds, false, 1_000), up);
            let down: Vec<_> = within.rev().cloned().collect();
            assert_eq!(found(bounds, true, 1_000), down);
            let ends = [(false, up.first()), (true, down.first())];
            for (backward, first) in ends {
                let some = sources.names((kind, end), bounds, backward, 2, hash).unwrap();
                // Where none of the two has no events yet, the first is there.
                if some.iter().all(|(_, count)| *count > 0) {
                    assert_eq!(some.first(), first);
                }
            }
        }
    }
}

/// The same of documents.
fn compare_documents(sources: &Sources, events: &[Plain], head: u64) {
    let end = offset(head + 1);
    let (mut within, mut all) = (Documents::new(), Documents::new());
    let mut before: BTreeMap<LogOffset, Option<DocumentPlace>> = BTreeMap::new();
    for (position, event) in (FIRST..).zip(events) {
        if let Some(entry) = document_entry(event, position, &mut all) {
            before.insert(entry.place.at, entry.before);
        }
        if position <= head {
            within = all.clone();
        }
    }
    for (key, newest) in &all {
        let mut found = sources.document(hash(key), end).unwrap();
        // A run knows its newest only, which may stand behind the end; that leads to those before.
        while let Some(later) = found.filter(|found| found.at >= end) {
            found = before[&later.at];
        }
        assert_eq!(found.as_ref(), within.get(key), "{key}");
        let ever = LogOffset::new(u64::MAX);
        assert_eq!(sources.document(hash(key), ever).unwrap().as_ref(), Some(newest));
        for from in [LogOffset::ZERO, newest.at, newest.at.plus(8)] {
            let found = sources.document_since(hash(key), from).unwrap();
            assert_eq!(found.as_ref(), Some(newest).filter(|newest| newest.at >= from));
        }
    }
    assert_eq!(sources.document(hash("nothing"), end).unwrap(), None);
    let keys: Vec<&str> = all.keys().map(String::as_str).collect();
    let middle = keys.get(keys.len() / 2).copied().unwrap_or_default();
    let listed = |bounds, backward, most| -> Vec<String> {
        let kind = (TermKind::Document, Position::new(head));
        let names = sources.names(kind, bounds, backward, most, hash).unwrap();
        names.into_iter().map(|(key, _)| key).collect()
    };
    for bounds in [
        (Bound::Unbounded, Bound::Unbounded),
        (Bound::Included(middle), Bound::Unbounded),
        (Bound::Excluded(middle), Bound::Unbounded),
        (Bound::Unbounded, Bound::Included(middle)),
        (Bound::Included("key/2"), Bound::Excluded("key/3")),
    ] {
        let mut wanted: Vec<&str> =
            keys.iter().copied().filter(|key| bounds.contains(*key)).collect();
        assert_eq!(listed(bounds, false, 1_000), wanted);
        wanted.truncate(3);
        assert_eq!(listed(bounds, false, 3), wanted);
        let wanted = keys.iter().copied().filter(|key| bounds.contains(*key)).rev();
        assert_eq!(listed(bounds, true, 1_000), wanted.clone().collect::<Vec<_>>());
        assert_eq!(listed(bounds, true, 3), wanted.take(3).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn runs_and_tables_answer_as_a_list_does(
        events in events(),
        cuts in prop::collection::vec(any::<usize>(), 0..9),
        tables in 1..4_usize,
        merge in any::<bool>(),
        budget in prop_oneof![Just(u64::MAX), Just(1)],
        back in any::<usize>(),
    ) {
        let sources = sources(&events, &cuts, tables, merge, budget);
        let all = u64::try_from(events.len()).unwrap();
        compare(&sources, &events, FIRST + all - 1);
        // A view that ends earlier, wherever that is.
        let back = u64::try_from(back % events.len()).unwrap();
        compare(&sources, &events, FIRST + all - 1 - back);
    }

    #[test]
    fn a_run_sums_up_to_what_the_events_do(events in events(), cuts in any::<[usize; 3]>()) {
        let sources = sources(&events, &cuts, 0, true, u64::MAX);
        let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
        let mut tallies = vec![Tally::default(); sources.runs.len()];
        let mut payloads = vec![0; sources.runs.len()];
        let mut documents = Documents::new();
        for (position, event) in (FIRST..).zip(&events) {
            let version = versions.entry(&event.stream).or_default();
            *version += 1;
            let tags: Vec<Named<'_>> =
                event.tags.iter().map(|tag| Named { text: tag, hash: hash(tag) }).collect();
            let of_run = sources.runs.iter().position(|run| run.covers(Position::new(position)));
            let of_run = of_run.unwrap();
            payloads[of_run] += u64::from(event.payload);
            if let Some(document) = document_entry(event, position, &mut documents) {
                let start = sources.runs[of_run].header().start;
                tallies[of_run].add_document(&document, start);
            }
            tallies[of_run].add(&Entry {
                position: Position::new(position),
                at: offset(position),
                version: Version::new(*version),
                payload: event.payload,
                stream: Named { text: &event.stream, hash: hash(&event.stream) },
                event_type: Named { text: &event.event_type, hash: hash(&event.event_type) },
                tags: &tags,
                ids: [event.id.map(Uuid::from_u128), None, None],
            }, &key());
        }
        for ((run, tally), payload_bytes) in sources.runs.iter().zip(&tallies).zip(payloads) {
            prop_assert_eq!(&run.tally(&key()).unwrap(), tally);
            prop_assert_eq!(run.header().payload_bytes, payload_bytes);
        }
    }
}

/// Incident: a follower lost events in the middle. Mechanism: two threads looked at once; one was
/// overtaken and put the runs of an older slot in the place of newer ones, whose tables were gone.
/// Fix: runs never reach less far than they did.
#[test]
fn runs_that_were_overtaken_do_not_come_back() {
    let plain = |nth: u64| Plain {
        stream: format!("a-{nth}"),
        event_type: "Noted".to_owned(),
        tags: Vec::new(),
        id: None,
        payload: 0,
        document: None,
    };
    let events: Vec<Plain> = (0..30).map(plain).collect();
    let older = sources(&events[..10], &[], 0, false, u64::MAX).runs;
    let newer = sources(&events[..20], &[], 0, false, u64::MAX).runs;
    let index = Index::new(Vec::new(), mark(FIRST), key());
    index.restart(newer.clone(), mark(FIRST + 20));
    for overtaken in [older, Vec::new()] {
        index.replace_runs(overtaken.clone());
        index.restart(overtaken, mark(FIRST + 10));
        let sources = index.sources();
        assert_eq!(sources.runs.len(), newer.len());
        for position in FIRST..FIRST + 20 {
            assert!(sources.locate(Position::new(position)).unwrap().is_some());
        }
    }
}
