//! The floor: what the machine allows. The same bytes as Annals writes, by raw writes into room
//! that is taken in the same steps, a CRC-32 of each record, a sync by a leader for all who wait,
//! an offset array and maps of streams, types and tags in memory, reads through a map. It has no
//! names, guards, recovery or keeper, and its index is gone with the process.

use super::data::{PAYLOAD, commit, kinds, payload};
use annals::storage::{Access, FileStorage, Storage};
use annals::{Commit, Store};
use memmap2::{Mmap, MmapOptions};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard};

/// How long Annals' frames are, once the segment has all their names.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// What a frame has beside its records.
    pub header: usize,
    /// An event's record.
    pub record: usize,
}

impl Sizes {
    /// Measured: commits of 1 and of 11 events, each after another one with the same names.
    pub fn measure() -> Self {
        Self::measure_of(|events| commit(events.into_iter()))
    }

    /// The same of commits that are made by this, of events as [`commit`] takes them.
    pub fn measure_of(commit: impl Fn(Vec<(u64, u64, u64)>) -> Commit) -> Self {
        let frame = |events: u64| {
            let store = Store::in_memory().unwrap();
            let [first, second] = [0, 1].map(|version| {
                let events = (0..events).map(|stream| (stream, stream, version));
                store.commit(commit(events.collect())).unwrap();
                store.stats().unwrap().log_bytes as usize
            });
            second - first
        };
        let record = (frame(11) - frame(1)) / 10;
        Self { header: frame(1) - record, record }
    }

    /// Bytes of a frame with so many events.
    pub fn frame(self, events: usize) -> usize {
        self.header + events * self.record
    }
}

/// A raw file of frames.
pub struct Floor {
    file: File,
    /// The same file, for taking room as Annals does.
    room: FileStorage,
    reserve: u64,
    sizes: Sizes,
    lean: bool,
    state: Mutex<State>,
    synced: Condvar,
    /// All of the file, and what it may grow by.
    map: Mmap,
}

/// Addresses that the map of a growing file takes; what is not there yet is not touched.
const MOST: usize = 64 << 30;

#[derive(Default)]
struct State {
    /// Where the next frame goes, and where the room ends.
    end: u64,
    room_end: u64,
    /// Frames that are not written yet, and where they go.
    pending: Vec<u8>,
    pending_at: u64,
    spare: Vec<u8>,
    /// Up to where everything is synced; whether somebody syncs now.
    synced: u64,
    leading: bool,
    index: Index,
}

/// What is where.
#[derive(Default)]
struct Index {
    offsets: Vec<u64>,
    streams: HashMap<u64, Vec<u32>>,
    types: HashMap<u64, Vec<u32>>,
    tags: HashMap<u64, Vec<u32>>,
}

/// What a commit of the floor is made of.
pub struct FloorBatch {
    events: Vec<FloorEvent>,
}

struct FloorEvent {
    stream: u64,
    event_type: u64,
    tags: [u64; 2],
    payload: Vec<u8>,
}

impl FloorBatch {
    /// These events: each with its number among all, and its stream.
    pub fn new(events: impl Iterator<Item = (u64, u64)>) -> Self {
        let event = |(nth, stream)| {
            let ((event_type, tags), payload) = (kinds(nth), payload(nth));
            FloorEvent { stream, event_type, tags, payload }
        };
        Self { events: events.map(event).collect() }
    }
}

/// Events of a type, with a tag, from a position on.
#[derive(Clone, Copy)]
pub struct Asked {
    pub event_type: u64,
    pub tag: u64,
    pub from: u32,
}

/// The positions from this one on.
fn since(list: Option<&Vec<u32>>, from: u32) -> &[u32] {
    let list = list.map_or(&[][..], |list| list);
    &list[list.partition_point(|position| *position < from)..]
}

impl Index {
    fn add(&mut self, stream: u64, kinds: Option<(u64, [u64; 2])>, at: u64) {
        let position = self.offsets.len() as u32;
        self.offsets.push(at);
        self.streams.entry(stream).or_default().push(position);
        if let Some((event_type, tags)) = kinds {
            self.types.entry(event_type).or_default().push(position);
            for tag in tags {
                self.tags.entry(tag).or_default().push(position);
            }
        }
    }

    /// The positions that are asked for.
    fn find(&self, asked: Asked) -> impl Iterator<Item = u32> {
        let tags = since(self.tags.get(&asked.tag), asked.from);
        let types = since(self.types.get(&asked.event_type), asked.from);
        tags.iter().copied().filter(|position| types.binary_search(position).is_ok())
    }
}

impl Floor {
    /// A new file. With a reserve, room is taken in pieces of at least that, and filled with zeros.
    pub fn new(path: &Path, reserve: u64, sizes: Sizes) -> Self {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path).unwrap();
        let floor = Self::of(file, path, reserve, sizes);
        floor.take_room(&mut floor.state.lock().unwrap());
        floor
    }

    /// The file that another process has written, all of it read to make the index.
    pub fn open(path: &Path, sizes: Sizes) -> Self {
        let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let floor = Self::of(file, path, 0, sizes);
        let mut guard = floor.state.lock().unwrap();
        let state = &mut *guard;
        state.room_end = floor.file.metadata().unwrap().len();
        #[expect(unsafe_code, reason = "as below")]
        // SAFETY: as below. A map of its own: what it has touched is not mapped behind it.
        let map = unsafe { Mmap::map(&floor.file).unwrap() };
        while state.end < state.room_end {
            let frame = &map[state.end as usize..];
            let count = number(frame, 0);
            if count == 0 {
                break;
            }
            for nth in 0..count as usize {
                let at = sizes.frame(nth);
                let record = &frame[at..at + sizes.record];
                checked(record, nth);
                let [stream, event_type, first, second] =
                    [4, 8, 12, 16].map(|at| number(record, at));
                let kinds = Some((event_type, [first, second]));
                state.index.add(stream, kinds, state.end + at as u64);
            }
            state.end += sizes.frame(count as usize) as u64;
        }
        drop(guard);
        floor
    }

    fn of(file: File, path: &Path, reserve: u64, sizes: Sizes) -> Self {
        let room = FileStorage::open(path, Access::Read, true).unwrap();
        #[expect(unsafe_code, reason = "the floor reads through a map too")]
        // SAFETY: the file is in a folder of this process, and what was written is not any more.
        let map = unsafe { MmapOptions::new().len(MOST).map(&file).unwrap() };
        let (state, synced, lean) = (Mutex::default(), Condvar::new(), false);
        Self { file, room, reserve, sizes, lean, state, synced, map }
    }

    /// The same without maps of types and tags.
    #[must_use]
    pub fn lean(self) -> Self {
        Self { lean: true, ..self }
    }

    /// As Annals' segments: a sixteenth of the file as a power of two, from 64 KiB to 64 MiB;
    /// synced before it is used.
    fn take_room(&self, state: &mut State) {
        let part = 1 << (state.room_end / 16).max(1).ilog2();
        let length = u64::clamp(part, 64 << 10, 64 << 20).max(self.reserve);
        self.room.allocate(state.room_end, length).unwrap();
        if self.reserve > 0 {
            write_at(&self.file, &vec![0; length as usize], state.room_end);
        }
        self.file.sync_data().unwrap();
        state.room_end += length;
    }

    /// A commit's bytes: how many events it has; of each a check, numbers for its names, and the
    /// payload; the rest zero.
    fn frame(&self, batch: &FloorBatch) -> Vec<u8> {
        let Sizes { header, record } = self.sizes;
        let mut frame = vec![0; self.sizes.frame(batch.events.len())];
        frame[..4].copy_from_slice(&(batch.events.len() as u32).to_le_bytes());
        for (event, record) in batch.events.iter().zip(frame[header..].chunks_exact_mut(record)) {
            let at = record.len() - PAYLOAD;
            record[at..].copy_from_slice(&event.payload);
            let [first, second] = event.tags;
            for (nth, name) in [event.stream, event.event_type, first, second].iter().enumerate() {
                record[4 + nth * 4..][..4].copy_from_slice(&(*name as u32).to_le_bytes());
            }
            let check = crc32fast::hash(&record[4..]);
            record[..4].copy_from_slice(&check.to_le_bytes());
        }
        frame
    }

    /// Gives the frame its place and notes what is where.
    fn place(&self, state: &mut State, batch: &FloorBatch, frame: &[u8]) -> u64 {
        let at = state.end;
        while at + frame.len() as u64 > state.room_end {
            self.take_room(state);
        }
        for (nth, event) in batch.events.iter().enumerate() {
            let kinds = (!self.lean).then_some((event.event_type, event.tags));
            state.index.add(event.stream, kinds, at + self.sizes.frame(nth) as u64);
        }
        state.end += frame.len() as u64;
        at
    }

    /// Reads what is asked for; returns the position after the last one of all.
    pub fn read(&self, asked: Asked, mut each: impl FnMut(&[u8])) -> u32 {
        let state = self.state.lock().unwrap();
        let found: Vec<(u32, u64)> =
            state.index.find(asked).map(|at| (at, state.index.offsets[at as usize])).collect();
        let next = state.index.offsets.len() as u32;
        drop(state);
        for (position, at) in found {
            each(checked(&self.map[at as usize..][..self.sizes.record], position as usize));
        }
        next
    }

    /// Appends and leaves it to the operating system.
    pub fn buffered(&self, batch: &FloorBatch) {
        assert!(self.buffered_unless(batch, None));
    }

    /// Appends unless there is what is asked for, and leaves it to the operating system.
    pub fn buffered_unless(&self, batch: &FloorBatch, asked: Option<Asked>) -> bool {
        let frame = self.frame(batch);
        let mut state = self.state.lock().unwrap();
        if asked.is_some_and(|asked| state.index.find(asked).next().is_some()) {
            return false;
        }
        let at = self.place(&mut state, batch, &frame);
        write_at(&self.file, &frame, at);
        true
    }

    /// Appends, and returns when it is synced: by this thread, or by another that syncs for all.
    pub fn synced(&self, batch: &FloorBatch) {
        assert!(self.synced_unless(batch, None));
    }

    /// The same, unless there is what is asked for.
    pub fn synced_unless(&self, batch: &FloorBatch, asked: Option<Asked>) -> bool {
        let frame = self.frame(batch);
        let mut state = self.state.lock().unwrap();
        if asked.is_some_and(|asked| state.index.find(asked).next().is_some()) {
            return false;
        }
        let at = self.place(&mut state, batch, &frame);
        if state.pending.is_empty() {
            state.pending_at = at;
        }
        state.pending.extend_from_slice(&frame);
        let target = state.end;
        while state.leading && state.synced < target {
            state = self.synced.wait(state).unwrap();
        }
        if state.synced >= target {
            return true;
        }
        state.leading = true;
        let spare = std::mem::take(&mut state.spare);
        let mut bytes = std::mem::replace(&mut state.pending, spare);
        let (at, end) = (state.pending_at, state.end);
        drop(state);
        write_at(&self.file, &bytes, at);
        self.file.sync_data().unwrap();
        bytes.clear();
        let mut state = self.state.lock().unwrap();
        (state.spare, state.synced, state.leading) = (bytes, end, false);
        drop(state);
        self.synced.notify_all();
        true
    }

    /// Syncs what was left to the operating system.
    pub fn sync(&self) {
        self.file.sync_data().unwrap();
    }

    /// Reads the payloads of a stream while others write; returns how many there were.
    pub fn stream(&self, stream: u64, mut each: impl FnMut(&[u8])) -> u64 {
        let state = self.state.lock().unwrap();
        let found: Vec<(u32, u64)> = state.index.streams[&stream]
            .iter()
            .map(|position| (*position, state.index.offsets[*position as usize]))
            .collect();
        drop(state);
        for (position, at) in &found {
            each(checked(&self.map[*at as usize..][..self.sizes.record], *position as usize));
        }
        found.len() as u64
    }

    /// Reads while nobody writes.
    pub fn reader(&self) -> FloorReader<'_> {
        FloorReader { map: &self.map, state: self.state.lock().unwrap(), record: self.sizes.record }
    }
}

/// Reads what the floor has written, and keeps it from writing.
pub struct FloorReader<'a> {
    map: &'a Mmap,
    state: MutexGuard<'a, State>,
    record: usize,
}

impl FloorReader<'_> {
    /// How many events there are.
    pub fn len(&self) -> usize {
        self.state.index.offsets.len()
    }

    /// The payload of an event, its check looked at; positions begin at 0 here.
    pub fn payload(&self, position: usize) -> &[u8] {
        let at = self.state.index.offsets[position] as usize;
        checked(&self.map[at..at + self.record], position)
    }

    /// The positions of a stream's events.
    pub fn stream(&self, stream: u64) -> &[u32] {
        &self.state.index.streams[&stream]
    }

    /// The positions of a tag's events.
    pub fn tag(&self, tag: u64) -> &[u32] {
        &self.state.index.tags[&tag]
    }

    /// Tells the system that the records at these positions are going to be read.
    pub fn announce(&self, positions: &[u32]) {
        for position in positions {
            let at = self.state.index.offsets[*position as usize] as usize;
            self.map.advise_range(memmap2::Advice::WillNeed, at, self.record).unwrap();
        }
    }
}

fn number(bytes: &[u8], at: usize) -> u64 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()).into()
}

/// The payload of a record, its check looked at.
fn checked(record: &[u8], position: usize) -> &[u8] {
    let check = u32::from_le_bytes(record[..4].try_into().unwrap());
    assert_eq!(check, crc32fast::hash(&record[4..]), "the record at {position}");
    &record[record.len() - PAYLOAD..]
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], offset: u64) {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset).unwrap();
}

#[cfg(windows)]
fn write_at(file: &File, mut bytes: &[u8], mut offset: u64) {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset).unwrap();
        (bytes, offset) = (&bytes[written..], offset + written as u64);
    }
}
