//! Any bytes as a file, sealed: opening them, to read and to write, ends in an answer.

use crate::exercise::{Effort, read_everything, write_something};
use crate::images::{images, options};
use crate::seal::seal;
use annals::Store;
use annals::storage::{MemoryStorage, Storage};
use std::sync::Arc;

/// See the module.
pub fn run(bytes: &[u8]) {
    let mut file = bytes.to_vec();
    seal(&mut file);
    looked_at(&file);
    written_to(&file);
}

/// Opens a file to read it, and asks for everything.
pub fn looked_at(file: &[u8]) {
    let disk = Arc::new(MemoryStorage::from_bytes(file.to_vec()));
    if let Ok(store) = options().open_storage_read_only(disk.clone()) {
        read_everything(&store, Effort::LITTLE);
        let _ = (store.map(), store.verify_quick(), store.verify());
    }
    let device: Arc<dyn Storage> = disk.clone();
    for at in (0..file.len()).step_by(file.len() / 16 + 1) {
        let _ = Store::dissect_storage(&device, at as u64);
    }
    assert!(disk.to_bytes() == file, "looking has written");
}

/// Opens a file to write to it, asks for everything, and writes.
pub fn written_to(file: &[u8]) {
    let disk = Arc::new(MemoryStorage::from_bytes(file.to_vec()));
    if let Ok(store) = options().open_storage(disk.clone()) {
        // So many that a run is made, and merged with others.
        write_something(&store, 9);
        read_everything(&store, Effort::LITTLE);
        let _ = (store.verify(), store.close());
    }
    // What a file says of lengths is not believed without end.
    let length = disk.to_bytes().len();
    assert!(length <= 4 * file.len() + (1 << 20), "{} bytes became {length}", file.len());
}

/// Healthy ones to begin with.
pub fn seeds() -> Vec<Vec<u8>> {
    let smallest = images().iter().filter(|image| image.bytes.len() < 60_000);
    smallest.map(|image| image.bytes.clone()).collect()
}
