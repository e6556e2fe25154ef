//! A run's pages: each is checked when it is first touched.
//!
//! From a map they are borrowed; without one, and for who does not hold the writer's lock, each is
//! copied and the copy is checked: the room may have been given to another run meanwhile.

use super::reach::{Reach, Reading};
use crate::format::{FileKey, PAGE, RunRef, index, is_page, page_offset};
use crate::storage::{Map, Storage, read_full};
use crate::threads::atomic::Ordering;
use crate::threads::{Hint, Mutex, PoisonError};
use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::Arc;

/// Why a run can't answer.
#[derive(Debug)]
pub enum RunError {
    /// The device failed.
    Io(io::Error),
    /// A page fails its check, or says what can't be.
    Damaged {
        /// The run's number.
        id: u32,
        /// Where the run is in the file.
        file_offset: u64,
        /// The page.
        page: u32,
    },
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Damaged { id, page, .. } => write!(f, "page {page} of run {id} fails its check"),
        }
    }
}

/// The pages of one run.
pub struct Pages {
    storage: Arc<dyn Storage>,
    reach: Arc<Reach>,
    key: FileKey,
    place: RunRef,
    map: Option<Map>,
    /// A bit for each page that was checked in the map.
    checked: Box<[Hint]>,
    /// A bit for each [`NEAR`] pages that were announced.
    announced: Box<[Hint]>,
    /// Copies, each in the cell that its number gives.
    copies: Box<[Copy]>,
}

type Copy = Mutex<Option<(u32, Arc<[u8]>)>>;

/// So many pages are read together where all are checked.
const PIECE: u32 = 64;
/// So many pages are read together where one is touched.
const NEAR: u32 = 4;
/// So many where another one near them is touched, or is going to be.
const AROUND: u32 = 16;
/// So many of the smaller pieces are in one of the larger, and a bit for each.
const PARTS: u32 = AROUND / NEAR;
const BITS: u64 = (1 << PARTS) - 1;

/// Copies that are kept of a run's pages.
const COPIES: usize = 32;

/// A page, borrowed or copied.
pub enum Page<'a> {
    /// From the map.
    Mapped(&'a [u8]),
    /// A copy.
    Copied(Arc<[u8]>),
}

impl Deref for Page<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(page) => page,
            Self::Copied(page) => page,
        }
    }
}

impl Pages {
    /// The pages of the run at this place. The first of them are read meanwhile.
    pub fn new(storage: Arc<dyn Storage>, reach: Arc<Reach>, place: RunRef, key: FileKey) -> Self {
        let extent = place.extent();
        let map = reach
            .is_mapped()
            .then(|| storage.map(extent.file_offset, extent.length).ok().flatten())
            .flatten();
        let (mut words, mut copies) = (0, 0);
        match &map {
            Some(map) => {
                // Nobody writes to a run that a slot names.
                map.set_stable(index(extent.length));
                // As many as there are, whatever the slot says.
                words = map.stable().len().div_ceil(index(PAGE)).div_ceil(64);
            }
            None => copies = COPIES,
        }
        let pages = Self {
            storage,
            reach,
            key,
            place,
            map,
            announced: (0..words.div_ceil(index(NEAR.into()))).map(|_| Hint::new(0)).collect(),
            checked: (0..words).map(|_| Hint::new(0)).collect(),
            copies: (0..copies).map(|_| Mutex::new(None)).collect(),
        };
        pages.announce(0);
        pages
    }

    /// The run as a slot names it.
    pub fn place(&self) -> &RunRef {
        &self.place
    }

    /// Held while pages are looked at.
    pub fn reading(&self) -> Reading<'_> {
        self.reach.reading()
    }

    /// The page with this number, for those who are [`Pages::reading`].
    #[inline]
    pub fn get(&self, number: u32) -> Result<Page<'_>, RunError> {
        if let Some(map) = &self.map
            && self.reach.is_mapped()
        {
            let start = index(page_offset(number));
            let page = map.stable().get(start..).and_then(|rest| rest.get(..index(PAGE)));
            let page = page.ok_or_else(|| self.damaged(number))?;
            let word = self.checked.get(index(u64::from(number / 64)));
            let word = word.ok_or_else(|| self.damaged(number))?;
            let bit = 1 << (number % 64);
            // Relaxed: the bit says something of bytes that don't change.
            if word.load(Ordering::Relaxed) & bit == 0 {
                self.announce(number);
                if !is_page(page, self.place.id, number, &self.key) {
                    return Err(self.damaged(number));
                }
                word.fetch_or(bit, Ordering::Relaxed);
            }
            return Ok(Page::Mapped(page));
        }
        self.copy(number).map(Page::Copied)
    }

    /// Has this page and those near it read meanwhile, if they were not yet: whether that is so.
    pub fn announce(&self, number: u32) -> bool {
        self.announce_some(number, false)
    }

    /// Has this page and all around it read meanwhile, if they were not yet.
    pub fn announce_around(&self, number: u32) {
        self.announce_some(number, true);
    }

    /// Has all pages from the first to the last of these read meanwhile, if they were not yet.
    pub fn announce_all(&self, first: u32, last: u32) {
        if first / NEAR == last / NEAR {
            self.announce(first);
        } else {
            let groups = first / AROUND..=last / AROUND;
            groups.for_each(|group| self.announce_around(group.saturating_mul(AROUND)));
        }
    }

    /// Has the pages near this one read meanwhile, the first time that one of them is touched:
    /// whether this is it. All those around it, if many are wanted, or others of them were touched.
    #[cold]
    fn announce_some(&self, number: u32, many: bool) -> bool {
        let Some(map) = self.map.as_ref().filter(|_| number < self.place.pages) else {
            return false;
        };
        let nth = number / NEAR;
        let Some(word) = self.announced.get(index(u64::from(nth / 64))) else { return false };
        // Relaxed: it is advice, and twice does no harm. Mostly it was given, and a look is enough.
        let given = word.load(Ordering::Relaxed);
        let bit = 1 << (nth % 64);
        let around = BITS << (nth % 64 / PARTS * PARTS);
        let (bits, pages) =
            if many || given & around & !bit != 0 { (around, AROUND) } else { (bit, NEAR) };
        if given & bits == bits {
            return false;
        }
        word.fetch_or(bits, Ordering::Relaxed);
        map.announce(index(page_offset(number / pages * pages)), index(page_offset(pages)));
        true
    }

    /// Has these bytes of a page, if it is in memory, come nearer to the processor meanwhile.
    #[inline]
    pub fn bring(&self, number: u32, within: usize, length: usize) {
        if let Some(map) = &self.map {
            map.bring(index(page_offset(number)).saturating_add(within), length);
        }
    }

    /// Nobody is going to look at many of its pages for a while: see [`Map::let_go`].
    pub fn let_go(&self) {
        if let Some(map) = &self.map {
            map.let_go();
        }
    }

    /// A checked copy, kept or new.
    #[cold]
    fn copy(&self, number: u32) -> Result<Arc<[u8]>, RunError> {
        let cell = self.copies.get(index(u64::from(number)) % COPIES);
        let cell = cell.map(|cell| cell.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(Some((known, page))) = cell.as_deref()
            && *known == number
        {
            return Ok(page.clone());
        }
        if number >= self.place.pages {
            return Err(self.damaged(number));
        }
        let mut page = vec![0; index(PAGE)];
        self.read(number, &mut page)?;
        let page: Arc<[u8]> = page.into();
        if let Some(mut cell) = cell {
            *cell = Some((number, page.clone()));
        }
        Ok(page)
    }

    /// Reads some pages from this one on from the device and checks them, whatever is known of
    /// them; returns the number of the one behind.
    pub fn read_again(&self, first: u32, buffer: &mut Vec<u8>) -> Result<u32, RunError> {
        let end = first.saturating_add(PIECE).min(self.place.pages);
        buffer.resize(index(page_offset(end.saturating_sub(first))), 0);
        let offset = self.place.file_offset.saturating_add(page_offset(first));
        let read = read_full(&*self.storage, buffer, offset).map_err(RunError::Io)?;
        let read = buffer.get(..read).unwrap_or_default();
        let mut pages = read.chunks_exact(index(PAGE));
        for number in first..end {
            let page = pages.next().unwrap_or_default();
            if !is_page(page, self.place.id, number, &self.key) {
                return Err(self.damaged(number));
            }
        }
        Ok(end)
    }

    fn read(&self, number: u32, page: &mut [u8]) -> Result<(), RunError> {
        let offset = self.place.file_offset.saturating_add(page_offset(number));
        let read = read_full(&*self.storage, page, offset).map_err(RunError::Io)?;
        if read < page.len() || !is_page(page, self.place.id, number, &self.key) {
            return Err(self.damaged(number));
        }
        Ok(())
    }

    /// What is said of a page that can't be right.
    #[cold]
    pub fn damaged(&self, page: u32) -> RunError {
        let RunRef { id, file_offset, .. } = self.place;
        RunError::Damaged { id, file_offset, page }
    }
}
