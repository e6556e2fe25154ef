//! Files that may not be written, or not even read.

use crate::fixture::{Mounted, Place, assert_says, note, texts};
use annals::{ErrorKind, Store};
use std::fs;

#[test]
#[cfg(unix)]
fn a_store_without_permission_is_refused_and_says_how_to_look_at_it() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with(&["1"]);
    let allow = |mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(place.path(), permissions).unwrap();
    };
    allow(0o000);
    if fs::File::open(place.path()).is_ok() {
        println!("skipped: this user may open everything");
        return;
    }
    for opened in [Store::open(place.path()), Store::open_read_only(place.path())] {
        assert_says(&opened.unwrap_err(), ErrorKind::Io, &["ermission"]);
    }
    allow(0o444);
    let refused = Store::open(place.path()).unwrap_err();
    assert_says(&refused, ErrorKind::Io, &["ermission", "open it read-only"]);
    assert_eq!(texts(&Store::open_read_only(place.path()).unwrap()), ["1"]);
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
