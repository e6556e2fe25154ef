//! Page 0 and slots, sealed.

use super::again;
use crate::images::images;
use crate::layout::{HEADER_MAGIC, PAGE, SLOT_MAGIC, SLOTS, header, slot};
use crate::seal::{Key, reseal_header};
use annals::inside;

/// See the module.
pub fn run(bytes: &[u8]) {
    // What the input does not say is zero, as most of a slot is.
    let mut page = [0; PAGE];
    let length = bytes.len().min(PAGE);
    page[..length].copy_from_slice(&bytes[..length]);
    if page.starts_with(HEADER_MAGIC) {
        reseal_header(&mut page);
        again(inside::header(&page));
    } else if page.starts_with(SLOT_MAGIC) {
        Key::in_bytes(&page, header::FILE_KEY).seal(&mut page, slot::CHECK);
        again(inside::slot(&page));
    }
    // Cut short, too.
    again(inside::header(bytes));
    again(inside::slot(bytes));
}

/// Healthy ones to begin with.
pub fn seeds() -> Vec<Vec<u8>> {
    let slots = images().iter().flat_map(|image| SLOTS.map(|at| &image.bytes[at..at + PAGE]));
    let all = slots.chain([&images()[0].bytes[..PAGE]]);
    // Without the zeros at the end.
    all.map(|page| {
        let page = &page[..header::CHECK.start - 4];
        let used = page.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        page[..used].to_vec()
    })
    .collect()
}
