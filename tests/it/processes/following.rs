//! Looking at a store that another process writes: whole commits, and durable ones only.

use super::child::{Other, announced, whole_batches};
use crate::fixture::Place;
use annals::storage::Access;
use annals::{Ending, Options, Position, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_follower_sees_whole_commits_and_none_that_is_not_durable() {
    for seed in [1, 2, 3] {
        let place = Place::new();
        let mut writer = Other::start("announce", &place.path(), seed);
        let access = if seed == 3 { Access::Read } else { Access::Map };
        let follower = Options::new().access(access).open_read_only(place.path()).unwrap();
        assert_eq!(follower.recovery_report().ending, Ending::InUse);
        let begun = Instant::now();
        let (mut seen, mut steps) = (0, 0);
        while begun.elapsed() < Duration::from_millis(1_500) || steps < 10 {
            assert!(begun.elapsed() < LONG, "there were {steps} steps only");
            let head = follower.wait(seen, Duration::from_millis(50)).unwrap().get();
            assert!(head >= seen, "the head went back");
            // What was announced later may be more, never less.
            let bound = announced(&place.path());
            assert!(
                head <= bound,
                "position {head} is shown, but {bound} is all that may be durable"
            );
            let view = follower.view().unwrap();
            steps += u32::from(view.head().get() > seen);
            seen = whole_batches(&view, seen);
        }
        assert!(follower.verify().unwrap().is_whole());
        let last: u64 = writer.ask("stop").parse().unwrap();
        assert_eq!(follower.head().unwrap().get(), last);
        assert_eq!(whole_batches(&follower.view().unwrap(), 0), last);
        assert_eq!(follower.durable().get(), last);
    }
}

#[test]
fn a_follower_sees_synced_commits_at_once_and_buffered_ones_after_a_sync() {
    let place = Place::new();
    let mut writer = Other::start("obey", &place.path(), 0);
    let follower = Store::open_read_only(place.path()).unwrap();
    let head = || follower.head().unwrap().get();
    let sees = |position: u64| {
        assert_eq!(follower.wait(position - 1, LONG).unwrap().get(), position);
        assert_eq!(whole_batches(&follower.view().unwrap(), 0), position);
        assert_eq!(follower.durable().get(), position);
        follower.wait_durable(position).unwrap();
    };
    assert_eq!(head(), 0);
    assert_eq!(writer.ask("synced"), "3");
    sees(3);
    assert_eq!(writer.ask("strict"), "6");
    sees(6);
    assert_eq!(writer.ask("buffered"), "9");
    assert_eq!(writer.ask("buffered"), "12");
    assert_eq!(follower.wait(6, Duration::from_millis(50)).unwrap().get(), 6);
    assert_eq!((head(), follower.durable().get()), (6, 6));
    // One who comes now sees no more.
    let other = Store::open_read_only(place.path()).unwrap();
    assert_eq!(other.head().unwrap().get(), 6);
    assert_eq!(writer.ask("sync"), "synced");
    sees(12);
    assert_eq!(other.head().unwrap().get(), 12);
    // A synced commit takes with it what stands before it; closing takes everything.
    assert_eq!(writer.ask("buffered"), "15");
    assert_eq!(head(), 12);
    assert_eq!(writer.ask("synced"), "18");
    sees(18);
    assert_eq!(writer.ask("buffered"), "21");
    assert_eq!(head(), 18);
    assert_eq!(writer.ask("close"), "closed");
    sees(21);
}

#[test]
fn a_follower_goes_on_over_the_death_of_a_writer_and_the_next_one() {
    let place = Place::new();
    let mut writer = Other::start("obey", &place.path(), 0);
    let follower = Store::open_read_only(place.path()).unwrap();
    let mut last = 0;
    for round in 0..4 {
        for order in ["synced", "buffered", "strict", "buffered"] {
            last = writer.ask(order).parse().unwrap();
        }
        // The last one was not synced: it is not shown, though it survives the writer.
        assert_eq!(follower.head().unwrap().get(), last - 3);
        writer.kill();
        assert_eq!(follower.head().unwrap().get(), last - 3, "round {round}");
        writer = Other::start("obey", &place.path(), 0);
        // The next writer's recovery makes it durable.
        assert_eq!(follower.wait(last - 1, LONG).unwrap().get(), last);
        assert_eq!(whole_batches(&follower.view().unwrap(), 0), last);
    }
    assert_eq!(writer.ask("close"), "closed");
    assert_eq!(follower.head().unwrap().get(), last);
    assert!(follower.verify().unwrap().is_whole());
}

#[test]
fn without_a_writer_all_that_is_valid_is_shown_and_the_unproven_part_named() {
    let place = Place::new();
    let mut writer = Other::start("obey", &place.path(), 0);
    assert_eq!(writer.ask("synced"), "3");
    assert_eq!(writer.ask("buffered"), "6");
    writer.kill();
    let before = place.bytes();
    let looking = Store::open_read_only(place.path()).unwrap();
    let report = looking.recovery_report();
    assert_eq!(report.ending, Ending::Whole);
    assert!(report.bytes_unproven > 0, "{report:?}");
    assert_eq!(looking.head().unwrap().get(), 6);
    assert_eq!(looking.durable().get(), 3);
    assert_eq!(looking.wait_durable(6).unwrap_err().kind(), annals::ErrorKind::ReadOnly);
    looking.wait_durable(3).unwrap();
    assert_eq!(place.bytes(), before, "looking has written");
    // A writer proves it.
    let writer = Store::open(place.path()).unwrap();
    assert_eq!(writer.durable().get(), 6);
    assert_eq!(looking.durable().get(), 6);
}

struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_waker_is_called_when_another_process_commits() {
    let place = Place::new();
    let mut writer = Other::start("obey", &place.path(), 0);
    let follower = Store::open_read_only(place.path()).unwrap();
    let mut head = Position::START;
    for round in 1..=3 {
        let woken = Arc::new(Woken(AtomicUsize::new(0)));
        assert!(!follower.wake_after(head, &Waker::from(woken.clone())));
        writer.ask("buffered");
        thread::sleep(Duration::from_millis(20));
        assert_eq!(woken.0.load(Ordering::SeqCst), 0, "a buffered commit woke it");
        writer.ask("synced");
        let begun = Instant::now();
        while woken.0.load(Ordering::SeqCst) == 0 {
            assert!(begun.elapsed() < LONG, "nobody woke it");
            thread::sleep(Duration::from_millis(1));
        }
        head = follower.head().unwrap();
        assert_eq!(head.get(), round * 6);
    }
    let woken = Arc::new(Woken(AtomicUsize::new(0)));
    assert!(!follower.wake_after(head, &Waker::from(woken.clone())));
    follower.close().unwrap();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
}

/// Who looked for others stopped when nobody's waker waited; one that was registered while it was
/// stopping took it for running, and waited for ever. Now it stops under the lock under which it
/// is started.
#[test]
fn a_waker_that_comes_while_the_looking_stops_is_called() {
    let place = Place::new();
    let mut writer = Other::start("obey", &place.path(), 0);
    let follower = Store::open_read_only(place.path()).unwrap();
    for round in 0..500_u64 {
        let head = follower.durable();
        let woken = Arc::new(Woken(AtomicUsize::new(0)));
        assert!(!follower.wake_durable_after(head, &Waker::from(woken.clone())));
        writer.ask("synced");
        let spin_until = |is_so: &dyn Fn(Duration) -> bool| {
            let begun = Instant::now();
            while !is_so(begun.elapsed()) {
                assert!(begun.elapsed() < LONG, "nobody woke it in round {round}");
                std::hint::spin_loop();
            }
        };
        spin_until(&|_| woken.0.load(Ordering::SeqCst) > 0);
        // It looks every two milliseconds, and stops when it finds nobody.
        let just_then = Duration::from_micros(1_950 + round * 7 % 200);
        spin_until(&|passed| passed > just_then);
    }
}
