//! Another opener who only looks, beside the writer.

use super::{TEXTS, append, beside, open_with, small, texts};
use crate::engine::{Chore, Engine};
use crate::storage::modelled::Disk;
use crate::threads::model;

/// What a follower shows is durable, and it never shows less than before.
#[test]
fn a_follower_sees_a_prefix_of_what_is_durable() {
    model(2, || {
        let disk = Disk::new(&[]);
        let engine = open_with(&disk, small());
        append(&engine, &TEXTS[..1]);
        let looking = Engine::open_read_only(disk.handle_elsewhere(), &small()).unwrap();
        let writing = beside(&engine, |engine| {
            append(engine, &TEXTS[1..2]);
            engine.chore(Chore::Index).unwrap();
        });
        let mut before = 0;
        for _ in 0..2 {
            let now = texts(&looking.view().unwrap());
            assert_eq!(now, TEXTS[..now.len()]);
            assert!(now.len() >= before);
            assert!(now.iter().all(|text| disk.has_durably(text.as_bytes())), "{now:?}");
            before = now.len();
        }
        writing.join().unwrap();
        assert_eq!(texts(&looking.view().unwrap()), TEXTS[..2]);
    });
}
