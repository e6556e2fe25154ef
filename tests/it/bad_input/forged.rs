//! Files that were made to lie: whoever knows the format can seal any numbers. They may be refused
//! or taken for something else, but they stop nothing, and what is asked for at once is bounded by
//! what there is.

use crate::fixture::{Deed, Device, FRAME, Op, SEGMENT, note, reseal_head, reseal_slots};
use annals::{ExpectedVersion, Options, Read, Store};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Numbers that are worth a lie.
const LIES: [u64; 16] = [
    0,
    1,
    7,
    8,
    64,
    4_096,
    16_384,
    (1 << 31) - 8,
    1 << 31,
    0xFFFF_FFF8,
    u32::MAX as u64,
    1 << 40,
    (1 << 63) - 4_096,
    (1 << 63) - 1,
    u64::MAX - 1,
    u64::MAX,
];

fn options() -> Options {
    Options::new().without_keeper().segments(4_096, 8_192)
}

/// The bytes of stores with a few events, closed and not.
fn originals() -> [Vec<u8>; 2] {
    let device = Device::new();
    let store = options().open_storage(device.clone()).unwrap();
    for nth in 0..3 {
        store.append("a", nth, [note("x"), note("y")].into_iter().skip(nth as usize % 2)).ok();
    }
    store.append("b", 0, [note("z").tag("t")]).unwrap();
    let open = device.to_bytes();
    store.close().unwrap();
    [open, device.to_bytes()]
}

/// Opens, reads and writes a store that may lie. It may refuse anything, but has to come to an end.
fn survives(bytes: &[u8], what: &str) {
    let room = bytes.len() + (1 << 20);
    for look in [true, false] {
        let device = Device::from_bytes(bytes.to_vec());
        let longest = Arc::new(AtomicUsize::new(0));
        let seen = longest.clone();
        device.orders(move |op| {
            if let Op::Read { length, .. } = op {
                seen.fetch_max(length, Ordering::Relaxed);
            }
            Deed::Go
        });
        let opened = match look {
            true => options().open_storage_read_only(device.clone()),
            false => options().open_storage(device.clone()),
        };
        if let Ok(store) = opened {
            uses(&store);
        }
        let longest = longest.load(Ordering::Relaxed);
        assert!(longest <= room, "{what}: {longest} bytes are asked for at once");
    }
}

fn uses(store: &Store) {
    for read in [Read::new(), Read::new().backward()] {
        store.read_all(read).unwrap().take(100).for_each(drop);
    }
    for stream in ["a", "b"] {
        store.read_stream(stream, Read::new().backward()).unwrap().take(100).for_each(drop);
    }
    let _ = store.verify();
    let _ = store.stats();
    for _ in 0..3 {
        let _ = store.append("a", ExpectedVersion::Any, [note("w")]);
    }
    store.read_all(Read::new().backward()).unwrap().take(10).for_each(drop);
    let _ = store.close();
}

fn fields(length: usize, width: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length / width).map(move |nth| nth * width..(nth + 1) * width)
}

#[test]
fn slots_that_lie_stop_nothing() {
    for original in originals() {
        // All that has a meaning; what follows is reserved.
        for field in fields(272, 8).skip(6) {
            for lie in LIES {
                let mut bytes = original.clone();
                reseal_slots(&mut bytes, field.clone(), &lie.to_le_bytes());
                survives(&bytes, &format!("slots {field:?} {lie:#x}"));
            }
        }
        for field in fields(272, 4).skip(12) {
            for lie in [0_u32, 1, 2, 32, 33, u32::MAX] {
                let mut bytes = original.clone();
                reseal_slots(&mut bytes, field.clone(), &lie.to_le_bytes());
                survives(&bytes, &format!("slots {field:?} {lie:#x}"));
            }
        }
    }
}

#[test]
fn headers_that_lie_stop_nothing() {
    for original in originals() {
        for (what, head) in [("segment", SEGMENT), ("frame", FRAME)] {
            for field in fields(head.len() - 8, 8) {
                for lie in LIES {
                    let mut bytes = original.clone();
                    reseal_head(&mut bytes, head.clone(), field.clone(), &lie.to_le_bytes());
                    survives(&bytes, &format!("{what} {field:?} {lie:#x}"));
                }
            }
            for field in fields(head.len() - 8, 4) {
                for lie in [0_u32, 1, 8, 96, 104, 0x7FFF_FFF8, 0xFFFF_FFF8, u32::MAX] {
                    let mut bytes = original.clone();
                    reseal_head(&mut bytes, head.clone(), field.clone(), &lie.to_le_bytes());
                    survives(&bytes, &format!("{what} {field:?} {lie:#x}"));
                }
            }
        }
    }
}

/// A frame of four gigabytes in a segment of a terabyte, in a file of a few kilobytes.
#[test]
fn a_frame_that_claims_to_be_longer_than_the_file_is_not_asked_for() {
    for original in originals() {
        let mut bytes = original.clone();
        let length = (1_u64 << 40).to_le_bytes();
        reseal_slots(&mut bytes, 184..192, &length);
        reseal_head(&mut bytes, SEGMENT, 16..24, &length);
        reseal_head(&mut bytes, FRAME, 32..36, &0xFFFF_FFF8_u32.to_le_bytes());
        survives(&bytes, "a long frame");
    }
}
