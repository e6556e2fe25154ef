//! Commits that are refused.

use crate::fixture::{Device, all, note};
use annals::{
    AppendError, Commit, Conflict, ExpectedVersion, Invalid, Limit, NewEvent, Options, Position,
    Read, Store, Version,
};
use std::sync::Arc;

/// A store in memory in which stream `a` has three events and stream `b` has one.
struct Refusing {
    device: Arc<Device>,
    store: Store,
}

impl Refusing {
    fn new() -> Self {
        let device = Device::new();
        let store = Options::new().without_keeper().open_storage(device.clone()).unwrap();
        store.append("a", ExpectedVersion::NoStream, ["1", "2", "3"].map(note)).unwrap();
        store.append("b", ExpectedVersion::NoStream, [note("4")]).unwrap();
        Self { device, store }
    }

    /// Why the commit was refused; it must not have changed a byte, nor anything that can be read.
    #[track_caller]
    fn refuses(&self, commit: Commit) -> AppendError {
        let before = self.device.to_bytes();
        let refused = self.store.commit(commit).unwrap_err();
        assert!(self.device.to_bytes() == before, "a refused commit was written: {refused}");
        assert_eq!(self.store.head().unwrap(), Position::new(4));
        assert_eq!(self.store.stream_version("a").unwrap(), Version::new(3));
        assert!(self.store.health().writable);
        refused
    }

    #[track_caller]
    fn exceeds(&self, commit: Commit, limit: Limit, given: u64) {
        let refused = self.refuses(commit);
        let AppendError::Limit(exceeded) = &refused else { panic!("{refused:?}") };
        let found = (exceeded.limit, exceeded.allowed, exceeded.given);
        assert_eq!(found, (limit, limit.allowed(), given));
        let message = refused.to_string();
        for number in [given, limit.allowed()] {
            assert!(message.contains(&number.to_string()), "{message}");
        }
    }

    #[track_caller]
    fn is_meaningless(&self, commit: Commit, wanted: &Invalid, words: &str) {
        let refused = self.refuses(commit);
        let AppendError::Invalid(invalid) = &refused else { panic!("{refused:?}") };
        assert_eq!(invalid, wanted);
        assert!(refused.to_string().contains(words), "{refused}");
    }

    /// Nothing was used up: the next commit gets the next numbers, and it is all there.
    fn goes_on(self) {
        let done = self.store.append("a", 3, [note("5")]).unwrap();
        assert_eq!((done.first, done.version()), (Position::new(5), Version::new(4)));
        let count = self.store.read_all(Read::new()).unwrap().map(Result::unwrap).count();
        assert_eq!(count, 5);
        assert!(self.store.verify().unwrap().is_whole());
    }
}

fn to_a(event: NewEvent) -> Commit {
    Commit::new().append("a", ExpectedVersion::Any, [event])
}

#[test]
fn stale_version_conflicts_and_writes_nothing() {
    let store = Refusing::new();
    let exact = |version| ExpectedVersion::Exact(Version::new(version));
    for (stream, expected, current, words) in [
        ("a", ExpectedVersion::NoStream, 3, "'a' was expected not to exist, but is at version 3"),
        ("a", exact(0), 3, "at version 0, but is at version 3"),
        ("a", exact(2), 3, "at version 2, but is at version 3"),
        ("a", exact(4), 3, "at version 4, but is at version 3"),
        ("a", exact(u64::MAX), 3, "but is at version 3"),
        ("c", ExpectedVersion::StreamExists, 0, "'c' was expected to exist, but it does not exist"),
        ("c", exact(1), 0, "at version 1, but it does not exist"),
    ] {
        let refused = store.refuses(Commit::new().append(stream, expected, [note("x")]));
        let conflict: &Conflict = refused.conflict().unwrap();
        assert_eq!(conflict.stream, stream);
        assert_eq!(conflict.expected, expected);
        assert_eq!(conflict.current, Version::new(current));
        assert!(refused.to_string().contains(words), "{refused}");
        assert_eq!(refused.kind(), None);
    }
    store.goes_on();
}

#[test]
fn what_is_expected_and_true_is_let_through() {
    let store = Refusing::new().store;
    let exact = |version| ExpectedVersion::Exact(Version::new(version));
    for (stream, expected, version) in [
        ("a", ExpectedVersion::Any, 4),
        ("a", ExpectedVersion::StreamExists, 5),
        ("a", exact(5), 6),
        ("c", ExpectedVersion::NoStream, 1),
        ("d", exact(0), 1),
        ("e", ExpectedVersion::Any, 1),
    ] {
        let done = store.append(stream, expected, [note("x")]).unwrap();
        assert_eq!(done.versions, [(stream.to_owned(), Version::new(version))]);
    }
}

#[test]
fn one_stale_stream_among_several_refuses_the_whole_commit() {
    let store = Refusing::new();
    for stale in 0..3 {
        let mut commit = Commit::new();
        for (nth, (stream, current)) in [("a", 3), ("new", 0), ("b", 1)].into_iter().enumerate() {
            let expected = if nth == stale { current + 1 } else { current };
            commit = commit.append(stream, expected, [note("x"), note("y")]);
        }
        let refused = store.refuses(commit);
        let conflict = refused.conflict().unwrap();
        assert_eq!(conflict.stream, ["a", "new", "b"][stale]);
        assert_eq!(store.store.stream_version("new").unwrap(), Version::NONE);
    }
    let all = Commit::new()
        .append("a", 3, [note("5")])
        .append("new", 0, [note("6"), note("7")])
        .append("b", 1, [note("8")]);
    let done = store.store.commit(all).unwrap();
    assert_eq!((done.first, done.last), (Position::new(5), Position::new(8)));
    let versions: Vec<_> = done.versions.iter().map(|(name, v)| (&**name, v.get())).collect();
    assert_eq!(versions, [("a", 4), ("new", 2), ("b", 2)]);
}

#[test]
fn a_stream_that_is_only_expected_guards_the_commit_and_gets_no_event() {
    let store = Refusing::new();
    for (expected, holds) in [
        (ExpectedVersion::NoStream, false),
        (ExpectedVersion::Exact(Version::new(2)), false),
        (ExpectedVersion::StreamExists, true),
        (ExpectedVersion::Exact(Version::new(3)), true),
    ] {
        let commit = Commit::new().expect("a", expected).append("c", ExpectedVersion::Any, []);
        if !holds {
            let refused = store.refuses(commit.append("d", 0, [note("x")]));
            assert_eq!(refused.conflict().unwrap().stream, "a");
        }
    }
    let commit = Commit::new().expect("a", 3).expect("c", 0).append("b", 1, [note("5")]);
    let done = store.store.commit(commit).unwrap();
    assert_eq!(done.versions, [("b".to_owned(), Version::new(2))]);
    assert_eq!(store.store.stream_version("a").unwrap(), Version::new(3));
    assert_eq!(all(store.store.streams().unwrap()), ["a", "b"]);
}

#[test]
fn an_empty_commit_is_refused_before_its_expectations_are_looked_at() {
    let store = Refusing::new();
    for commit in [
        Commit::new(),
        Commit::new().append("a", 3, []),
        Commit::new().append("a", 99, []),
        Commit::new().expect("a", ExpectedVersion::NoStream).expect("", 1),
    ] {
        let refused = store.refuses(commit);
        assert!(matches!(refused, AppendError::Empty), "{refused:?}");
        assert!(refused.to_string().contains("no event"), "{refused}");
    }
    store.goes_on();
}

#[test]
fn what_is_expected_of_a_stream_is_said_once() {
    let store = Refusing::new();
    for commit in [
        Commit::new().append("a", 3, [note("x")]).append("a", 4, [note("y")]),
        Commit::new().append("a", 3, [note("x")]).append("b", 1, []).expect("a", 3),
    ] {
        let twice = Invalid::StreamTwice { stream: "a".to_owned() };
        store.is_meaningless(commit, &twice, "say it once");
    }
    store.goes_on();
}

/// A commit that has this name somewhere.
type Naming<'a> = &'a dyn Fn(&str) -> Commit;

#[test]
fn names_are_1_to_1024_bytes_without_nul() {
    let store = Refusing::new();
    let stream = |name: &str| Commit::new().append(name, ExpectedVersion::Any, [note("x")]);
    let kind = |name: &str| to_a(NewEvent::new(name, "x"));
    let tag = |name: &str| to_a(note("x").tag("fine").tag(name));
    let expected = |name: &str| to_a(note("x")).expect(name, ExpectedVersion::Any);
    let cases: [(&str, Naming<'_>); 4] =
        [("stream", &stream), ("type", &kind), ("tag", &tag), ("stream", &expected)];
    for (what, commit) in cases {
        store.is_meaningless(commit(""), &Invalid::EmptyName { what }, "empty name");
        for nul in ["\0", "a\0", "\0a", "a\0b"] {
            store.is_meaningless(commit(nul), &Invalid::NulInName { what }, "NUL");
        }
        store.exceeds(commit(&"n".repeat(1_025)), Limit::Name, 1_025);
        // Bytes count, not characters.
        store.exceeds(commit(&"é".repeat(513)), Limit::Name, 1_026);
        store.exceeds(commit(&"n".repeat(1 << 20)), Limit::Name, 1 << 20);
    }
    let longest = ["é".repeat(512), "t".repeat(1_024), "g".repeat(1_024)];
    let [name, event_type, tag] = longest.clone();
    let event = NewEvent::new(event_type, "").tag(tag);
    let done = store.store.append(name.clone(), 0, [event]).unwrap();
    let event = store.store.event(done.first).unwrap().unwrap();
    assert_eq!([event.stream, event.event_type, event.tags[0].clone()], longest);
    assert_eq!(store.store.stream_version(&name).unwrap(), Version::new(1));
}

#[test]
fn payload_and_metadata_over_their_limits_are_refused() {
    let store = Refusing::new();
    let (payload, metadata) = (64 << 20, 1 << 20);
    let commit = to_a(note(vec![7; payload + 1]));
    store.exceeds(commit, Limit::Payload, (64 << 20) + 1);
    let commit = to_a(note("x").metadata(vec![7; metadata + 1]));
    store.exceeds(commit, Limit::Metadata, (1 << 20) + 1);
    let done = store.store.append("c", 0, [note("").metadata(vec![7; metadata])]).unwrap();
    let event = store.store.event(done.first).unwrap().unwrap();
    assert_eq!(event.metadata.unwrap().len(), metadata);
}

#[test]
fn more_than_128_tags_are_refused() {
    let store = Refusing::new();
    let tagged = |count: u32| note("x").tags((0..count).map(|nth| format!("tag:{nth}")));
    store.exceeds(to_a(tagged(129)), Limit::Tags, 129);
    store.exceeds(to_a(tagged(1_000)), Limit::Tags, 1_000);
    // A tag given twice is one tag.
    store.store.append("c", 0, [tagged(128).tag("tag:0").tag("tag:127")]).unwrap();
    let event = store.store.event(5).unwrap().unwrap();
    assert_eq!(event.tags.len(), 128);
}

#[test]
fn more_than_65_536_events_or_streams_are_refused() {
    let store = Refusing::new();
    let many = |count: usize| Commit::new().append("c", 0, vec![NewEvent::new("N", ""); count]);
    store.exceeds(many(65_537), Limit::CommitEvents, 65_537);
    let halves = many(32_768).append("d", 0, vec![note(""); 32_769]);
    store.exceeds(halves, Limit::CommitEvents, 65_537);
    let streams = (1..=65_536).fold(to_a(note("x")), |commit, nth| {
        commit.expect(format!("s-{nth}"), ExpectedVersion::NoStream)
    });
    store.exceeds(streams, Limit::CommitStreams, 65_537);
    let done = store.store.commit(many(65_536)).unwrap();
    assert_eq!(done.last, Position::new(4 + 65_536));
}

#[test]
fn a_commit_over_256_mib_is_refused() {
    let store = Refusing::new();
    let part = vec![7; 60 << 20];
    let commit = Commit::new().append("c", 0, (0..5).map(|_| note(part.clone())));
    let refused = store.refuses(commit);
    let AppendError::Limit(exceeded) = refused else { panic!("{refused:?}") };
    assert_eq!((exceeded.limit, exceeded.allowed), (Limit::CommitBytes, 256 << 20));
    assert!(exceeded.given > 256 << 20, "{exceeded:?}");
    store.goes_on();
}

#[test]
fn what_is_stored_beside_payloads_counts_for_the_limit_of_a_commit() {
    let store = Refusing::new();
    // The payloads alone are exactly as much as is allowed.
    let commit = Commit::new().append("c", 0, (0..4).map(|_| note(vec![7; 64 << 20])));
    let refused = store.refuses(commit);
    let AppendError::Limit(exceeded) = refused else { panic!("{refused:?}") };
    assert_eq!(exceeded.limit, Limit::CommitBytes);
    store.goes_on();
}
