//! Models of what has to be over before the room of a run is written again. A cell stands for the
//! room: loom notices who writes it while somebody may still read. (Its own threads: a cell is not
//! `Sync`.)

use super::pin::Pin;
use super::reach::Reach;
use crate::threads::model;
use loom::cell::UnsafeCell;
use std::sync::Arc;

/// Who reads, and whoever has the pin from him, has read before the room is given away.
#[test]
fn what_is_read_under_a_pin_is_read_before_its_room_is_written() {
    model(3, || {
        let room = Arc::new(UnsafeCell::new(()));
        let pin = Pin::new();
        let pinned = pin.watch();
        let readers = [pin.clone(), pin].map(|pin| {
            let room = room.clone();
            loom::thread::spawn(move || {
                room.with(|_| ());
                drop(pin);
            })
        });
        if !pinned.is_held() {
            room.with_mut(|_| ());
        }
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        assert!(!pinned.is_held());
    });
}

/// Whoever reads through maps has read before the lock is given back; whoever comes later does not.
#[test]
fn what_is_read_through_maps_is_read_before_the_lock_is_given_back() {
    model(3, || {
        let room = Arc::new(UnsafeCell::new(()));
        let reach = Arc::new(Reach::new(true));
        let readers = [(), ()].map(|()| {
            let (room, reach) = (room.clone(), reach.clone());
            loom::thread::spawn(move || {
                for _ in 0..2 {
                    let _reading = reach.reading();
                    if reach.is_mapped() {
                        room.with(|_| ());
                    }
                }
            })
        });
        reach.copy_from_now_on();
        room.with_mut(|_| ());
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}
