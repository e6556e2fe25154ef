//! A disk that is full. It is a small one in memory, mounted for the test, which root of a Linux
//! can do; elsewhere the tests say why they are skipped.

use crate::fixture::{Place, SAMPLE};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A small disk at this folder; it is gone when it is dropped.
struct Disk<'p>(&'p Path);

impl<'p> Disk<'p> {
    fn new(folder: &'p Path, size: &str) -> Option<Self> {
        fs::create_dir(folder).unwrap();
        let option = format!("size={size}");
        let run = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &option, "tmpfs"])
            .arg(folder)
            .output();
        match run {
            Ok(run) if run.status.success() => Some(Self(folder)),
            Ok(run) => {
                println!("skipped: no disk: {}", String::from_utf8_lossy(&run.stderr));
                None
            }
            Err(error) => {
                println!("skipped: there is no `mount`: {error}");
                None
            }
        }
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_is_told_as_that_and_what_was_there_stays_whole() {
    let place = Place::with_flights();
    let folder = place.file("disk");
    let Some(_disk) = Disk::new(&folder, "1m") else { return };
    for words in [
        &["import", "disk/a.annals", SAMPLE][..],
        &["export", "flights.annals", "-o", "disk/out.jsonl"],
        &["backup", "flights.annals", "disk/copy.annals"],
        &["salvage", "flights.annals", "disk/saved.annals"],
    ] {
        let said = place.fails(2, words);
        assert!(said.contains("No space left") || said.contains("no room"), "{words:?}: {said}");
    }
    // What was imported before there was no room is whole, and goes on when there is.
    place.does(&["verify", "disk/a.annals"]);
    let names = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["a.annals"]);
    let larger = Command::new("mount").args(["-o", "remount,size=32m"]).arg(&folder).status();
    assert!(larger.unwrap().success());
    place.does(&["import", "disk/a.annals", SAMPLE]);
    place.does(&["diff", "flights.annals", "disk/a.annals"]);
}
