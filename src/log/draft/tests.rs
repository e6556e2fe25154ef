//! Commits of all shapes, at places of all sorts: each frame fits the room that was asked for, and
//! is what its header says.

use super::*;
use crate::format::{FRAME_LEN, FileKey, FrameHeader, NameRecord, Record, index};
use crate::log::check_frame;
use crate::log::fixture::{a_place, look_up};
use crate::words::{Commit, Limit, NewEvent, Timestamp};

fn key() -> FileKey {
    FileKey::new([5; 16])
}

/// An event that has what the bits of `parts` say.
fn event(parts: u8, payload: usize) -> NewEvent {
    let has = |nth: u8| parts >> nth & 1 == 1;
    let mut event = NewEvent::new("Type", vec![7; payload]);
    event.id = has(0).then(|| Uuid::from_u128(u128::from(parts) + 1));
    event.correlation_id = has(1).then(|| Uuid::from_u128(2));
    event.causation_id = has(2).then(|| Uuid::from_u128(3));
    event.occurred = has(3).then(|| Timestamp::from_micros(4));
    event.schema_version = if has(4) { 5 } else { 1 };
    event.metadata = has(5).then(|| vec![6; payload / 2]);
    let tags = if has(6) { usize::from(parts % 5) + 1 } else { 0 };
    event.tags = (0..tags).map(|nth| format!("tag {nth}")).collect();
    event
}

/// Commits with all kinds of parts.
fn commits() -> Vec<Commit> {
    let any = ExpectedVersion::Any;
    let alone = (0..128).flat_map(|parts| [0, 1, 2, 7, 8, 9, 600].map(|payload| (parts, payload)));
    let mut commits: Vec<Commit> = alone
        .map(|(parts, payload)| Commit::new().append("a", any, [event(parts, payload)]))
        .collect();
    for value in [0, 1, 7, 8, 9, 600] {
        let documents = Commit::new().put("k", vec![1; value]).delete("a longer key");
        commits.push(documents.clone());
        commits.push(documents.expect_document("only looked at", 3).append(
            "b",
            any,
            [event(99, value)],
        ));
    }
    let many = (0..40).map(|nth| event(nth * 3, usize::from(nth) * 11));
    let several = Commit::new().expect("looked at", 0).append("a", any, many);
    commits.push(several.append("the second", any, [event(127, 3), event(0, 0)]));
    commits
}

/// Drafts of these commits, each of whose names are known by every `known`th bit of a number.
fn filled(commit: &Commit, sector: usize, known: u32) -> Draft {
    let mut draft = Draft::default();
    draft.fill(commit, &key(), sector).unwrap();
    look_up(&mut draft, |nth| if known >> (nth % 8) & 1 == 1 { 64 } else { 0 });
    draft
}

#[test]
fn a_frame_fits_the_room_that_was_asked_for_and_is_what_its_header_says() {
    for commit in commits() {
        for (sector, known) in [(8, 0), (8, 0b0101_1010), (512, 0), (512, 0b0011_0101), (512, 0xFF)]
        {
            let mut draft = filled(&commit, sector, known);
            let place = Place { at: LogOffset::new(8_192 + 8 * 5), ..a_place() };
            let (room, alone) = (draft.len_here(), draft.len_alone());
            let bytes = draft.place(&place, &key()).bytes.to_vec();
            let length = u64_of(bytes.len());
            let waste = u64_of(sector - 8);
            assert!((length..=length + waste).contains(&room), "{room} for {length}");
            assert!(known != 0 || room == alone, "{alone} for {length}");
            assert!(alone >= room);
            assert_eq!(place.at.plus(length).get() % u64_of(sector), 0);
            let (header, _) = FrameHeader::decode(&bytes, place.at, &key()).unwrap();
            assert_eq!(index(u64::from(header.length)), bytes.len());
            assert!(usize::from(header.padding) < sector);
            let mut names = Vec::new();
            check_frame(&bytes, &header, &key(), |record, _, _| {
                if let Record::Name(name) = record {
                    names.push(name.text.to_owned());
                }
            })
            .unwrap();
            let used = draft.names.list.iter().enumerate().filter(|(_, name)| name.is_used);
            let new = used.filter(|(nth, _)| known >> (nth % 8) & 1 == 0);
            let new: Vec<&str> = new.map(|(_, name)| draft.names.text(name)).collect();
            assert_eq!(names, new);
        }
    }
}

#[test]
fn what_a_commit_may_take_is_told_before_and_is_hardly_more_than_it_takes() {
    for commit in commits() {
        let most = make::most_bytes(&commit).unwrap();
        let draft = filled(&commit, 8, 0);
        let records = draft.buffer.len() - draft.records_at;
        // Of an event: its ids, times and extras, and what fills its last word.
        let more = 72 * commit.events().count() + 16 * commit.documents.len();
        assert!((records..=records + more).contains(&most), "{most} for {records}");
        let names = draft.names.list.iter().filter(|name| name.is_used);
        let names: usize = names.map(|name| NameRecord::len_of(draft.names.text(name))).sum();
        assert_eq!(draft.records_at, FRAME_LEN + names);
    }
}

#[test]
fn a_commit_over_the_limit_is_refused_before_anything_is_taken_in() {
    let limit = index(Limit::CommitBytes.allowed());
    let half = limit / 2;
    let over = [
        Commit::new().append("a", ExpectedVersion::Any, [event(0, half), event(0, half)]),
        Commit::new().put("k", vec![0; half]).put("l", vec![0; half]),
    ];
    for commit in over {
        let mut draft = Draft::default();
        assert!(draft.fill(&commit, &key(), 8).is_err());
        assert_eq!(draft.buffer.capacity(), 0);
    }
}

#[test]
fn a_draft_that_was_cleared_is_as_a_new_one() {
    let place = a_place();
    let mut used = Draft::default();
    for commit in commits().into_iter().rev() {
        let mut new = filled(&commit, 8, 0);
        used.clear();
        used.fill(&commit, &key(), 8).unwrap();
        look_up(&mut used, |_| 0);
        assert_eq!(used.place(&place, &key()).bytes, new.place(&place, &key()).bytes);
    }
}
