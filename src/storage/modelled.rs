//! A disk for models of hand-overs: it can be mapped, knows what a power cut would leave, fails
//! when it is told to, and stops a model in which the store does with it what it must not.

use super::sys::modelled::{Memory, MmapRaw};
use super::{Map, Storage};
use crate::threads::atomic::{AtomicUsize, Ordering};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest that a disk can become.
const ROOM: usize = 1 << 18;

/// A disk. Each opener of a store has a handle of his own.
pub struct Disk {
    memory: Arc<Memory>,
    state: Mutex<State>,
    /// Each operation goes by it, so that every order of them is gone through. Relaxed: nobody
    /// learns anything by it.
    operations: AtomicUsize,
}

#[derive(Default)]
struct State {
    length: usize,
    locked: bool,
    /// What a power cut would leave.
    durable: Vec<u8>,
    /// What was written since, in its order: the number of the write, its place, its bytes.
    unsynced: Vec<(usize, usize, Vec<u8>)>,
    writes: usize,
    fails: Fails,
}

/// How many writes, and how many syncs, go well before one fails; none if all do.
#[derive(Clone, Copy, PartialEq, Default)]
pub struct Fails {
    pub write: Option<usize>,
    pub sync: Option<usize>,
}

/// A disk in the hands of one who opens a store on it.
pub struct Handle {
    disk: Arc<Disk>,
    state: Mutex<Held>,
    elsewhere: bool,
}

#[derive(Default)]
struct Held {
    lock: bool,
    /// The lock was given back: the file may be somebody else's by now.
    given_back: bool,
    syncing: bool,
}

impl Disk {
    /// A disk with these bytes, all of them durable.
    pub fn new(bytes: &[u8]) -> Arc<Self> {
        let state = State { length: bytes.len(), durable: bytes.to_vec(), ..State::default() };
        Arc::new(Self {
            memory: Arc::new(Memory::new(bytes, ROOM)),
            state: Mutex::new(state),
            operations: AtomicUsize::new(0),
        })
    }

    /// For one who opens a store on it.
    pub fn handle(self: &Arc<Self>) -> Arc<Handle> {
        Arc::new(Handle { disk: self.clone(), state: Mutex::default(), elsewhere: false })
    }

    /// For one in another process: nothing but the disk is between him and who writes.
    pub fn handle_elsewhere(self: &Arc<Self>) -> Arc<Handle> {
        Arc::new(Handle { disk: self.clone(), state: Mutex::default(), elsewhere: true })
    }

    /// From now on these operations fail.
    pub fn fails(&self, fails: Fails) {
        self.state().fails = fails;
    }

    /// What is on it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.state().length];
        self.memory.read(0, &mut bytes);
        bytes
    }

    /// Writes over it, past every rule of the store.
    pub fn damage(&self, offset: usize, bytes: &[u8]) {
        self.memory.write(offset, bytes);
    }

    /// What a power cut would leave.
    pub fn durable(&self) -> Vec<u8> {
        self.state().durable.clone()
    }

    /// Whether a power cut would leave these bytes.
    pub fn has_durably(&self, bytes: &[u8]) -> bool {
        self.state().durable.windows(bytes.len()).any(|window| window == bytes)
    }

    /// Whether nobody has the lock.
    pub fn is_free(&self) -> bool {
        !self.state().locked
    }

    fn operation(&self) {
        self.operations.fetch_add(1, Ordering::Relaxed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the operation that is counted here fails now.
fn is_due(left: &mut Option<usize>) -> bool {
    let is_due = *left == Some(0);
    *left = left.and_then(|left| left.checked_sub(1));
    is_due
}

impl Handle {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever has given the lock back has no business with the file's bytes any more.
    fn check_held(&self, what: &str) {
        assert!(!self.held().given_back, "{what} after the lock was given back");
    }
}

impl Storage for Handle {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.operation();
        let offset = usize::try_from(offset).unwrap().min(ROOM);
        let there = self.disk.state().length.saturating_sub(offset);
        let count = buffer.len().min(there);
        self.disk.memory.read(offset, &mut buffer[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.disk.operation();
        self.check_held("a write");
        let offset = usize::try_from(offset).unwrap();
        let mut state = self.disk.state();
        if is_due(&mut state.fails.write) {
            return Err(io::ErrorKind::Other.into());
        }
        state.length = state.length.max(offset + bytes.len());
        state.writes += 1;
        let number = state.writes;
        state.unsynced.push((number, offset, bytes.to_vec()));
        drop(state);
        self.disk.memory.write(offset, bytes);
        Ok(bytes.len())
    }

    /// One that comes after the lock was given back does no harm.
    fn sync(&self) -> io::Result<()> {
        assert!(!std::mem::replace(&mut self.held().syncing, true), "two syncs at a time");
        let (begun, fails) = {
            let mut state = self.disk.state();
            (state.writes, is_due(&mut state.fails.sync))
        };
        // It takes a while.
        self.disk.operation();
        self.held().syncing = false;
        let mut state = self.disk.state();
        let State { durable, unsynced, .. } = &mut *state;
        for (_, offset, bytes) in unsynced.extract_if(.., |(number, ..)| *number <= begun) {
            // What a failed sync was to make durable never is, whatever later syncs say.
            if !fails {
                let end = durable.len().max(offset + bytes.len());
                durable.resize(end, 0);
                durable[offset..offset + bytes.len()].copy_from_slice(&bytes);
            }
        }
        if fails { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    }

    fn size(&self) -> io::Result<u64> {
        Ok(u64::try_from(self.disk.state().length).unwrap())
    }

    fn allocate(&self, offset: u64, length: u64) -> io::Result<()> {
        self.disk.operation();
        self.check_held("taking room");
        let end = usize::try_from(offset + length).unwrap();
        assert!(end <= ROOM, "a model needs more room than its disk has");
        let mut state = self.disk.state();
        state.length = state.length.max(end);
        let length = state.length;
        state.durable.resize(length, 0);
        Ok(())
    }

    fn map(&self, offset: u64, length: u64) -> io::Result<Option<Map>> {
        let start = usize::try_from(offset).unwrap();
        let end = (start + usize::try_from(length).unwrap()).min(self.disk.state().length);
        let (memory, watched) = (self.disk.memory.clone(), !self.elsewhere);
        Ok(Some(Map::over(MmapRaw::Memory { memory, range: start..end, watched })))
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.disk.operation();
        let taken = !std::mem::replace(&mut self.disk.state().locked, true);
        self.held().lock |= taken;
        Ok(taken)
    }

    fn unlock(&self) {
        self.disk.operation();
        let mut held = self.held();
        if std::mem::take(&mut held.lock) {
            held.given_back = true;
            self.disk.state().locked = false;
        }
    }

    fn is_locked(&self) -> io::Result<bool> {
        Ok(self.disk.state().locked)
    }
}

/// The disk notices what it is there to notice.
mod teeth {
    use super::*;
    use crate::threads::atomic::AtomicBool;
    use crate::threads::{model, thread};

    #[test]
    #[should_panic(expected = "two syncs at a time")]
    fn two_syncs_at_a_time_are_noticed() {
        model(1, || {
            let handle = Disk::new(&[]).handle();
            let other = handle.clone();
            let syncing = thread::spawn(move || other.sync().unwrap());
            handle.sync().unwrap();
            syncing.join().unwrap();
        });
    }

    #[test]
    #[should_panic(expected = "after the lock was given back")]
    fn a_write_without_the_lock_is_noticed() {
        model(1, || {
            let handle = Disk::new(&[]).handle();
            assert!(handle.try_lock().unwrap());
            let other = handle.clone();
            let writing = thread::spawn(move || other.write_at(b"late", 0).unwrap());
            handle.unlock();
            writing.join().unwrap();
        });
    }

    /// One writes, and says so by an atomic; another borrows what was written.
    fn hand_over(store: Ordering, load: Ordering) {
        model(1, move || {
            let handle = Disk::new(&[0; 64]).handle();
            let map = handle.map(0, 64).unwrap().unwrap();
            let is_there = Arc::new(AtomicBool::new(false));
            let said = is_there.clone();
            let writing = thread::spawn(move || {
                handle.write_at(b"bytes", 0).unwrap();
                said.store(true, store);
            });
            if is_there.load(load) {
                map.set_stable(5);
                assert_eq!(map.stable(), b"bytes");
            }
            writing.join().unwrap();
        });
    }

    #[test]
    fn bytes_that_were_handed_over_may_be_borrowed() {
        hand_over(Ordering::Release, Ordering::Acquire);
    }

    #[test]
    #[should_panic(expected = "Causality violation")]
    fn bytes_that_nobody_has_handed_over_are_noticed() {
        hand_over(Ordering::Relaxed, Ordering::Acquire);
    }

    #[test]
    fn what_was_not_synced_is_not_durable() {
        model(0, || {
            let disk = Disk::new(&[]);
            let handle = disk.handle();
            handle.write_at(b"one", 0).unwrap();
            handle.sync().unwrap();
            handle.write_at(b"two", 3).unwrap();
            assert_eq!((&disk.durable()[..], &disk.bytes()[..]), (&b"one"[..], &b"onetwo"[..]));
            disk.fails(Fails { sync: Some(0), ..Fails::default() });
            handle.sync().unwrap_err();
            handle.sync().unwrap();
            assert!(!disk.has_durably(b"two"));
        });
    }
}
