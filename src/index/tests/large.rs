//! A run of which each section takes several pages, the terms so many that their fences do too:
//! read from a map and by copies, it has what its events have.

use super::*;
use crate::format::{FENCES_PER_PAGE, POSTINGS_PER_PAGE, TermEntry};
use crate::storage::{Access, FileStorage, Storage};

/// More terms than one page of fences leads to, each of which leads to 127.
const EVENTS: u64 = 66_000;

/// Each with an id; some tags of many events, spread unevenly, many tags of a few, and many of one.
fn events() -> Vec<Plain> {
    let tags = |nth: u64| {
        let square = nth.isqrt().pow(2) == nth;
        let dense = (30_000..33_000).contains(&nth) || nth.is_multiple_of(977);
        let (early, late) = (nth < 2_500, nth >= EVENTS - 2_500);
        let burst = nth % 10_000 < 300;
        let all = [
            ("square", square),
            ("dense", dense),
            ("early", early),
            ("late", late),
            ("burst", burst),
        ];
        let of_many = all.into_iter().filter(|(_, has)| *has).map(|(tag, _)| tag.to_owned());
        // Three far apart, then ten in a row: so many end their page after any number of them.
        let few = match nth {
            0..12_000 => Some(nth % 4_000),
            26_000.. => Some((nth - 26_000) / 10),
            _ => None,
        };
        let of_few = few.map(|few| format!("few/{few}"));
        let of_one = nth.is_multiple_of(40).then(|| format!("own/{nth:05}"));
        of_many.chain(of_few).chain(of_one).collect()
    };
    let plain = |nth: u64| Plain {
        stream: if nth % 1_000 == 7 { "rare".to_owned() } else { format!("b-{}", nth % 3) },
        event_type: "Each".to_owned(),
        tags: tags(nth),
        id: Some(u128::from(nth)),
        payload: 1,
        document: nth.is_multiple_of(50).then(|| (format!("key/{nth:05}"), false)),
    };
    (0..EVENTS).map(plain).collect()
}

/// Where each term is and, of those with names, each name of a kind.
#[derive(Default)]
struct Model {
    postings: BTreeMap<TermHash, Vec<u32>>,
    names: BTreeMap<TermKind, BTreeMap<String, u32>>,
}

impl Model {
    fn of(events: &[Plain]) -> Self {
        let mut model = Self::default();
        let mut met = std::collections::HashSet::new();
        for (nth, event) in (0..).zip(events) {
            for (hash, name) in terms(event, met.insert(&event.stream)) {
                model.postings.entry(hash).or_default().push(nth);
                if let Some((kind, text)) = name {
                    *model.names.entry(kind).or_default().entry(text).or_default() += 1;
                }
            }
        }
        model
    }

    /// The postings of terms that take pages.
    fn long(&self) -> impl Iterator<Item = (&TermHash, &Vec<u32>)> {
        self.postings.iter().filter(|(_, postings)| postings.len() > 60)
    }
}

/// The same numbers each time, spread over all that there are.
fn some(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below.max(1)
    }
}

fn open(device: Arc<dyn Storage>, mapped: bool, place: RunRef) -> Run {
    Run::open(device, Arc::new(Reach::new(mapped)), place, key()).unwrap()
}

/// The run as a file that is mapped.
fn mapped(bytes: &[u8], place: RunRef) -> (Run, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run");
    FileStorage::create(&path, bytes, u64::try_from(bytes.len()).unwrap()).unwrap();
    let file = FileStorage::open(&path, Access::Map, false).unwrap();
    (open(Arc::new(file), true, place), directory)
}

fn u32_of(number: usize) -> u32 {
    u32::try_from(number).unwrap()
}

#[test]
fn a_large_run_has_what_its_events_have() {
    let events = events();
    let model = Model::of(&events);
    let (memory, place) = run_of(&events);
    let (by_map, _directory) = mapped(&memory.to_bytes(), place);
    for run in [by_map, open(memory, false, place)] {
        assert!(run.sections.terms.len() > usize::try_from(FENCES_PER_PAGE).unwrap());
        assert!(run.sections.fences.len() > 1 && run.sections.names.len() > 4);
        terms_are_found(&run, &model);
        offsets_are_found(&run);
        postings_are_given(&run, &model);
        postings_are_searched(&run, &model);
        postings_are_searched_over_the_ends_of_pages(&run, &model);
        names_are_listed(&run, &model);
    }
}

fn terms_are_found(run: &Run, model: &Model) {
    for (hash, postings) in &model.postings {
        let entry = run.find(*hash).unwrap().unwrap();
        assert_eq!((entry.hash, entry.count), (*hash, u32_of(postings.len())));
    }
    let mut absent: Vec<TermHash> = (0..20_000).map(|nth| hash(&format!("absent {nth}"))).collect();
    absent.sort_unstable();
    for hash in &absent {
        assert_eq!(run.find(*hash).unwrap(), None);
        assert_eq!(run.find_let_through(*hash).unwrap(), None);
    }
    // Those that are not there are mostly held back; those that are there never.
    let (mut all, mut passed) = (absent.clone(), Vec::new());
    run.let_through(&absent, &mut passed).unwrap();
    assert!(passed.len() < absent.len() / 20, "{} of {}", passed.len(), absent.len());
    all.extend(model.postings.keys().copied());
    all.sort_unstable();
    passed.clear();
    run.let_through(&all, &mut passed).unwrap();
    let may_have = |hash: &TermHash| run.may_have(*hash).unwrap();
    assert!(model.postings.keys().all(may_have));
    assert_eq!(passed, all.into_iter().filter(may_have).collect::<Vec<_>>());
}

fn offsets_are_found(run: &Run) {
    let wanted: Vec<LogOffset> = (FIRST..FIRST + EVENTS).map(offset).collect();
    let each = (0..).zip(&wanted).all(|(nth, wanted)| run.offset(nth).unwrap() == *wanted);
    assert!(each);
    for most in [1, 700, usize::MAX] {
        let mut found = Vec::new();
        while found.len() < wanted.len() {
            let before = found.len();
            run.offsets(u32_of(before), most, &mut found).unwrap();
            assert!((1..=most).contains(&(found.len() - before)));
        }
        assert!(found == wanted);
    }
}

/// What a run gives of a term's postings.
fn given(run: &Run, entry: &TermEntry, range: (u32, u32)) -> Vec<u32> {
    let mut given = Vec::new();
    run.postings(entry, range, |words| given.extend(words.iter().copied().map(u32::from_le_bytes)))
        .unwrap();
    given
}

/// What a search among a term's postings is to find.
fn sought(postings: &[u32], (low, up): (u32, u32), nth: u32) -> Option<(u32, u32)> {
    let first = u32_of(postings.partition_point(|posting| *posting < nth)).max(low);
    (first < up).then(|| (first, postings[usize::try_from(first).unwrap()]))
}

/// A term of one event.
fn single<'a>(run: &Run, model: &'a Model) -> (TermEntry, &'a Vec<u32>) {
    let (hash, postings) = model.postings.iter().find(|(_, postings)| postings.len() == 1).unwrap();
    (run.find(*hash).unwrap().unwrap(), postings)
}

fn postings_are_given(run: &Run, model: &Model) {
    let mut some = some(1);
    for (hash, postings) in model.long() {
        let entry = run.find(*hash).unwrap().unwrap();
        let count = u32_of(postings.len());
        let mut ranges = vec![(0, count), (0, u32::MAX), (count - 1, count), (count, count)];
        ranges.extend((0..20).map(|_| {
            let from = some(u64::from(count));
            let to = from + some(u64::from(count) - from);
            (u32::try_from(from).unwrap(), u32::try_from(to).unwrap())
        }));
        for (from, to) in ranges {
            let found = given(run, &entry, (from, to));
            let within =
                postings.iter().enumerate().filter(|(nth, _)| (from..to).contains(&u32_of(*nth)));
            assert!(found.iter().eq(within.map(|(_, posting)| posting)), "{from}..{to}");
        }
        for nth in [0, count / 2, count - 1] {
            let wanted = postings[usize::try_from(nth).unwrap()];
            assert_eq!(run.posting(&entry, nth).unwrap(), wanted);
            assert_eq!(run.postings_before(&entry, wanted).unwrap(), nth);
            let behind = run.postings_before(&entry, wanted + 1).unwrap();
            assert_eq!(behind, nth + 1);
        }
    }
    let (entry, postings) = single(run, model);
    for (range, count) in [((0, 1), 1), ((0, 0), 0), ((1, 1), 0), ((1, 9), 0), ((0, 9), 1)] {
        assert_eq!(given(run, &entry, range), postings[..count], "{range:?}");
    }
    assert_eq!(run.posting(&entry, 0).unwrap(), postings[0]);
}

/// From wherever, to wherever, for whatever event.
fn postings_are_searched(run: &Run, model: &Model) {
    let mut some = some(2);
    for (hash, postings) in model.long() {
        let entry = run.find(*hash).unwrap().unwrap();
        let count = u64::from(entry.count);
        for trial in 0..3_000_u32 {
            let low = if trial % 3 == 0 { 0 } else { some(count + 1) };
            let up = if trial % 2 == 0 { count } else { low + some(count + 1 - low) };
            // Events near one that has the term, as far from `low` as may be or a few postings on.
            let near = if trial % 5 == 0 { low + some(40) } else { some(count) };
            let near = postings[usize::try_from(near.min(count - 1)).unwrap()];
            let nth = near.saturating_sub(1) + u32::try_from(some(3)).unwrap();
            let (low, up) = (u32::try_from(low).unwrap(), u32::try_from(up).unwrap());
            let found = run.seek(&entry, (low, up), nth).unwrap();
            assert_eq!(found, sought(postings, (low, up), nth), "{nth} in {low}..{up} of {count}");
        }
    }
    let (entry, postings) = single(run, model);
    assert_eq!(run.seek(&entry, (0, 1), postings[0]).unwrap(), Some((0, postings[0])));
    assert_eq!(run.seek(&entry, (0, 1), postings[0] + 1).unwrap(), None);
    assert_eq!(run.seek(&entry, (0, 0), 0).unwrap(), None);
    assert_eq!(run.seek(&entry, (1, 1), 0).unwrap(), None);
}

/// Of terms of which a page has the first few, and the next page the others: all there is to ask.
fn postings_are_searched_over_the_ends_of_pages(run: &Run, model: &Model) {
    let mut met = 0;
    for (hash, postings) in model.postings.iter().filter(|(_, postings)| postings.len() > 1) {
        let entry = run.find(*hash).unwrap().unwrap();
        let first = entry.start % POSTINGS_PER_PAGE;
        if entry.count > 60 || first + entry.count <= POSTINGS_PER_PAGE {
            continue;
        }
        met += 1;
        for (low, up) in
            (0..entry.count).flat_map(|low| (low..=entry.count).map(move |up| (low, up)))
        {
            for nth in postings.iter().flat_map(|posting| [*posting, posting + 1]) {
                let found = run.seek(&entry, (low, up), nth).unwrap();
                let wanted = sought(postings, (low, up), nth);
                assert_eq!(found, wanted, "{nth} in {low}..{up} of {postings:?}");
            }
        }
    }
    assert!(met > 20, "{met} terms");
}

fn names_are_listed(run: &Run, model: &Model) {
    for (kind, names) in &model.names {
        let middle = names.keys().nth(names.len() / 2).unwrap().as_str();
        for bounds in [
            (Bound::Unbounded, Bound::Unbounded),
            (Bound::Included(middle), Bound::Unbounded),
            (Bound::Excluded(middle), Bound::Unbounded),
            (Bound::Unbounded, Bound::Included(middle)),
            (Bound::Unbounded, Bound::Excluded(middle)),
            (Bound::Included("own/1"), Bound::Excluded("own/2")),
        ] {
            let within: Vec<(&str, u32)> = names
                .iter()
                .map(|(name, count)| (name.as_str(), *count))
                .filter(|(name, _)| bounds.contains(*name))
                .collect();
            for (backward, most) in [(false, 9_999), (true, 9_999), (false, 3), (true, 3)] {
                let mut listed = Vec::new();
                run.names(*kind, bounds, backward, most, &mut listed).unwrap();
                let found = listed.iter().map(|name| (name.text.as_str(), name.count));
                let mut wanted = within.clone();
                if backward {
                    wanted.reverse();
                }
                wanted.truncate(most);
                assert!(found.eq(wanted), "{kind:?}, {bounds:?}, backward {backward}, {most}");
            }
        }
    }
}

#[test]
fn each_page_is_checked_whichever_was_read_before() {
    let (memory, place) = run_of(&events());
    let bytes = memory.to_bytes();
    let page = usize::try_from(PAGE).unwrap();
    for rotten in [1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, place.pages - 1] {
        let mut bytes = bytes.clone();
        bytes[usize::try_from(rotten).unwrap() * page + 100] ^= 1;
        let (by_map, _directory) = mapped(&bytes, place);
        for run in [by_map, open(Arc::new(MemoryStorage::from_bytes(bytes)), false, place)] {
            for _ in 0..2 {
                let is_whole = |number: u32| run.pages.get(number).is_ok();
                let failed: Vec<u32> = (0..place.pages + 70).filter(|at| !is_whole(*at)).collect();
                let behind = place.pages..place.pages + 70;
                assert_eq!(failed, [rotten].into_iter().chain(behind).collect::<Vec<_>>());
                let found = run.check_pages(|_| true).err().unwrap().to_string();
                assert_eq!(found, format!("page {rotten} of run 1 fails its check"));
            }
            let damaged = run.pages.get(rotten).err().unwrap();
            assert_eq!(damaged.to_string(), format!("page {rotten} of run 1 fails its check"));
            assert!(run.each_page(|_, _| Ok(())).is_err());
        }
    }
}
