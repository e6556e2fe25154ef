//! A byte that no slot and no header leads to: what stands there is told by its own checks.

use super::find::{Dissector, read};
use crate::format::dissect::{Spot, piece};
use crate::format::{Extent, FIRST_EXTENT, FileKey, PAGE, SEGMENT_HEADER_LEN, SegmentHeader};
use crate::format::{index, page_of};
use crate::words::Structure;
use std::io;

/// So many pages before a byte a segment's header is looked for.
const PAGES: u64 = 1 << 15;

impl Dissector<'_> {
    /// The extent that is free or that nobody names, and what stands there all the same.
    pub fn unnamed(
        &self,
        key: &FileKey,
        name: &'static str,
        extent: Extent,
    ) -> io::Result<Vec<Structure>> {
        let mut outer = piece(name, Spot::in_file(extent.file_offset), extent.length.max(1));
        let begin = self.at / PAGE * PAGE;
        let page = read(&**self.storage, begin, index(PAGE))?;
        if let Some((id, number)) = page_of(&page, key) {
            outer.notes.push(format!("no slot names these bytes; they were run {id}'s"));
            let inner = self.page(key, begin, (id, number), None)?;
            return Ok([outer].into_iter().chain(inner).collect());
        }
        if let Some(header) = self.header_before(key, &extent)? {
            let what = "no slot and no header leads to this segment; its own header says it is one";
            outer.notes.push(what.to_owned());
            let inner = self.segment(key, header.own)?;
            return Ok([outer].into_iter().chain(inner).collect());
        }
        if page.iter().all(|byte| *byte == 0) {
            outer.notes.push("the page is zero".to_owned());
        }
        Ok(vec![outer])
    }

    /// The nearest header before the byte of a segment that has it, and that lies within these
    /// bytes.
    fn header_before(&self, key: &FileKey, extent: &Extent) -> io::Result<Option<SegmentHeader>> {
        let begin = self.at / PAGE;
        let least = extent.file_offset.max(FIRST_EXTENT) / PAGE;
        for page in (least.max(begin.saturating_sub(PAGES))..=begin).rev() {
            let at = page * PAGE;
            let bytes = read(&**self.storage, at, SEGMENT_HEADER_LEN)?;
            let header = SegmentHeader::decode(&bytes, key);
            let header = header.filter(|header| header.own.extent.file_offset == at);
            if let Some(header) = header {
                let end = header.own.extent.end();
                return Ok((end > self.at && end <= extent.end()).then_some(header));
            }
        }
        Ok(None)
    }
}
