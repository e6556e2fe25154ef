//! The disk: a cache over durable bytes, a journal of what was asked, faults on demand.

use annals::storage::Storage;
use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What was asked of the disk, in order, with notes of whoever asked.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Bytes written at an offset.
    Write(usize, Vec<u8>),
    /// The device was made at least this long.
    Allocate(usize),
    /// A sync returned OK.
    Sync,
    /// So many commits have been begun.
    Begun(usize),
    /// So many commits are acknowledged, at whatever durability.
    Acknowledged(usize),
    /// So many commits are durable.
    Durable(usize),
}

/// Which operation fails, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An I/O error. A sync that fails so leaves its data in the cache, never to be written.
    Io,
    /// No space: writes and allocations.
    NoSpace,
    /// Interrupted, once.
    Interrupted,
    /// A read or write of a few bytes only.
    Short,
}

/// What the cache does with sectors that a failed sync has lost, in whole pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Caching {
    /// It drops them when it is asked to; written again, they reach the disk.
    #[default]
    Drops,
    /// It ignores that it is asked to drop them; written again, they reach the disk.
    Keeps,
    /// It drops them when it is asked to; written again before that, those that the disk never had
    /// don't reach it, and the sync returns OK all the same.
    Sticks,
}

/// When faults come: from the operation with this number on, so many times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultPlan {
    pub(crate) at: usize,
    pub(crate) times: usize,
    pub(crate) fault: Fault,
    /// Whether reads count and fail too.
    pub(crate) reads: bool,
}

#[derive(Default)]
struct State {
    cache: Vec<u8>,
    /// What a power cut would leave; nothing where nobody is going to ask.
    device: Option<Device>,
    journal: Option<Vec<Op>>,
    holder: u64,
    locked: bool,
    operations: usize,
    faults: Option<FaultPlan>,
    caching: Caching,
}

/// What is behind the cache.
struct Device {
    durable: Vec<u8>,
    /// Sectors that differ from the durable ones and will be written back.
    dirty: BTreeSet<usize>,
    /// Sectors that differ and never will be.
    lost: BTreeSet<usize>,
}

impl Device {
    /// Whether a sector was lost that the device never had.
    fn sticks(&self, sector: usize) -> bool {
        let durable = self.durable.get(sector * SECTOR..).unwrap_or_default();
        let was_written = durable.iter().take(SECTOR).any(|byte| *byte != 0);
        self.lost.contains(&sector) && !was_written
    }
}

/// A device for a store. Clones are the same device; [`SimDisk::kill`] cuts off the store that has
/// it.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    holder: u64,
}

/// Whoever only looks: another process, which lives on when the writer dies, and whose reads are
/// not counted.
const OBSERVER: u64 = u64::MAX;

/// Bytes of a sector.
pub(crate) const SECTOR: usize = 512;
/// Bytes of a page of the cache.
const PAGE: usize = 4_096;

impl SimDisk {
    /// A disk with these durable bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        let device =
            Device { durable: bytes.clone(), dirty: BTreeSet::new(), lost: BTreeSet::new() };
        Self::of(State { cache: bytes, device: Some(device), ..State::default() })
    }

    /// A disk with these bytes that is only going to be looked at as it is now: it remembers
    /// nothing that a power cut would need.
    pub(crate) fn scratch(bytes: Vec<u8>) -> Self {
        Self::of(State { cache: bytes, ..State::default() })
    }

    fn of(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)), holder: 0 }
    }

    /// The same, keeping a journal.
    pub(crate) fn journaling(bytes: Vec<u8>) -> Self {
        let disk = Self::new(bytes);
        disk.begin_journal();
        disk
    }

    /// Begins a journal.
    pub(crate) fn begin_journal(&self) {
        self.lock().journal = Some(Vec::new());
    }

    /// The process dies: the store that has this disk can do nothing more with it. What it wrote is
    /// there.
    #[must_use]
    pub fn kill(&self) -> Self {
        let mut state = self.lock();
        state.holder += 1;
        state.locked = false;
        Self { state: self.state.clone(), holder: state.holder }
    }

    /// The same disk for a process that only reads.
    pub(crate) fn observer(&self) -> Self {
        Self { state: self.state.clone(), holder: OBSERVER }
    }

    pub(crate) fn note(&self, note: Op) {
        let mut state = self.lock();
        if let Some(journal) = &mut state.journal {
            journal.push(note);
        }
    }

    pub(crate) fn take_journal(&self) -> Vec<Op> {
        self.lock().journal.take().unwrap_or_default()
    }

    pub(crate) fn set_faults(&self, faults: Option<FaultPlan>) {
        let mut state = self.lock();
        state.faults = faults;
        state.operations = 0;
    }

    /// How many operations were counted since faults were set.
    pub(crate) fn operations(&self) -> usize {
        self.lock().operations
    }

    /// From now on the cache is like this.
    pub(crate) fn set_caching(&self, caching: Caching) {
        self.lock().caching = caching;
    }

    /// What is durable now.
    pub(crate) fn durable(&self) -> Vec<u8> {
        self.lock().device.as_ref().map(|device| device.durable.clone()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.lock();
        let is_alive = state.holder == self.holder || self.holder == OBSERVER;
        if is_alive { Ok(state) } else { Err(io::Error::other("killed")) }
    }
}

impl State {
    /// The fault that this operation meets.
    fn fault(&mut self, is_read: bool) -> Option<Fault> {
        let plan = self.faults?;
        if is_read && !plan.reads {
            return None;
        }
        let nth = self.operations;
        self.operations += 1;
        (nth >= plan.at && nth - plan.at < plan.times).then_some(plan.fault)
    }

    fn grow(&mut self, length: usize) {
        if self.cache.len() < length {
            self.cache.resize(length, 0);
        }
    }
}

fn failed(fault: Fault) -> io::Error {
    match fault {
        Fault::Io | Fault::Short => io::Error::from_raw_os_error(5),
        Fault::NoSpace => io::ErrorKind::StorageFull.into(),
        Fault::Interrupted => io::ErrorKind::Interrupted.into(),
    }
}

impl Storage for SimDisk {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.own()?;
        let fault = if self.holder == OBSERVER { None } else { state.fault(true) };
        let most = match fault {
            Some(Fault::Short) => 7,
            Some(Fault::NoSpace) | None => usize::MAX,
            Some(fault) => return Err(failed(fault)),
        };
        let there = state.cache.get(offset as usize..).unwrap_or_default();
        let count = buffer.len().min(there.len()).min(most);
        buffer[..count].copy_from_slice(&there[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.own()?;
        let count = match state.fault(false) {
            None => bytes.len(),
            Some(Fault::Short) => bytes.len().min(5),
            Some(fault) => return Err(failed(fault)),
        };
        let (bytes, start) = (&bytes[..count], offset as usize);
        let end = start + count;
        state.grow(end);
        state.cache[start..end].copy_from_slice(bytes);
        let sticks = state.caching == Caching::Sticks;
        if let Some(device) = &mut state.device {
            for sector in start / SECTOR..end.div_ceil(SECTOR) {
                if !(sticks && device.sticks(sector)) {
                    device.dirty.insert(sector);
                    device.lost.remove(&sector);
                }
            }
        }
        if let Some(journal) = &mut state.journal {
            journal.push(Op::Write(start, bytes.to_vec()));
        }
        Ok(count)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.own()?;
        let state = &mut *state;
        match state.fault(false) {
            None | Some(Fault::Short) => {}
            Some(fault @ (Fault::Io | Fault::NoSpace)) => {
                // The pages are clean from now on, and the device never had them.
                if let Some(device) = &mut state.device {
                    device.lost.append(&mut device.dirty);
                }
                return Err(failed(fault));
            }
            Some(fault) => return Err(failed(fault)),
        }
        if let Some(device) = &mut state.device {
            device.durable.resize(state.cache.len(), 0);
            for sector in std::mem::take(&mut device.dirty) {
                let start = sector * SECTOR;
                let end = (start + SECTOR).min(state.cache.len());
                device.durable[start..end].copy_from_slice(&state.cache[start..end]);
            }
        }
        if let Some(journal) = &mut state.journal {
            journal.push(Op::Sync);
        }
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.own()?.cache.len() as u64)
    }

    fn allocate(&self, offset: u64, length: u64) -> io::Result<()> {
        let mut state = self.own()?;
        if let Some(fault) = state.fault(false)
            && fault != Fault::Short
        {
            return Err(failed(fault));
        }
        let end = (offset + length) as usize;
        state.grow(end);
        if let Some(journal) = &mut state.journal {
            journal.push(Op::Allocate(end));
        }
        Ok(())
    }

    fn release(&self, offset: u64, length: u64) -> io::Result<()> {
        // What becomes of it is as with any write: after a crash it is zero, or as before.
        let there = self.size()?.saturating_sub(offset).min(length);
        self.write_at(&vec![0; there as usize], offset).map(drop)
    }

    fn drop_cache(&self, offset: u64, length: u64) -> io::Result<()> {
        let mut state = self.own()?;
        let State { cache, device, caching, .. } = &mut *state;
        let drops = *caching != Caching::Keeps;
        let Some(device) = device.as_mut().filter(|_| drops) else { return Ok(()) };
        // Pages that lie wholly in there, and the last one of the device.
        let end = (offset + length) as usize;
        let end = if end < cache.len() { end / PAGE } else { end.div_ceil(PAGE) };
        let (first, last) = ((offset as usize).div_ceil(PAGE), end);
        let (first, last) = (first * PAGE / SECTOR, last.max(first) * PAGE / SECTOR);
        let clean: Vec<usize> = device.lost.range(first..last).copied().collect();
        for sector in clean {
            device.lost.remove(&sector);
            let (start, end) = (sector * SECTOR, (sector + 1) * SECTOR);
            match device.durable.get(start..end) {
                Some(durable) => cache[start..end].copy_from_slice(durable),
                None => cache[start..end].fill(0),
            }
        }
        Ok(())
    }

    fn next_data(&self, offset: u64, end: u64) -> u64 {
        let Ok(state) = self.own() else { return offset };
        // Some file systems tell pages of zeros from others, and some don't.
        if (state.cache.len() / PAGE).is_multiple_of(2) {
            return offset;
        }
        let (first, last) = (offset as usize, (end as usize).min(state.cache.len()));
        let bytes = state.cache.get(first..last).unwrap_or_default();
        let data = bytes.iter().position(|byte| *byte != 0);
        data.map_or(end, |data| offset.max(((first + data) / PAGE * PAGE) as u64))
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut state = self.own()?;
        Ok(!std::mem::replace(&mut state.locked, true))
    }

    fn unlock(&self) {
        if let Ok(mut state) = self.own() {
            state.locked = false;
        }
    }

    fn is_locked(&self) -> io::Result<bool> {
        Ok(self.own()?.locked)
    }
}

impl Op {
    /// Whether it is a note that everything so far is durable, at which rot is tried.
    pub(crate) fn is_durable_note(&self) -> bool {
        matches!(self, Self::Durable(_))
    }
}
