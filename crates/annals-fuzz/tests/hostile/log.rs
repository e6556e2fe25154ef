//! Logs that are as much as a megabyte can be.

use super::forge::{Forge, KEY, Place};
use super::{FILE, bear};
use annals_fuzz::layout::{FIRST_EXTENT, PAGE, frame, record, set, slot};
use annals_fuzz::seal::{Key, seal_record};

/// Room that is left for the end of a frame, and a stub.
const REST: usize = 200;

#[test]
fn as_many_frames_as_there_is_room_for() {
    let mut forge = Forge::new(FILE);
    while forge.left() > REST {
        forge.begin();
        forge.commit();
    }
    bear("empty frames", &forge.crashed());

    let mut forge = Forge::new(FILE);
    forge.begin();
    let name = forge.name(b"a");
    forge.event((name, name), &[], 1);
    forge.commit();
    while forge.left() > REST {
        forge.begin();
        let version = forge.position();
        forge.event((name, name), &[], version);
        forge.commit();
    }
    bear("frames of one event", &forge.closed());
}

#[test]
fn as_many_events_as_there_is_room_for() {
    for closed in [true, false] {
        let mut forge = Forge::new(FILE);
        forge.begin();
        let name = forge.name(b"a");
        while forge.left() > REST {
            let version = forge.position();
            forge.event((name, name), &[], version);
        }
        forge.commit();
        bear("events of one frame", &if closed { forge.closed() } else { forge.crashed() });
    }
}

#[test]
fn as_many_streams_as_there_is_room_for() {
    let mut forge = Forge::new(FILE);
    let mut nth = 0;
    while forge.left() > frame::LEN + 128 * 72 + REST {
        forge.begin();
        for _ in 0..128 {
            let stream = forge.name(format!("{nth:x}-{nth:x}").as_bytes());
            forge.event((stream, stream), &[stream], 1);
            nth += 1;
        }
        forge.commit();
    }
    bear("a stream, a type, a tag and a category for each event", &forge.crashed());
}

/// A log of events with as many tags as there can be, and where the first of them begins.
fn events_with_all_tags() -> (Forge, u64) {
    let mut forge = Forge::new(FILE);
    forge.begin();
    let tags: Vec<u32> =
        (0..128).map(|nth| forge.name(format!("{nth:01024}").as_bytes())).collect();
    forge.commit();
    let end = forge.here();
    let mut version = 1;
    while forge.left() > 10 * 600 + REST {
        forge.begin();
        for _ in 0..10 {
            forge.event((tags[0], tags[1]), &tags, version);
            version += 1;
        }
        forge.commit();
    }
    (forge, end)
}

#[test]
fn events_with_all_tags_there_can_be() {
    let (forge, _) = events_with_all_tags();
    bear("events with 128 tags of 1,024 bytes", &forge.crashed());
}

/// Incident: looking at a file of 1 MiB took 221 MiB. Mechanism: whoever only looks walks on behind
/// the end to see what is durable, and kept what he met until he knew, each name as often as an
/// event refers to it: 1,024 bytes for 4 of the file. Fix: he walks twice, and keeps nothing.
#[test]
fn a_closed_log_that_goes_on_behind_its_end() {
    let (mut forge, end) = events_with_all_tags();
    forge.slots(|slot| {
        set(slot, slot::CLEAN, 1);
        set(slot, slot::WATERMARK, end);
    });
    bear("events behind the end", &forge.crashed());
}

/// Incident: reading a file of 1 MiB through maps took 66 MiB. Mechanism: which names of a segment
/// were checked is remembered in pieces, for which room was made by the length that the segment
/// claims; and nobody asked whether segments share bytes. Fix: by the bytes that are mapped; two
/// segments that share bytes are corruption.
#[test]
fn segments_that_claim_four_gigabytes_each() {
    let mut forge = Forge::bare(FILE);
    let pages = (FILE / PAGE) as u64 - 4;
    let place = |nth: u64| Place {
        at: FIRST_EXTENT + nth as usize * PAGE,
        length: (1 << 32) - PAGE as u64,
        log_offset: nth * ((1 << 32) - PAGE as u64),
    };
    let mut before = Place::default();
    for nth in 0..pages {
        let here = place(nth);
        forge.segment(here, before);
        forge.begin();
        let name = forge.name(b"a");
        forge.event((name, name), &[], nth + 1);
        forge.commit();
        if nth + 1 < pages {
            forge.end(place(nth + 1).at);
        }
        before = here;
    }
    let named: Vec<Place> = (pages - 32..pages).map(place).collect();
    forge.name_segments(&named);
    bear("segments that overlap", &forge.crashed());
}

#[test]
fn segments_that_claim_the_same_bytes() {
    let mut forge = Forge::bare(FILE);
    let pages = (FILE / PAGE) as u64 - 4;
    // Each goes to the end of the file.
    let mut places = Vec::new();
    let mut log_offset = 0;
    for nth in 0..pages {
        let length = (pages - nth) * PAGE as u64;
        places.push(Place { at: FIRST_EXTENT + nth as usize * PAGE, length, log_offset });
        log_offset += length;
    }
    for (nth, here) in places.iter().enumerate() {
        forge.segment(*here, nth.checked_sub(1).map(|nth| places[nth]).unwrap_or_default());
        forge.begin();
        let name = forge.name(b"a");
        forge.event((name, name), &[], nth as u64 + 1);
        forge.commit();
        if let Some(next) = places.get(nth + 1) {
            forge.end(next.at);
        }
    }
    forge.name_segments(&places[places.len() - 32..]);
    bear("segments in one another", &forge.crashed());
}

/// Bytes of a cell of [`nested_names`].
const CELL: usize = 8;
/// Cells at the end that are text only.
const LAST: usize = 120;

/// Names that stand in one another's texts: each 8 bytes begin another one, of some 800 bytes. A
/// cell is at once the head of a name (its check, tag, a letter, a length) and text of the names
/// before it: three letters and a letter of two bytes that ends in a name's tag, then three more.
/// Returns the references to those that have a right check.
fn nested_names(forge: &mut Forge, cells: usize) -> Vec<u32> {
    let begin = forge.at();
    let key = Key::new(KEY);
    forge.bytes[begin..begin + cells * CELL].copy_from_slice(&b"aaa\xc2\xa1aA\x03".repeat(cells));
    let mut references = Vec::new();
    // From the last to the first, each gets the check that its bytes ask for, if that is text.
    for cell in (0..cells - LAST).rev() {
        let at = begin + cell * CELL;
        let log_offset = forge.log_offset(at);
        let is_text = |check: &[u8]| {
            check[..3].iter().all(|byte| (1..128).contains(byte))
                && (0xC2..0xE0).contains(&check[3])
        };
        let bytes = &mut forge.bytes[at..];
        // Lengths that end with a letter, and letters: one of them will do.
        let ways = (0x30..0x60).filter(|length| length % 8 != 4);
        let found = ways.flat_map(|length| (1..128).map(move |letter| (letter, length))).any(
            |(letter, length)| {
                (bytes[5], bytes[6]) = (letter, length);
                seal_record(bytes, log_offset, 0, &key) && is_text(&bytes[..4])
            },
        );
        if found {
            references.push((at - forge.segment_at()) as u32);
        } else {
            bytes[..4].copy_from_slice(b"aaa\xc2");
        }
    }
    references
}

/// Incident: opening a file of 1 MiB took 254 MiB, and listing its tags 57 seconds. Mechanism: a
/// reference leads to any place of a segment, so names may lie in one another's texts, 800 bytes
/// for 8 of the file; and a table sorted all its names for each few that were listed. Fix: names of
/// a segment that take more than it has are none; only those that are given are sorted.
#[test]
fn names_within_names() {
    let mut forge = Forge::new(FILE);
    forge.begin();
    let cells = 50_000;
    let mut references = nested_names(&mut forge, cells);
    // Those that follow one another are records; none goes on behind the last of these.
    forge.names_to(forge.at() + (cells - LAST) * CELL);
    references.retain(|reference| forge.segment_at() + *reference as usize + 1_000 < forge.at());
    println!("{} names of some 800 bytes", references.len());
    for (tags, version) in references.chunks(128).zip(1..) {
        forge.event((references[0], references[0]), tags, version);
    }
    forge.commit();
    bear("names within names", &forge.crashed());
}

#[test]
fn as_many_documents_as_there_is_room_for() {
    for keys in [1, usize::MAX] {
        let mut forge = Forge::new(FILE);
        let (mut revision, mut before) = (1, 0);
        while forge.left() > frame::LEN + 64 + REST {
            forge.begin();
            // With one key, each commit has one of it: a chain.
            for _ in 0..(if keys == 1 { 1 } else { 128 }) {
                if forge.left() <= 64 + REST {
                    break;
                }
                let here = forge.here();
                let key = format!("{:x}", if keys == 1 { 0 } else { here });
                forge.document(key.as_bytes(), b"", revision, before);
                if keys == 1 {
                    (revision, before) = (revision + 1, here);
                }
            }
            forge.commit();
        }
        bear(if keys == 1 { "changes of a document" } else { "documents" }, &forge.crashed());
    }
}

/// Lengths and counts of frames and records at their maximum, the bytes behind them ready to be
/// taken for theirs; in a segment that is as long as the file, and in one that claims more.
#[test]
fn lengths_at_the_maximum() {
    let fields = [frame::LENGTH, frame::RECORD_COUNT, frame::EVENT_COUNT];
    let numbers = [65_536, 200 << 20, u64::from(u32::MAX) - 7, u64::from(u32::MAX)];
    let rooms = [FILE - FIRST_EXTENT, (1 << 32) - PAGE].map(|room| room as u64);
    for (field, number, room) in fields.into_iter().flat_map(|field| {
        let each = numbers.into_iter().flat_map(|number| rooms.map(|room| (number, room)));
        each.map(move |(number, room)| (field.clone(), number, room))
    }) {
        let mut forge = Forge::new(FILE);
        let claimed = Place { at: FIRST_EXTENT, length: room, log_offset: 0 };
        forge.segment(claimed, Place::default());
        forge.begin();
        let name = forge.name(b"a");
        forge.event((name, name), &[], 1);
        let at = forge.commit();
        forge.begin();
        forge.event((name, name), &[], 2);
        forge.commit();
        set(&mut forge.bytes[at..], field.clone(), number);
        bear(&format!("{field:?} is {number} in {room} bytes"), &forge.crashed());
    }
    for (field, document) in [
        (record::EVENT_PAYLOAD_LENGTH, false),
        (record::VALUE_LENGTH, true),
        (record::KEY_LENGTH, true),
    ] {
        let mut forge = Forge::new(FILE);
        forge.begin();
        let name = forge.name(b"a");
        let at = forge.at();
        if document {
            forge.document(b"key", b"value", 1, 0);
        } else {
            forge.event((name, name), &[], 1);
        }
        forge.commit();
        set(&mut forge.bytes[at..], field.clone(), u32::MAX.into());
        bear(&format!("a record's {field:?}"), &forge.crashed());
    }
}

#[test]
fn as_many_segments_as_there_is_room_for() {
    let mut forge = Forge::bare(FILE);
    let count = FILE / PAGE - 4;
    // In the file they stand in the other order.
    let place = |nth: usize| Place {
        at: FILE - (nth + 1) * PAGE,
        length: PAGE as u64,
        log_offset: (nth * PAGE) as u64,
    };
    let mut before = Place::default();
    for nth in 0..count {
        forge.segment(place(nth), before);
        forge.begin();
        let name = forge.name(b"a");
        forge.event((name, name), &[], nth as u64 + 1);
        forge.commit();
        if nth + 1 < count {
            forge.end(place(nth + 1).at);
        }
        before = place(nth);
    }
    forge.name_segments(&(count - 32..count).map(place).collect::<Vec<_>>());
    bear("segments", &forge.crashed());
}

/// Headers that name one another, or themselves, as the segment before.
#[test]
fn segments_in_a_circle() {
    for ring in [1, 2, 32] {
        let mut forge = Forge::bare(FILE);
        let place = |nth: usize| Place {
            at: FIRST_EXTENT + nth % ring * PAGE,
            length: PAGE as u64,
            log_offset: ((nth + 1) * PAGE) as u64,
        };
        for nth in 0..ring {
            let before = Place { log_offset: (nth * PAGE) as u64, ..place(nth + ring - 1) };
            forge.segment(place(nth), before);
        }
        forge.name_segments(&(0..ring).map(place).collect::<Vec<_>>());
        bear(&format!("a circle of {ring}"), &forge.crashed());
        // A segment without bytes, or of less than its header.
        let mut forge = Forge::new(FILE);
        let none = Place { at: FIRST_EXTENT, length: 0, log_offset: 0 };
        forge.name_segments(&vec![none; ring]);
        bear("segments of no bytes", &forge.crashed());
    }
}
