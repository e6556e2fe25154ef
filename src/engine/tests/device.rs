//! A device in memory that keeps a list of what it is asked for, and refuses what it is told to.

use crate::format::u64_of;
use crate::storage::{MemoryStorage, Storage};
use crate::threads::Mutex;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// What a device is asked for; the ranges are bytes of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asked {
    /// To read. Not on the list: there are too many.
    Read(Range<u64>),
    /// To write.
    Write(Range<u64>),
    /// To sync.
    Sync,
    /// To be as long as this.
    Allocate,
    /// To give the room back.
    Release(Range<u64>),
    /// To forget what it has in its cache.
    Drop(Range<u64>),
}

type Order = Box<dyn Fn(&Asked) -> Option<io::ErrorKind> + Send + Sync>;

/// The device.
pub struct Watched {
    memory: MemoryStorage,
    list: Mutex<Vec<Asked>>,
    order: Mutex<Order>,
}

impl Watched {
    /// An empty one.
    pub fn new() -> Arc<Self> {
        Self::with(&[])
    }

    /// One with these bytes.
    pub fn with(bytes: &[u8]) -> Arc<Self> {
        let (list, order): (_, Order) = (Mutex::default(), Box::new(|_| None));
        let memory = MemoryStorage::from_bytes(bytes.to_vec());
        Arc::new(Self { memory, list, order: Mutex::new(order) })
    }

    /// From now on `order` says what fails, and how.
    pub fn orders(&self, order: impl Fn(&Asked) -> Option<io::ErrorKind> + Send + Sync + 'static) {
        *self.order.lock().unwrap() = Box::new(order);
    }

    /// From now on nothing fails.
    pub fn behaves(&self) {
        self.orders(|_| None);
    }

    /// What it was asked for since this was looked at last, in order, done or refused.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.list.lock().unwrap())
    }

    /// How many syncs it was asked for since it was looked at last.
    pub fn syncs(&self) -> usize {
        self.asked().iter().filter(|asked| **asked == Asked::Sync).count()
    }

    /// A copy of its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.memory.to_bytes()
    }

    fn may(&self, asked: Asked) -> io::Result<()> {
        let refused = self.order.lock().unwrap()(&asked);
        if !matches!(asked, Asked::Read(_)) {
            self.list.lock().unwrap().push(asked);
        }
        refused.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

impl Storage for Watched {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.may(Asked::Read(offset..offset + u64_of(buffer.len())))?;
        self.memory.read_at(buffer, offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.may(Asked::Write(offset..offset + u64_of(bytes.len())))?;
        self.memory.write_at(bytes, offset)
    }
    fn sync(&self) -> io::Result<()> {
        self.may(Asked::Sync)?;
        self.memory.sync()
    }
    fn size(&self) -> io::Result<u64> {
        self.memory.size()
    }
    fn allocate(&self, offset: u64, length: u64) -> io::Result<()> {
        self.may(Asked::Allocate)?;
        self.memory.allocate(offset, length)
    }
    fn release(&self, offset: u64, length: u64) -> io::Result<()> {
        self.may(Asked::Release(offset..offset + length))?;
        self.memory.release(offset, length)
    }
    fn drop_cache(&self, offset: u64, length: u64) -> io::Result<()> {
        self.may(Asked::Drop(offset..offset + length))
    }
}
