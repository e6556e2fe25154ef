//! Where the stores of these tests are, and how they are read.

use crate::fixture::{Place, note};
use annals::storage::{Access, MemoryStorage};
use annals::{Durability, Options, Position, Read, RecordedEvent, Store, Version};
use std::sync::Arc;

/// Where a store is and how it is read.
pub struct Home {
    options: Options,
    place: Option<Place>,
    memory: Arc<MemoryStorage>,
    pub what: &'static str,
}

impl Home {
    pub fn open(&self) -> Store {
        match &self.place {
            Some(place) => self.options.open(place.path()).unwrap(),
            None => self.options.open_storage(self.memory.clone()).unwrap(),
        }
    }

    pub fn open_read_only(&self) -> Store {
        match &self.place {
            Some(place) => self.options.open_read_only(place.path()).unwrap(),
            None => self.options.open_storage_read_only(self.memory.clone()).unwrap(),
        }
    }

    /// The same store, closed and opened again.
    pub fn reopened(&self, store: &Store) -> Store {
        store.close().unwrap();
        self.open()
    }

    /// Looks at a store as it is, and after it was closed and opened again; closes it.
    pub fn twice(&self, store: &Store, look: impl Fn(&Store)) {
        look(store);
        let again = self.reopened(store);
        look(&again);
        again.close().unwrap();
    }
}

/// Each way of keeping and reading a store, with segments of usual size and with tiny ones.
pub fn everywhere(test: impl Fn(&Home)) {
    for tiny in [false, true] {
        for (what, access) in
            [("mapped", Some(Access::Map)), ("read", Some(Access::Read)), ("in memory", None)]
        {
            let options = Options::new().durability(Durability::Buffered);
            let options = if tiny { options.segments(4_096, 8_192) } else { options };
            test(&Home {
                options: options.access(access.unwrap_or_default()),
                place: access.map(|_| Place::new()),
                memory: Arc::default(),
                what,
            });
        }
    }
}

/// 30 events, position by position in streams a-1, b-1, a-2; payload is the position.
pub fn thirty(home: &Home) -> Store {
    let store = home.open();
    for nth in 0..30_u64 {
        let stream = ["a-1", "b-1", "a-2"][(nth % 3) as usize];
        store.append(stream, nth / 3, [note((nth + 1).to_string())]).unwrap();
        if nth == 19 {
            // Some of what is read is durable, some is not.
            store.sync().unwrap();
        }
    }
    store
}

pub fn positions(store: &Store, read: Read<Position>) -> Vec<u64> {
    let events = store.read_all(read).unwrap().map(Result::unwrap);
    events.inspect(check).map(|event| event.position.get()).collect()
}

pub fn versions(store: &Store, stream: &str, read: Read<Version>) -> Vec<u64> {
    let events = store.read_stream(stream, read).unwrap().map(Result::unwrap);
    events.inspect(|event| assert_eq!(event.stream, stream)).map(|e| e.version.get()).collect()
}

pub fn check(event: &RecordedEvent) {
    assert_eq!(event.payload, event.position.to_string().as_bytes());
}
