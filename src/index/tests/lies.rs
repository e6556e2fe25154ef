//! A run whose pages pass their checks and say what can't be: it is refused where it lies.

use super::*;
use crate::format::{PAGE_HEAD_LEN, POSTINGS_PER_PAGE, TERM_LEN, TermEntry, seal_page, u32_at};

/// More events than one page of postings has; all terms in one page.
const EVENTS: u32 = 1_500;

fn events() -> Vec<Plain> {
    let plain = |nth: u32| Plain {
        stream: "stream".to_owned(),
        event_type: "Each".to_owned(),
        tags: if nth == 700 { vec!["single".to_owned()] } else { Vec::new() },
        id: None,
        payload: 1,
        document: (nth == 9).then(|| ("key".to_owned(), false)),
    };
    (0..EVENTS).map(plain).collect()
}

/// A run, as bytes that may be changed.
struct Liar {
    bytes: Vec<u8>,
    place: RunRef,
}

impl Liar {
    fn new() -> Self {
        let (memory, place) = run_of(&events());
        Self { bytes: memory.to_bytes(), place }
    }

    fn run(&self) -> Run {
        let memory = Arc::new(MemoryStorage::from_bytes(self.bytes.clone()));
        Run::open(memory, Arc::new(Reach::new(false)), self.place, key()).unwrap()
    }

    /// The same run, but for what `change` makes of a page behind its head.
    fn but(&self, page: u32, change: impl FnOnce(&mut [u8])) -> Run {
        let mut bytes = self.bytes.clone();
        let start = usize::try_from(u64::from(page) * PAGE).unwrap();
        let here = &mut bytes[start..start + usize::try_from(PAGE).unwrap()];
        change(&mut here[PAGE_HEAD_LEN..]);
        seal_page(here, self.place.id, page, &key());
        Self { bytes, place: self.place }.run()
    }

    /// The same run, but for what is said of one term.
    fn but_term(&self, hash: TermHash, change: impl FnOnce(&mut TermEntry)) -> Run {
        let run = self.run();
        let terms = 0..run.header().terms;
        let nth = terms.into_iter().find(|nth| run.term(*nth).unwrap().hash == hash).unwrap();
        let mut entry = run.term(nth).unwrap();
        change(&mut entry);
        let at = usize::try_from(nth).unwrap() * TERM_LEN;
        self.but(run.sections.terms.start, |page| entry.encode(&mut page[at..]))
    }

    /// The same run, but for some postings of the type that each event has.
    fn but_postings(&self, postings: &[(u32, u32)]) -> (Run, TermEntry) {
        let run = self.run();
        let entry = run.find(each()).unwrap().unwrap();
        let mut liar = Self { bytes: self.bytes.clone(), place: self.place };
        for (nth, posting) in postings {
            let place = entry.start + nth;
            let page = run.sections.postings.start + place / POSTINGS_PER_PAGE;
            let at = usize::try_from(place % POSTINGS_PER_PAGE).unwrap() * 4;
            let changed =
                liar.but(page, |page| page[at..at + 4].copy_from_slice(&posting.to_le_bytes()));
            let bytes = (0..self.place.pages).map(|nth| changed.pages.get(nth).unwrap().to_vec());
            liar.bytes = bytes.flatten().collect();
        }
        (liar.run(), entry)
    }
}

fn each() -> TermHash {
    hash("Each").of(TermKind::Type)
}

fn single() -> TermHash {
    hash("single").of(TermKind::Tag)
}

fn is_damage<T>(result: Result<T, RunError>) -> bool {
    matches!(result, Err(RunError::Damaged { id: 1, .. }))
}

#[test]
fn places_outside_of_what_a_run_covers_are_refused() {
    let liar = Liar::new();
    let honest = liar.run();
    let header = honest.header();
    let number = honest.sections.offsets.start;
    assert_eq!(header.width, 4);
    // Each is the distance from the page's base, in units of 8 bytes.
    let whole = offset(FIRST);
    let (base, end) = (header.start.get(), header.end.get());
    assert_eq!(base, whole.get());
    let with = |first: u64, step: u64| {
        let step = u32::try_from(step / 8).unwrap();
        liar.but(number, |page| {
            page[..8].copy_from_slice(&first.to_le_bytes());
            page[8..12].copy_from_slice(&step.to_le_bytes());
        })
    };
    for (first, step, fits) in [
        (base, 0, true),
        (base, 8, true),
        (base, end - base - 8, true),
        (base, end - base, false),
        (base, end - base + 8, false),
        (base - 8, 0, false),
        (base - 8, 8, true),
    ] {
        let run = with(first, step);
        let mut found = Vec::new();
        let several = run.offsets(0, 1, &mut found);
        if fits {
            several.unwrap();
            assert_eq!(found, [LogOffset::new(first + step)]);
            assert_eq!(run.offset(0).unwrap(), LogOffset::new(first + step));
        } else {
            assert!(is_damage(several) && is_damage(run.offset(0)), "{first} and {step}");
        }
    }
}

#[test]
fn terms_that_have_more_than_there_is_are_refused() {
    let liar = Liar::new();
    let honest = liar.run();
    let (postings, place) = (honest.header().postings, honest.find(each()).unwrap().unwrap());
    assert!(postings > EVENTS + 1);
    assert_eq!(place.count, EVENTS);
    let said = |hash, start, count, base| {
        let change = |entry: &mut TermEntry| {
            (entry.start, entry.count, entry.base) = (start, count, base);
        };
        liar.but_term(hash, change).find(hash)
    };
    for (start, fits) in [(EVENTS - 1, true), (EVENTS, false), (u32::MAX, false)] {
        let found = said(single(), start, 1, 0);
        assert_eq!(found.is_ok(), fits, "{start}: {found:?}");
    }
    for (start, count, base, fits) in [
        (0, EVENTS, 0, true),
        (postings - 2, 2, 0, true),
        (postings - 1, 2, 0, false),
        (0, EVENTS + 1, 0, false),
        (0, 0, 0, false),
        (u32::MAX, 2, 0, false),
        (0, 2, u64::MAX - 2, true),
        (0, 2, u64::MAX - 1, false),
    ] {
        let found = said(each(), start, count, base);
        assert_eq!(found.is_ok(), fits, "{start}, {count}, {base}: {found:?}");
        assert!(fits || is_damage(found));
    }
}

#[test]
fn documents_that_stand_elsewhere_or_have_no_such_revision_are_refused() {
    let liar = Liar::new();
    let term = hash("key").of(TermKind::Document);
    let (start, end) = (liar.run().header().start, liar.run().header().end);
    let said = |at: LogOffset, revision: Revision| {
        let place = DocumentPlace { at, revision, deleted: false };
        let change = |entry: &mut TermEntry| *entry = TermEntry::of_document(term, &place);
        (liar.but_term(term, change).document(hash("key")), place)
    };
    let first = Revision::new(1);
    for (at, revision, fits) in [
        (start, first, true),
        (start, Revision::MAX, true),
        (LogOffset::new(end.get() - 8), first, true),
        (end, first, false),
        (LogOffset::new(start.get() - 8), first, false),
        (start, Revision::NONE, false),
        (start, Revision::new(Revision::MAX.get() + 1), false),
    ] {
        let (found, place) = said(at, revision);
        match found {
            Ok(found) => assert!(fits && found == Some(place), "{at:?}, {revision:?}"),
            other => assert!(!fits && is_damage(other), "{at:?}, {revision:?}"),
        }
    }
}

#[test]
fn a_term_that_is_of_another_sort_than_asked_for_is_refused() {
    let liar = Liar::new();
    let place = DocumentPlace { at: offset(FIRST), revision: Revision::new(1), deleted: false };
    let run = liar.but_term(each(), |entry| *entry = TermEntry::of_document(each(), &place));
    assert!(is_damage(run.find(each())) && is_damage(run.find_let_through(each())));
    let term = hash("key").of(TermKind::Document);
    let events = |entry: &mut TermEntry| (entry.start, entry.count) = (0, 2);
    assert!(is_damage(liar.but_term(term, events).document(hash("key"))));
}

#[test]
fn postings_that_do_not_ascend_or_are_of_no_event_are_refused() {
    let liar = Liar::new();
    let all = |run: &Run, entry: &TermEntry| run.postings(entry, (0, u32::MAX), |_| ());
    let (run, entry) = liar.but_postings(&[]);
    all(&run, &entry).unwrap();
    let first = run.sections.postings.start;
    assert_eq!(u32_at(&run.pages.get(first).unwrap(), 0), 0);
    // The first of the next page.
    let next = POSTINGS_PER_PAGE - entry.start % POSTINGS_PER_PAGE;
    for (nth, posting) in [
        (5, 4),
        (5, 6),
        (5, 3),
        (next, next - 1),
        (next, next - 2),
        (next - 1, next),
        (EVENTS - 1, EVENTS),
        (EVENTS - 1, u32::MAX),
        (next - 1, EVENTS),
    ] {
        let (run, entry) = liar.but_postings(&[(nth, posting)]);
        assert!(is_damage(all(&run, &entry)), "posting {nth} is {posting}");
    }
    // One by one, and searched for: in the page where the search begins, and behind it.
    for nth in [5, next - 1, next, next + 5, EVENTS - 1] {
        let (run, entry) = liar.but_postings(&[(nth, EVENTS)]);
        assert!(is_damage(run.posting(&entry, nth)), "posting {nth}");
        assert!(is_damage(run.seek(&entry, (nth, nth + 1), nth)), "posting {nth}");
        assert!(is_damage(run.seek(&entry, (nth - 1, nth + 1), nth)), "posting {nth}");
        assert!(run.posting(&entry, nth - 1).is_ok());
    }
    // The last in its page is one of the run, but not the one that is found.
    let (run, entry) = liar.but_postings(&[(5, EVENTS)]);
    assert!(is_damage(run.seek(&entry, (0, 9), 5)));
}

#[test]
fn postings_have_their_places_in_the_order_of_terms() {
    let run = Liar::new().run();
    let entry = run.find(each()).unwrap().unwrap();
    assert_eq!(run.placed(&entry, entry.start).unwrap(), entry.start + EVENTS);
    assert!(is_damage(run.placed(&entry, entry.start + 1)));
    // One posting stands in the term itself; a document has none.
    let alone = run.find(single()).unwrap().unwrap();
    assert_eq!(run.placed(&alone, 77).unwrap(), 77);
    let document = run.entry(hash("key").of(TermKind::Document)).unwrap().unwrap();
    assert_eq!(run.placed(&document, 77).unwrap(), 77);
}

#[test]
fn names_that_are_none_and_what_stands_behind_them_are_refused() {
    let liar = Liar::new();
    let honest = liar.run();
    let number = honest.sections.names.start;
    let all = |run: &Run| {
        let (mut out, bounds) = (Vec::new(), (Bound::Unbounded, Bound::Unbounded));
        let mut kinds = TermKind::NAMED.into_iter();
        kinds.try_for_each(|kind| run.names(kind, bounds, false, 99, &mut out))?;
        Ok(out.len())
    };
    assert_eq!(all(&honest).unwrap(), 5);
    let bytes = honest.pages.get(number).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1 - PAGE_HEAD_LEN;
    for (at, kind) in [(0, 77), (0, 0), (end, 77)] {
        let run = liar.but(number, |page| page[at] = kind);
        assert!(is_damage(all(&run)), "{kind} at {at}");
    }
}
