//! The map of the file, beside a writer that is at work.

use annals::storage::MemoryStorage;
use annals::{Durability, ExpectedVersion, NewEvent, Options};
use std::sync::Arc;
use std::thread;

#[test]
fn a_reader_beside_a_writer_has_each_byte_once() {
    let disk = Arc::new(MemoryStorage::new());
    let options = Options::new().durability(Durability::Buffered).tail(8, u64::MAX);
    let writer = options.open_storage(disk.clone()).unwrap();
    let reader = options.open_storage_read_only(disk).unwrap();
    let done = thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for nth in 0..2_000 {
                let event = NewEvent::new("Noted", vec![7; nth % 300]);
                writer.append("a", ExpectedVersion::Any, [event]).unwrap();
            }
            writer.sync().unwrap();
            true
        });
        let mut counter = 0;
        while !writing.is_finished() {
            let map = reader.map().unwrap();
            let end = map.extents.iter().fold(0, |end, extent| {
                assert_eq!(extent.file_offset, end, "{map:?}");
                extent.end()
            });
            assert_eq!((end, map.counter >= counter), (map.file_bytes, true));
            counter = map.counter;
        }
        assert!(counter > 10, "the writer wrote slots meanwhile: {counter}");
        writing.join().unwrap()
    });
    assert!(done);
}
