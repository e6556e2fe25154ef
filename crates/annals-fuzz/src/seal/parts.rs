//! One structure changed and sealed, in a file that is whole otherwise.

use super::check::{Key, extent_of_record};
use crate::layout::{PAGE, SLOTS, header, index, number, page, slot};
use std::ops::Range;

/// A run as the newer slot names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunPlace {
    /// Its first byte in the file.
    pub at: usize,
    /// Its pages.
    pub pages: usize,
    /// Its number.
    pub id: u32,
}

impl RunPlace {
    /// Its bytes of the file.
    pub fn bytes(&self) -> Range<usize> {
        self.at..self.at + self.pages * PAGE
    }

    /// Those of one of its pages.
    pub fn page(&self, number: usize) -> Range<usize> {
        assert!(number < self.pages);
        self.at + number * PAGE..self.at + (number + 1) * PAGE
    }
}

/// The runs that the newer slot names, oldest first.
pub fn runs(file: &[u8]) -> Vec<RunPlace> {
    let counter = |slot: &usize| number(&file[*slot..], slot::COUNTER);
    let newer = SLOTS.into_iter().max_by_key(counter).unwrap_or(PAGE);
    let slot = &file[newer..newer + PAGE];
    let place = |nth| {
        let entry = &slot[slot::RUNS + nth * slot::RUN_LEN..];
        RunPlace {
            at: index(number(entry, 0..8)),
            pages: index(number(entry, 8..12)),
            id: number(entry, 12..16) as u32,
        }
    };
    (0..index(number(slot, slot::RUN_COUNT))).map(place).collect()
}

/// The key of a file, as page 0 has it.
fn key_of(file: &[u8]) -> Key {
    Key::in_bytes(file, header::FILE_KEY)
}

/// Gives a page of a run the check that its bytes ask for.
pub fn reseal_page(file: &mut [u8], run: &RunPlace, page: usize) {
    let key = key_of(file);
    seal_page(&mut file[run.page(page)], run.id, page, &key);
}

/// The same for a page by itself: of the run with this number, the page with that one.
pub fn seal_page(bytes: &mut [u8], run: u32, page: usize, key: &Key) {
    let crc = crc32fast::hash(&bytes[page::CHECK.end..]);
    let check = key.of_place(crc, page as u64, u64::from(run));
    bytes[page::CHECK].copy_from_slice(&check.to_le_bytes());
}

/// Gives the record that stands here in these bytes the check that they ask for; `false` if there
/// is none. `at` is its log offset, `position` an event's; 0 for others.
pub fn seal_record(bytes: &mut [u8], at: u64, position: u64, key: &Key) -> bool {
    let Some((head, length)) = extent_of_record(bytes) else { return false };
    key.seal_record(&mut bytes[..length], head, at, position);
    true
}

/// Changes the header of a segment or frame, and gives it the check that its bytes ask for.
pub fn reseal_head(file: &mut [u8], head: Range<usize>, field: Range<usize>, value: &[u8]) {
    file[head.start + field.start..head.start + field.end].copy_from_slice(value);
    let key = key_of(file);
    key.seal(&mut file[head.clone()], head.len() - 8..head.len());
}

/// Gives page 0 the check that its bytes ask for.
pub fn reseal_header(file: &mut [u8]) {
    let check = crc32fast::hash(&file[..header::CHECK.start]);
    file[header::CHECK].copy_from_slice(&check.to_le_bytes());
}

/// Changes a field of both slots, and gives them the checks that their bytes ask for.
pub fn reseal_slots(file: &mut [u8], field: Range<usize>, value: &[u8]) {
    for at in SLOTS {
        let slot = &mut file[at..at + PAGE];
        slot[field.clone()].copy_from_slice(value);
        Key::in_bytes(slot, header::FILE_KEY).seal(slot, slot::CHECK);
    }
}
