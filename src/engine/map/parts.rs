//! The parts of a file, in the order of their places.

use crate::words::{LogOffset, Position};

/// What each byte of the file is there for, as one slot says it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct FileMap {
    /// The counter of the slot that says it: the newer of the two.
    pub counter: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Where the log ends.
    pub log_end: LogOffset,
    /// All extents by their place in the file, each beginning where the one before ends. The last
    /// ends with the file; or behind it, if the file was cut short.
    pub extents: Vec<FileExtent>,
}

/// A contiguous piece of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct FileExtent {
    /// Its first byte in the file.
    pub file_offset: u64,
    /// Its bytes, at least 1.
    pub length: u64,
    /// What it is there for.
    pub part: FilePart,
}

/// What a piece of the file is there for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FilePart {
    /// Page 0: which file it is.
    Header,
    /// One of the two slots, which say where everything is.
    #[non_exhaustive]
    Slot {
        /// Its counter; nothing if it is not valid.
        counter: Option<u64>,
    },
    /// The page with advice on who has the store open.
    Holder,
    /// A segment: it holds log.
    #[non_exhaustive]
    Segment {
        /// The log offset of its first byte.
        log_offset: LogOffset,
        /// Its bytes up to where the log ends, header and end record included; 0 if it is prepared:
        /// the log has not come to it yet.
        used: u64,
    },
    /// A run: a piece of the index.
    #[non_exhaustive]
    Run {
        /// Its number.
        id: u32,
        /// How often what it says was merged; nothing if its first page fails its check.
        level: Option<u32>,
        /// The log offset of the first frame that it indexes.
        start: LogOffset,
        /// The log offset of the first frame that it does not index any more.
        end: LogOffset,
        /// The position of its first event.
        first: Position,
        /// The position after its last event; `first` if it has only documents.
        next: Position,
    },
    /// Room for runs that is free.
    Free,
    /// Room that nobody names: taken ahead, or free room for which the slot had no entry; in a
    /// damaged file also segments to which no header leads.
    Unnamed,
}

impl FileMap {
    /// Bytes of all extents with these parts.
    ///
    /// ```
    /// use annals::{FilePart, NewEvent, Store};
    /// let store = Store::in_memory()?;
    /// store.append("a", 0, [NewEvent::new("Noted", "x")])?;
    /// let map = store.map()?;
    /// assert_eq!(map.bytes_of(|_| true), map.file_bytes);
    /// assert_eq!(map.bytes_of(|part| matches!(part, FilePart::Slot { .. })), 2 * 4_096);
    /// assert!(map.bytes_of(|part| matches!(part, FilePart::Segment { .. })) >= 65_536);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bytes_of(&self, is_meant: impl Fn(&FilePart) -> bool) -> u64 {
        let meant = self.extents.iter().filter(|extent| is_meant(&extent.part));
        meant.fold(0, |sum, extent| sum.saturating_add(extent.length))
    }

    /// The extent that this byte of the file is in.
    pub fn find(&self, file_offset: u64) -> Option<&FileExtent> {
        let behind = self.extents.partition_point(|extent| extent.file_offset <= file_offset);
        let extent = self.extents.get(behind.checked_sub(1)?)?;
        (file_offset < extent.end()).then_some(extent)
    }
}

impl FileExtent {
    /// The byte after its last.
    pub fn end(&self) -> u64 {
        self.file_offset.saturating_add(self.length)
    }
}
