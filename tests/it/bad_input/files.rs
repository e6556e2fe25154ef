//! Files that are no store, or not one that can be opened.

use crate::fixture::{
    COMPATIBLE, FORMAT_VERSION, INCOMPATIBLE, PAGE, Place, READ_COMPATIBLE, assert_says, note,
    reseal_header, reseal_slots, texts,
};
use annals::{Ending, ErrorKind, Options, Store};
use std::process::Command;

#[test]
fn a_file_that_is_not_annals_is_refused_and_left_alone() {
    let place = Place::new();
    let mut noise = vec![0; 20_000];
    let mut state = 1_u32;
    for byte in &mut noise {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = state.to_le_bytes()[3];
    }
    for bytes in [b"SQLite format 3\0".to_vec(), b"x".to_vec(), noise, vec![0; 100_000]] {
        place.put(&bytes);
        for refused in place.refusals() {
            assert_says(&refused, ErrorKind::NotAnnals, &["not an Annals store"]);
        }
    }
}

#[test]
fn an_empty_file_is_refused_with_the_advice_to_remove_it() {
    let place = Place::new();
    place.put(&[]);
    for refused in place.refusals() {
        assert_says(&refused, ErrorKind::NotAnnals, &["empty", "remove it"]);
    }
    std::fs::remove_file(place.path()).unwrap();
    place.store().append("a", 0, [note("1")]).unwrap();
}

#[test]
fn a_newer_format_is_refused_with_the_advice_to_update() {
    let mut of_header = Place::with(&["1"]).bytes();
    of_header[FORMAT_VERSION].copy_from_slice(&7_u32.to_le_bytes());
    reseal_header(&mut of_header);
    let mut of_slots = Place::with(&["1"]).bytes();
    reseal_slots(&mut of_slots, FORMAT_VERSION, &7_u32.to_le_bytes());
    for bytes in [of_header, of_slots] {
        let place = Place::new();
        place.put(&bytes);
        for refused in place.refusals() {
            assert_says(&refused, ErrorKind::Newer, &["version 7", "update"]);
        }
    }
}

#[test]
fn a_version_that_fails_its_check_is_damage_not_news() {
    let place = Place::with(&["1", "2"]);
    let mut bytes = place.bytes();
    bytes[FORMAT_VERSION].copy_from_slice(&7_u32.to_le_bytes());
    place.put(&bytes);
    // The slots repeat what page 0 says.
    let store = place.store();
    assert!(store.recovery_report().header_damaged);
    assert_eq!(texts(&store), ["1", "2"]);
}

#[test]
fn an_unknown_feature_that_may_not_be_ignored_is_refused() {
    for flags in [INCOMPATIBLE, READ_COMPATIBLE] {
        for bit in [0_u64, 5, 63] {
            let place = Place::with(&["1"]);
            let mut bytes = place.bytes();
            reseal_slots(&mut bytes, flags.clone(), &(1_u64 << bit).to_le_bytes());
            place.put(&bytes);
            let refused = Store::open(place.path()).unwrap_err();
            let name = format!("{:#x}", 1_u64 << bit);
            assert_says(&refused, ErrorKind::Newer, &[&name, "update"]);
            assert_eq!(place.bytes(), bytes);
            if flags == INCOMPATIBLE {
                let refused = Store::open_read_only(place.path()).unwrap_err();
                assert_says(&refused, ErrorKind::Newer, &[&name, "update"]);
            }
        }
    }
}

#[test]
fn an_unknown_feature_that_readers_may_ignore_does_not_stop_them() {
    let place = Place::with(&["1", "2"]);
    let mut bytes = place.bytes();
    reseal_slots(&mut bytes, READ_COMPATIBLE, &4_u64.to_le_bytes());
    place.put(&bytes);
    assert_eq!(texts(&Store::open_read_only(place.path()).unwrap()), ["1", "2"]);
    assert_eq!(place.bytes(), bytes);
}

#[test]
fn an_unknown_feature_that_may_be_ignored_is() {
    let place = Place::with(&["1", "2"]);
    let mut bytes = place.bytes();
    reseal_slots(&mut bytes, COMPATIBLE, &u64::MAX.to_le_bytes());
    place.put(&bytes);
    assert_eq!(texts(&place.store()), ["1", "2"]);
}

#[test]
fn a_file_cut_anywhere_is_refused_or_whole() {
    for closed in [true, false] {
        let place = Place::new();
        let options = Options::new().without_keeper().segments(4_096, 8_192);
        let store = options.open(place.path()).unwrap();
        let wanted: Vec<String> = (0..12).map(|nth| format!("{nth:0>500}")).collect();
        for text in &wanted {
            store.append("a", annals::ExpectedVersion::Any, [note(text.as_str())]).unwrap();
        }
        if closed {
            store.close().unwrap();
        }
        let whole = place.bytes();
        let cut = Place::new();
        for length in (0..whole.len()).step_by(512).chain([1, 7, 8, 4_095, 8_191, whole.len() - 1])
        {
            cut.put(&whole[..length]);
            match Store::open(cut.path()) {
                Err(error) => {
                    let kinds = [ErrorKind::NotAnnals, ErrorKind::Corrupt];
                    assert!(kinds.contains(&error.kind()), "{length}: {error}");
                    assert_eq!(cut.bytes(), whole[..length], "a refused opening has written");
                    reads_a_part_and_says_so(&cut, &wanted);
                }
                Ok(store) => {
                    assert_eq!(texts(&store), wanted, "cut to {length} bytes");
                    store.close().unwrap();
                }
            }
        }
    }
}

/// Opened to look, a cut store gives the events before the cut, and says that it is damaged.
fn reads_a_part_and_says_so(place: &Place, wanted: &[String]) {
    if let Ok(store) = Store::open_read_only(place.path()) {
        assert_eq!(store.recovery_report().ending, Ending::Damaged);
        let found = texts(&store);
        assert_eq!(found, wanted[..found.len()]);
    }
}

#[test]
fn a_cut_store_says_how_long_it_should_be() {
    let place = Place::with(&["1"]);
    let whole = place.bytes();
    // Within the only segment.
    let length = 8 * PAGE;
    place.put(&whole[..length]);
    let refused = Store::open(place.path()).unwrap_err();
    let said = length.to_string();
    assert_says(&refused, ErrorKind::Corrupt, &["ends after", &said, "read-only"]);
    assert_eq!(refused.corruption().unwrap().file_offset, Some(length as u64));
}

#[test]
fn a_store_of_which_only_the_index_is_cut_has_everything_and_says_so() {
    let place = Place::with(&["1", "2"]);
    let whole = place.bytes();
    place.put(&whole[..whole.len() - PAGE]);
    for opening in [Store::open_read_only, Store::open] {
        let store = opening(place.path()).unwrap();
        assert_eq!(texts(&store), ["1", "2"]);
        assert_eq!(store.verify().unwrap().issues.len(), 1);
        assert_eq!(store.stats().unwrap().index.healed, 1);
    }
    // Once the damage is known, the run is written anew.
    let store = Store::open(place.path()).unwrap();
    assert_eq!(store.verify().unwrap().issues.len(), 1);
    store.chore(annals::Chore::Index).unwrap();
    assert!(store.verify().unwrap().is_whole());
}

#[test]
fn a_folder_is_refused() {
    let place = Place::new();
    for opened in [Store::open(place.folder()), Store::open_read_only(place.folder())] {
        let refused = opened.unwrap_err();
        assert_says(&refused, ErrorKind::Io, &["opening the store", "directory"]);
    }
}

#[test]
fn a_pipe_is_refused_and_does_not_hang() {
    let place = Place::new();
    match Command::new("mkfifo").arg(place.path()).status() {
        Ok(status) if status.success() => {}
        other => {
            println!("skipped: no pipe can be made here: {other:?}");
            return;
        }
    }
    for opened in [Store::open(place.path()), Store::open_read_only(place.path())] {
        let refused = opened.unwrap_err();
        assert_says(&refused, ErrorKind::Io, &["opening the store", "not a regular file"]);
    }
}

#[test]
fn a_file_that_is_not_there_is_not_found_where_none_may_be_made() {
    let place = Place::new();
    let nowhere = place.file("no/such/folder/a.annals");
    for opened in [
        Options::new().create(false).open(place.path()),
        Store::open_read_only(place.path()),
        Store::open(&nowhere),
        Store::open_read_only(&nowhere),
    ] {
        assert_says(&opened.unwrap_err(), ErrorKind::NotFound, &["a.annals"]);
    }
    assert_eq!(std::fs::read_dir(place.folder()).unwrap().count(), 0);
}

#[test]
fn nothing_is_left_beside_a_new_store() {
    let place = Place::new();
    let store = place.store();
    store.append("a", 0, [note("1")]).unwrap();
    assert!(std::fs::metadata(place.path()).unwrap().len() <= 128 << 10);
    store.close().unwrap();
    assert_eq!(std::fs::read_dir(place.folder()).unwrap().count(), 1);
}

#[test]
fn a_store_in_use_is_locked_for_others_in_this_process() {
    let place = Place::new();
    let store = place.store();
    store.append("a", 0, [note("1")]).unwrap();
    let before = place.bytes();
    let linked = place.file("linked.annals");
    std::fs::hard_link(place.path(), &linked).unwrap();
    for path in [place.path(), linked] {
        let refused = Store::open(path).unwrap_err();
        assert_says(&refused, ErrorKind::Locked, &["this process", "close it", "read-only"]);
        assert_eq!(refused.holder(), Some(std::process::id()));
    }
    assert_eq!(place.bytes(), before);
    // Those who only look are let in.
    assert_eq!(texts(&Store::open_read_only(place.path()).unwrap()), ["1"]);
    // A refused opener has not freed the lock of the first.
    assert_eq!(Store::open(place.path()).unwrap_err().kind(), ErrorKind::Locked);
    store.append("a", 1, [note("2")]).unwrap();
    drop(store);
    assert_eq!(texts(&place.store()), ["1", "2"]);
}
