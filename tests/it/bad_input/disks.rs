//! Files that may not be written, or not even read.

use crate::fixture::{Mounted, Place, assert_says, note, texts};
use crate::processes::Other;
use annals::storage::Access;
use annals::{ErrorKind, Options, Read, Store};
use std::fs;
use std::path::Path;

#[test]
#[cfg(unix)]
fn a_store_without_permission_is_refused_and_says_how_to_look_at_it() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with(&["1"]);
    let before = place.bytes();
    let allow = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(place.folder(), 0o755);
    allow(&place.path(), 0o600);
    // This user may be allowed everything; that one is not.
    let mut nobody = match Other::start_as_nobody("open", &place.path()) {
        Ok(nobody) => nobody,
        Err(error) => {
            println!("skipped: nobody can't be anybody here: {error}");
            return;
        }
    };
    for order in ["write", "look"] {
        let answer = nobody.ask(order);
        assert!(answer.starts_with("Io") && answer.contains("ermission denied"), "{answer}");
    }
    allow(&place.path(), 0o644);
    let answer = nobody.ask("write");
    assert!(
        answer.contains("ermission denied") && answer.contains("open it read-only"),
        "{answer}"
    );
    assert_eq!(nobody.ask("look"), "opened at 1");
    assert_eq!(place.bytes(), before);
    // The folder may not be written either.
    fs::remove_file(place.path()).unwrap();
    let answer = nobody.ask("write");
    assert!(answer.starts_with("Io") && answer.contains("creating the store"), "{answer}");
}

#[test]
fn a_store_on_a_read_only_disk_can_be_looked_at_only() {
    let Some(disk) = Mounted::new(1 << 20) else { return };
    let path = disk.file("a.annals");
    let store = Store::open(&path).unwrap();
    store.append("a", 0, [note("1")]).unwrap();
    store.close().unwrap();
    drop(store);
    let before = fs::read(&path).unwrap();
    disk.remount("ro");
    let refused = Store::open(&path).unwrap_err();
    assert_says(&refused, ErrorKind::Io, &["opening the store", "open it read-only"]);
    let refused = Store::open(disk.file("new.annals")).unwrap_err();
    assert_says(&refused, ErrorKind::Io, &["creating the store", "new.annals"]);
    let looking = Store::open_read_only(&path).unwrap();
    assert_eq!(texts(&looking), ["1"]);
    assert!(looking.verify().unwrap().is_whole());
    assert_eq!(fs::read(&path).unwrap(), before);
    disk.remount("rw");
    assert_eq!(texts(&Store::open(&path).unwrap()), ["1"]);
}

#[test]
fn a_file_that_is_cut_while_it_is_open_gives_an_error_where_it_is_not_mapped() {
    let place = Place::new();
    let options = Options::new().without_keeper().access(Access::Read);
    let store = options.open(place.path()).unwrap();
    store.append("a", 0, [note("1"), note("x".repeat(40_000)), note("3")]).unwrap();
    let looking = options.open_read_only(place.path()).unwrap();
    let file = fs::OpenOptions::new().write(true).open(place.path()).unwrap();
    file.set_len(30_000).unwrap();
    for store in [&store, &looking] {
        let mut cursor = store.read_all(Read::new()).unwrap();
        assert_eq!(cursor.next_event().unwrap().unwrap().payload, b"1");
        let refused = cursor.next_event().unwrap_err();
        assert_says(&refused, ErrorKind::Corrupt, &["position 2", "up to position 1"]);
        assert_eq!(store.event(3).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    assert!(!store.verify().unwrap().is_whole());
}
