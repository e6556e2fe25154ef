//! A byte of a run.

use super::find::{Dissector, read};
use crate::format::dissect::{Spot, page, run, values_of_page};
use crate::format::{FileKey, PAGE, RunHeader, RunRef, index, is_page, page_offset};
use crate::words::Structure;
use std::io;

impl Dissector<'_> {
    /// The run that a slot names so.
    pub fn run(&self, key: &FileKey, place: &RunRef) -> io::Result<Vec<Structure>> {
        let first = read(&**self.storage, place.file_offset, index(PAGE))?;
        let header = RunHeader::decode(&first, place).filter(|_| is_page(&first, place.id, 0, key));
        let outer = run(&first, place, key);
        let number = (self.at - place.file_offset) / PAGE;
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let begin = place.file_offset.saturating_add(page_offset(number));
        let inner = self.page(key, begin, (place.id, number), header.as_ref())?;
        Ok([outer].into_iter().chain(inner).collect())
    }

    /// The page that begins here, with this number of its run, and the value in it.
    pub fn page(
        &self,
        key: &FileKey,
        begin: u64,
        (id, number): (u32, u32),
        header: Option<&RunHeader>,
    ) -> io::Result<Vec<Structure>> {
        let bytes = read(&**self.storage, begin, index(PAGE))?;
        let mut outer = page(&bytes, Spot::in_file(begin), (id, number), key);
        let within = index(self.at.saturating_sub(begin));
        let found = header.and_then(|header| values_of_page(&bytes, header, begin, number, within));
        match found {
            Some((part, inner)) => {
                outer.notes.push(format!("page {number} of run {id}: {part}"));
                Ok([outer].into_iter().chain(inner).collect())
            }
            None => {
                outer.notes.push(format!(
                    "page {number} of run {id}; which part it is of is not known without the run's \
                     first page"
                ));
                Ok(vec![outer])
            }
        }
    }
}
