//! Stores that can't be opened, or not whole; and disks that are full.

use crate::fixture::{Place, SAMPLE, said, text};
use annals_fuzz::layout::header;
use annals_fuzz::seal::reseal_header;
use std::fs;

#[test]
fn a_store_that_somebody_writes_can_be_looked_at_but_not_written() {
    let place = Place::with(&["one"]);
    let writer = place.store("a.annals");
    for words in [
        &["append", "a.annals", "--stream", "a", "--type", "T"][..],
        &["import", "a.annals", SAMPLE],
        &["replay", "a.annals", "--run", "cat", "--checkpoint", "x"],
        &["salvage", "a.annals", "b.annals"],
    ] {
        let said = place.fails(5, words);
        assert!(said.contains("open"), "{words:?}: {said}");
    }
    for words in [
        &["read", "a.annals"][..],
        &["tail", "a.annals"],
        &["stats", "a.annals"],
        &["streams", "a.annals"],
        &["verify", "a.annals"],
        &["backup", "a.annals", "copy.annals"],
        &["replay", "a.annals", "--run", "cat"],
    ] {
        place.does(words);
    }
    writer.close().unwrap();
}

#[test]
fn what_is_no_store_is_told_so_and_stays_as_it_is() {
    let place = Place::new();
    place.write("a.annals", "something else entirely");
    for verb in ["read", "stats", "verify", "streams", "documents"] {
        let said = place.fails(2, &[verb, "a.annals"]);
        assert!(said.contains("not an Annals store"), "{verb}: {said}");
    }
    place.fails(2, &["import", "a.annals", SAMPLE]);
    place.fails(2, &["append", "a.annals", "--stream", "a", "--type", "T"]);
    assert_eq!(fs::read(place.file("a.annals")).unwrap(), b"something else entirely");
    for verb in ["read", "stats", "verify"] {
        let said = place.fails(2, &[verb, "missing.annals"]);
        assert!(said.contains("missing.annals"), "{verb}: {said}");
    }
    place.fails(2, &["read", "."]);
}

#[test]
fn a_newer_store_says_what_reads_it() {
    let place = Place::with(&["one"]);
    let path = place.file("a.annals");
    let mut bytes = fs::read(&path).unwrap();
    bytes[header::FORMAT_VERSION].copy_from_slice(&7_u32.to_le_bytes());
    reseal_header(&mut bytes);
    fs::write(&path, bytes).unwrap();
    let said = place.fails(2, &["read", "a.annals"]);
    assert!(said.contains("a newer `annals` reads it"), "{said}");
}

#[test]
fn a_damaged_store_is_shown_up_to_the_damage_and_says_so() {
    let place = Place::with(&["one", "two", "three"]);
    let path = place.file("a.annals");
    let whole = fs::read(&path).unwrap();
    let read = |words: &[&str]| {
        let run = place.annals(words).assert();
        let lines = text(&run.get_output().stdout).lines().count();
        (run.get_output().status.code(), lines, said(run))
    };
    // A record.
    let mut bytes = whole.clone();
    let at = bytes.windows(3).position(|bytes| bytes == b"two").unwrap();
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let (code, lines, said) = read(&["read", "a.annals"]);
    assert_eq!((code, lines), (Some(2), 1), "{said}");
    assert!(said.contains("the record of position 2 fails its check"), "{said}");
    assert!(said.contains("`salvage` gets the rest out"), "{said}");
    // Both slots: what tells where everything is.
    let mut bytes = whole;
    bytes[4_096..12_288].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    let (code, lines, said) = read(&["read", "a.annals"]);
    assert_eq!((code, lines), (Some(2), 3), "{said}");
    assert!(said.contains("a.annals is damaged, and shown up to the damage"), "{said}");
    let said = place.fails(2, &["append", "a.annals", "--stream", "a", "--type", "T"]);
    assert!(said.contains("`salvage` gets the rest out"), "{said}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
    let said = place.annals(&["verify", "a.annals"]).assert().code(1);
    assert!(text(&said.get_output().stdout).contains("problem: "));
}

#[test]
fn what_is_read_of_a_store_whose_end_is_missing_is_not_all_and_ends_so() {
    let place = Place::with_flights();
    let bytes = fs::read(place.file("flights.annals")).unwrap();
    // Left as a writer leaves it that is killed, and cut in the middle of the log.
    let store = place.store("a.annals");
    for nth in 0..200 {
        let event = annals::NewEvent::new("Noted", format!("{nth} ").repeat(100));
        store.append(format!("s-{nth}"), annals::ExpectedVersion::NoStream, [event]).unwrap();
    }
    store.chore(annals::Chore::Mark).unwrap();
    fs::write(place.file("cut.annals"), &fs::read(place.file("a.annals")).unwrap()[..60_000])
        .unwrap();
    store.close().unwrap();
    for words in [
        &["read", "cut.annals"][..],
        &["export", "cut.annals"],
        &["tail", "cut.annals"],
        &["streams", "cut.annals"],
        &["types", "cut.annals"],
        &["replay", "cut.annals", "--run", "cat"],
        &["diff", "cut.annals", "cut.annals"],
        // It stood behind the damage.
        &["read", "cut.annals", "--stream", "s-199"],
        &["compact", "cut.annals", "small.annals"],
        &["backup", "cut.annals", "copy.annals"],
    ] {
        let said = place.fails(2, words);
        assert!(said.contains("damage") || said.contains("corrupt"), "{words:?}: {said}");
    }
    assert!(!place.file("small.annals").exists() && !place.file("copy.annals").exists());
    // What may be missing anyway is shown.
    place.does(&["stats", "cut.annals"]);
    // Nothing is made in the place of the store itself.
    for words in [
        &["export", "flights.annals", "-o", "flights.annals", "--force"][..],
        &["report", "flights.annals", "-o", "./flights.annals", "--force"],
    ] {
        assert!(place.fails(2, words).contains("is the store itself"));
    }
    assert_eq!(fs::read(place.file("flights.annals")).unwrap(), bytes);
}
