//! Those who look from outside, wait, or keep the house.

use super::said::check_run;
use super::{Closed, LONG, Life, Random, World, options, unless_closed};
use annals::{Chore, ErrorKind, Options, Position, Read, Store};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Wake, Waker};
use std::thread;
use std::time::Duration;

/// Follows the file as another process would: what it shows is durable, and what the writer shows.
pub fn follow(world: &World) {
    let mut random = Random(2_000);
    while !world.is_over() {
        let life = world.life();
        let looking = match options().open_read_only(world.path(life.file)) {
            Ok(looking) => looking,
            // The file was left just now.
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
                continue;
            }
        };
        let mut before = Position::START;
        for _ in 0..random.below(200) {
            if world.is_over() {
                break;
            }
            let head = looking.wait(before, Duration::from_millis(5)).unwrap();
            assert!(head >= before, "a follower went back");
            before = head;
            let view = looking.view().unwrap();
            let after = view.head().get().saturating_sub(random.below(100));
            let events = view.all(Read::new().after(after)).map(Result::unwrap);
            let events: Vec<_> = events.collect();
            check_run(&events, after + 1, true);
            compare(&life, events.last());
        }
    }
}

/// The writer has the same event there, if he is still there.
fn compare(life: &Life, event: Option<&annals::RecordedEvent>) {
    let Some(event) = event else { return };
    if let Ok(own) = unless_closed(life.store.event(event.position)) {
        assert_eq!(own.as_ref(), Some(event));
    }
}

/// Waits for more, again and again. There is always more to come, or the store is closed.
pub fn wait(world: &World) {
    let mut life = world.life();
    loop {
        let mut head = Position::START;
        while let Ok(more) = unless_closed(life.store.wait(head, LONG)) {
            assert!(more > head, "it waited in vain");
            head = more;
            if world.is_over() {
                return;
            }
        }
        let Some(next) = world.next_life(&life) else { return };
        life = next;
    }
}

/// A waker that a thread sleeps on.
#[derive(Default)]
struct Bed {
    woken: Mutex<bool>,
    rung: Condvar,
}

impl Wake for Bed {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().unwrap() = true;
        self.rung.notify_one();
    }
}

/// Sleeps until it is woken by more, or by closing.
pub fn wake(world: &World) {
    let mut life = world.life();
    loop {
        while sleep_once(&life.store).is_ok() && !world.is_over() {}
        let Some(next) = world.next_life(&life) else { return };
        life = next;
    }
}

fn sleep_once(store: &Store) -> Result<(), Closed> {
    let head = unless_closed(store.head())?;
    let bed = Arc::new(Bed::default());
    if !store.wake_after(head, &Waker::from(bed.clone())) {
        let woken = bed.woken.lock().unwrap();
        let (woken, time) = bed.rung.wait_timeout_while(woken, LONG, |woken| !*woken).unwrap();
        assert!(*woken && !time.timed_out(), "nobody woke it");
        drop(woken);
        assert!(unless_closed(store.head())? > head, "it was woken for nothing");
    }
    Ok(())
}

/// Everything that is done now and then.
pub fn keep_house(world: &World) {
    let mut random = Random(3_000);
    let mut life = world.life();
    loop {
        while chore(world, &life.store, &mut random).is_ok() && !world.is_over() {
            thread::sleep(Duration::from_millis(random.below(5)));
        }
        let Some(next) = world.next_life(&life) else { return };
        life = next;
    }
}

fn chore(world: &World, store: &Store, random: &mut Random) -> Result<(), Closed> {
    match random.below(12) {
        0 => assert!(unless_closed(store.verify())?.is_whole()),
        1 => copy(world, |path| store.backup_to(path))?,
        2 => copy(world, |path| store.compact_to(path))?,
        3 => unless_closed(store.sync())?,
        4 => unless_closed(store.chore(Chore::Mark))?,
        5 => unless_closed(store.chore(Chore::Prepare))?,
        6 | 7 => unless_closed(store.chore(Chore::Index))?,
        8 => {
            let head = unless_closed(store.head())?;
            if head > Position::START {
                unless_closed(store.wait_durable(head))?;
                assert!(store.durable() >= head);
            }
        }
        _ => {
            let stats = unless_closed(store.stats())?;
            assert_eq!(stats.head.get(), stats.events);
            assert_eq!(stats.index.healed, 0, "nothing is damaged");
            let health = store.health();
            assert!(!health.poisoned && health.background.is_none(), "{health:?}");
        }
    }
    Ok(())
}

/// A copy is whole, and opens.
fn copy(
    world: &World,
    make: impl FnOnce(std::path::PathBuf) -> Result<annals::CopyReport, annals::Error>,
) -> Result<(), Closed> {
    let path = world.place.file("copy.annals");
    let made = unless_closed(make(path.clone()))?;
    let copy = Options::new().open(&path).unwrap();
    let head = copy.head().unwrap();
    assert_eq!(head.get(), made.events);
    let after = head.get().saturating_sub(50);
    let events: Vec<_> =
        copy.read_all(Read::new().after(after)).unwrap().map(Result::unwrap).collect();
    check_run(&events, after + 1, true);
    copy.close().unwrap();
    std::fs::remove_file(path).unwrap();
    Ok(())
}
