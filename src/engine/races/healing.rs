//! A damaged run is made anew once, whoever meets the damage.

use super::{TEXTS, append, beside, image, open_with, small, texts};
use crate::storage::modelled::Disk;
use crate::threads::atomic::Ordering;
use crate::threads::model;
use crate::words::Position;

#[test]
fn of_all_who_meet_a_damaged_run_one_makes_it_anew() {
    let one = image(small(), |engine| append(engine, &TEXTS[..1]));
    model(2, move || {
        let disk = Disk::new(&one);
        let engine = open_with(&disk, small());
        let run = engine.core.index.sources().runs[0].place().extent();
        // All of its pages but the header, which was looked at already.
        let damage = vec![0xAA; usize::try_from(run.length).unwrap() - 4_096];
        disk.damage(usize::try_from(run.file_offset).unwrap() + 4_096, &damage);
        let asking = beside(&engine, |engine| {
            let view = engine.view().unwrap();
            let name = engine.core.hash("first");
            let version = view.ask(|sources| sources.version(name, Position::MAX)).unwrap();
            assert_eq!(version.get(), 1);
        });
        assert_eq!(texts(&engine.view().unwrap()), TEXTS[..1]);
        asking.join().unwrap();
        assert_eq!(engine.core.healed.load(Ordering::Relaxed), 1);
        assert_eq!(texts(&engine.view().unwrap()), TEXTS[..1]);
    });
}
