//! Pages of runs, sealed: headers, terms, names, numbers.

use super::{KEY, again};
use crate::images::images;
use crate::layout::{PAGE, number, page, set};
use crate::seal::{Key, runs, seal_page};
use annals::inside::{self, Part};

const PARTS: [Part; 4] = [Part::Header, Part::Terms, Part::Names, Part::Numbers];

/// See the module.
pub fn run(bytes: &[u8]) {
    let mut sealed = [0; PAGE];
    let length = bytes.len().min(PAGE);
    sealed[..length].copy_from_slice(&bytes[..length]);
    // What part it is, the reserved bytes say, to which a reader gives no meaning.
    let part = PARTS[number(&sealed, page::RESERVED) as usize % PARTS.len()];
    let (run, nth) = (number(&sealed, page::RUN) as u32, number(&sealed, page::NUMBER));
    seal_page(&mut sealed, run, nth as usize, &Key::new(KEY));
    let (reread, whole) = inside::run_page(&sealed, part, KEY);
    again(reread);
    assert!(whole, "a sealed page fails its check");
    // Cut short, or too long.
    if bytes.len() != PAGE {
        let (reread, whole) = inside::run_page(bytes, part, KEY);
        again(reread);
        assert!(!whole, "a page of {} bytes passes its check", bytes.len());
    }
}

/// Healthy ones to begin with.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for image in images() {
        for run in runs(&image.bytes) {
            for nth in 0..run.pages {
                let page = &image.bytes[run.page(nth)];
                let used = page.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                let mut seed = page[..used].to_vec();
                let part = match nth {
                    0 => 0,
                    _ if nth + 1 == run.pages => 2,
                    _ => 1 + nth as u64 % 2 * 2,
                };
                set(&mut seed, page::RESERVED, part);
                seeds.push(seed);
            }
        }
    }
    seeds.truncate(40);
    seeds
}
