//! Files of a mebibyte that were made to be dear: they take less than 64 MiB of memory and less
//! than two seconds, whatever comes of them. Each is salvaged in a process of its own.

use super::forge::{FIRST, Forge, Head};
use crate::fixture::PAGE;
use annals::storage::{MemoryStorage, Storage};
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FILE: &str = "ANNALS_TEST_HOSTILE";
const MIB: usize = 1 << 20;
const MOST_MEMORY: u64 = 64 << 20;
const MOST_TIME: Duration = Duration::from_secs(2);

/// Salvages the file that it is given. In a usual run of the tests there is none.
#[test]
fn hostile_child() {
    let Ok(path) = std::env::var(FILE) else { return };
    let from: Arc<dyn Storage> = Arc::new(MemoryStorage::from_bytes(std::fs::read(path).unwrap()));
    let to: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let before = memory("VmRSS:");
    let begun = (Instant::now(), processor_time());
    let report = annals::Store::salvage_storage(&from, &to, |_, _| ControlFlow::Continue(()));
    let took = processor_time().zip(begun.1).map(|(end, begun)| end.saturating_sub(begun));
    let took = took.unwrap_or(begun.0.elapsed());
    let events = report.map_or(0, |report| report.events);
    println!("took {} {} {events}", took.as_micros(), memory("VmHWM:").saturating_sub(before));
}

/// How long this thread has had a processor, if the system tells: others may want it too.
fn processor_time() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// Bytes of this process.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Salvages a file, within bounds, as it is, and without slots, so that everything that is whole is
/// taken; how many events came of that.
#[track_caller]
fn salvages(mut forge: Forge) -> u64 {
    salvages_one(&forge);
    forge.file[PAGE..3 * PAGE].fill(0);
    salvages_one(&forge)
}

#[track_caller]
fn salvages_one(forge: &Forge) -> u64 {
    assert_eq!(forge.file.len(), MIB);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.annals");
    std::fs::write(&path, &forge.file).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["salvage::hostile::hostile_child", "--exact", "--nocapture"])
        .env(FILE, &path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let line = said.lines().find_map(|line| line.split("took ").nth(1)).unwrap();
    let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
    let [micros, memory, events] = numbers[..] else { panic!("{line}") };
    println!("{micros} us, {} KiB, {events} events", memory >> 10);
    assert!(Duration::from_micros(micros) < MOST_TIME, "took {micros} us");
    // Where nobody tells how much memory a process takes, it is 0.
    assert!(memory < MOST_MEMORY, "took {memory} bytes");
    events
}

/// From the first frame on to the end of the file.
const ROOM: usize = MIB - FIRST.0;

#[test]
fn headers_of_frames_everywhere() {
    let mut forge = Forge::new(MIB);
    for nth in 0..ROOM / 96 {
        let at = FIRST.1 + 96 * nth as u64;
        let head = Head { at, epoch: 2, length: 96, first: 1 + nth as u64, ..Head::default() };
        forge.head(FIRST.0 + 96 * nth, head);
    }
    assert_eq!(salvages(forge), 0);
}

#[test]
fn frames_that_all_claim_to_reach_to_the_end() {
    let mut forge = Forge::new(MIB);
    for nth in 0..ROOM / 96 {
        let done = 96 * nth;
        let head = Head {
            at: FIRST.1 + done as u64,
            epoch: 1 + nth as u64,
            length: (ROOM - done) as u32 / 8 * 8,
            records: u32::MAX,
            events: u32::MAX,
            first: 1,
            ..Head::default()
        };
        forge.head(FIRST.0 + done, head);
    }
    assert_eq!(salvages(forge), 0);
}

#[test]
fn positions_at_the_end_of_numbers() {
    let mut forge = Forge::new(MIB);
    for nth in 0..ROOM / 96 {
        let head = Head {
            at: FIRST.1 + 96 * nth as u64,
            epoch: u64::MAX - 1,
            length: 96,
            records: u32::MAX,
            events: u32::MAX,
            first: (1 << 62) + ((nth as u64) << 40),
            watermark: FIRST.1,
            ..Head::default()
        };
        forge.head(FIRST.0 + 96 * nth, head);
    }
    assert_eq!(salvages(forge), 0);
}

#[test]
fn tags_of_headers_and_nothing_behind_them() {
    for tag in [b"ANFR", b"ANST", b"ANSG"] {
        let mut forge = Forge::new(MIB);
        for at in (FIRST.0..MIB).step_by(8) {
            forge.file[at..at + 4].copy_from_slice(tag);
        }
        assert_eq!(salvages(forge), 0);
    }
}

/// A frame that fills the file, in which nothing is whole but its header.
fn one_frame(events: u32) -> Forge {
    let mut forge = Forge::new(MIB);
    let head = Head {
        at: FIRST.1,
        epoch: 2,
        length: ROOM as u32,
        records: events,
        events,
        first: 1,
        watermark: FIRST.1,
        ..Head::default()
    };
    forge.head(FIRST.0, head);
    forge
}

#[test]
fn events_that_all_claim_to_reach_to_the_end() {
    let mut forge = one_frame(1 << 20);
    let mut at = 96;
    while at + 48 < ROOM {
        let payload = (ROOM - at - 48) as u32;
        forge.event(FIRST.0 + at, (0, at as u32), (0, &[]), payload, None);
        at += 40;
    }
    assert_eq!(salvages(forge), 0);
}

#[test]
fn small_events_none_of_which_is_whole() {
    let mut forge = one_frame(1 << 20);
    for at in (96..ROOM - 40).step_by(40) {
        forge.event(FIRST.0 + at, (0, at as u32), (0, &[]), 0, None);
    }
    assert_eq!(salvages(forge), 0);
}

/// At each multiple of 8 a name may begin, and its text goes on for long.
#[test]
fn names_that_all_go_on_for_long() {
    let mut forge = one_frame(0);
    for at in (FIRST.0 + 96..MIB).step_by(8) {
        forge.file[at..at + 8].copy_from_slice(b"abc\xC2\xA1a\xFF\x03");
        forge.file[at + 3..at + 8].copy_from_slice(&[0xC2, 0xA1, b'a', 0x7F, 0x03]);
    }
    assert_eq!(salvages(forge), 0);
}

#[test]
fn segments_that_all_claim_to_reach_to_the_end() {
    let mut forge = Forge::new(MIB);
    for at in (5 * PAGE..MIB).step_by(PAGE) {
        forge.segment(at, MIB - at, (at * 3) as u64);
        // And a frame in each, which fits.
        let head = Head {
            at: (at * 3) as u64 + 64,
            epoch: 2,
            length: (MIB - at - 64) as u32,
            records: 1,
            events: 1,
            first: at as u64,
            ..Head::default()
        };
        forge.head(at + 64, head);
    }
    assert_eq!(salvages(forge), 0);
}

#[test]
fn ends_of_segments_that_lead_everywhere() {
    let mut forge = Forge::new(MIB);
    for nth in 0..ROOM / 96 {
        let head = Head {
            at: FIRST.1 + 96 * nth as u64,
            epoch: 2,
            length: 96,
            first: 1,
            next_segment: Some((nth * PAGE) as u64),
            ..Head::default()
        };
        forge.head(FIRST.0 + 96 * nth, head);
    }
    assert_eq!(salvages(forge), 0);
}

/// A few long names, and many events that refer to all of them: written out they are hundreds of
/// times as long as the file.
#[test]
fn events_that_refer_to_long_names_again_and_again() {
    let mut forge = one_frame(0);
    let (mut at, mut names) = (96, Vec::new());
    for nth in 0..129_u8 {
        let text = [b'a' + nth % 26, b'a' + nth / 26].repeat(512);
        names.push((64 + at) as u32);
        at += forge.name(FIRST.0 + at, &text, FIRST.1 + at as u64);
    }
    let mut events = 0;
    while at + 552 < ROOM {
        let place = (FIRST.1 + at as u64, at as u32);
        let named = (names[0], &names[1..]);
        at += forge.event(FIRST.0 + at, place, named, 0, Some(1 + events));
        events += 1;
    }
    let head = Head {
        at: FIRST.1,
        epoch: 2,
        length: ROOM as u32,
        records: 129 + events as u32,
        events: events as u32,
        first: 1,
        watermark: FIRST.1,
        ..Head::default()
    };
    forge.head(FIRST.0, head);
    assert!(events > 1_000);
    assert_eq!(salvages(forge), events);
}

/// The same event over and over, in commits of its own, each in an epoch of its own.
#[test]
fn commits_in_as_many_epochs() {
    let mut forge = Forge::new(MIB);
    let name = forge.name(FIRST.0 + 96, b"name", FIRST.1 + 96);
    let (mut at, mut nth, mut before) = (0, 0, 0);
    while at + 200 < ROOM {
        let names = if nth == 0 { name } else { 0 };
        let head = Head {
            at: FIRST.1 + at as u64,
            epoch: 2 + nth,
            length: (96 + names + 40) as u32,
            records: 1 + u32::from(nth == 0),
            events: 1,
            first: 1 + nth,
            watermark: FIRST.1 + at as u64,
            before,
            ..Head::default()
        };
        before = forge.head(FIRST.0 + at, head);
        let record = at + 96 + names;
        let place = (FIRST.1 + record as u64, (record - at) as u32);
        forge.event(FIRST.0 + record, place, (64 + 96, &[]), 0, Some(1 + nth));
        at = record + 40;
        nth += 1;
    }
    // The records' checks of their frames are wrong, but each is right by itself.
    assert_eq!(salvages(forge), nth);
}
