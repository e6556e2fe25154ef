//! Appending and reading back.

use annals::{Commit, Durability, ExpectedVersion, NewEvent, Options, Read, Store, Version};

#[test]
fn what_was_appended_is_read_back_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.annals");
    {
        let store = Store::open(&path).unwrap();
        for n in 0..1000_u64 {
            let stream = format!("s-{}", n % 7);
            let event = NewEvent::new("Counted", n.to_le_bytes().to_vec()).tag("t:1").tag("t:2");
            let done = store.append(stream, Version::new(n / 7), [event]).unwrap();
            assert_eq!(done.first.get(), n + 1);
        }
        let conflict = store.append("s-0", ExpectedVersion::NoStream, [NewEvent::new("X", "")]);
        assert!(conflict.unwrap_err().conflict().is_some());
        check(&store);
    }
    let store = Store::open(&path).unwrap();
    println!("{:?}", store.recovery_report());
    check(&store);
    let two = Commit::new()
        .append("s-0", ExpectedVersion::StreamExists, [NewEvent::new("A", "1")])
        .append(
            "new",
            ExpectedVersion::NoStream,
            [NewEvent::new("B", "2"), NewEvent::new("C", "3")],
        )
        .durability(Durability::Strict);
    store.commit(two).unwrap();
    assert_eq!(store.head().unwrap().get(), 1003);
    assert!(store.verify().unwrap().is_whole());
    store.close().unwrap();
    let again = Options::new().open(&path).unwrap();
    assert_eq!(again.head().unwrap().get(), 1003);
}

fn check(store: &Store) {
    let mut n = 0;
    for event in store.read_all(Read::new()).unwrap() {
        let event = event.unwrap();
        assert_eq!(event.position.get(), n + 1);
        assert_eq!(event.stream, format!("s-{}", n % 7));
        assert_eq!(event.payload, n.to_le_bytes());
        assert_eq!(event.tags, ["t:1", "t:2"]);
        n += 1;
    }
    assert_eq!(n, 1000);
    let back: Vec<_> = store
        .read_stream("s-3", Read::new().backward().limit(300))
        .unwrap()
        .map(|event| event.unwrap().version.get())
        .collect();
    assert_eq!(back.len(), 143);
    assert!(back.is_sorted_by(|a, b| a > b));
    let report = store.verify().unwrap();
    assert!(report.is_whole(), "{report:?}");
}
