//! Histories of threads on one store, recorded and given to a checker: there has to be an order of
//! all operations, each somewhere between its call and its return, in which a plain list of events
//! gives the same answers.

mod plain;
mod record;

use crate::fixture::{Deed, Device, Op, Place};
use annals::{Durability, Options, Store};
use annals_sim::Random;
use plain::{Answer, Ask, Event, Expected, Made};
use record::{COMMON, Scene, Step, THREADS, is_linearizable};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Small enough that runs are written and merged meanwhile.
fn tiny() -> Options {
    Options::new().segments(4_096, 16_384).tail(3, u64::MAX)
}

/// A device that takes its time, so that whoever waits for it is met by others.
fn slow(seed: u64) -> Arc<Device> {
    let device = Device::new();
    let random = Mutex::new(Random::new(seed));
    device.orders(move |op| {
        let nth = random.lock().unwrap().below(400);
        match op {
            Op::Sync => std::thread::sleep(Duration::from_micros(nth as u64)),
            _ if nth.is_multiple_of(4) => std::thread::yield_now(),
            _ => {}
        }
        Deed::Go
    });
    device
}

/// What threads did on a store, what was there when they had ended, and what is when it has been
/// closed and opened again.
fn scene(seed: u64, open: impl Fn(&Options) -> Store) -> Vec<Step> {
    let options = if seed.is_multiple_of(2) { tiny() } else { Options::new() };
    let mut scene = Scene::new();
    let store = open(&options);
    scene.many(&store, seed);
    scene.one(&store, Ask::Whole);
    store.close().unwrap();
    scene.one(&open(&options), Ask::Whole);
    scene.steps
}

fn on_a_slow_device(seed: u64) -> Vec<Step> {
    let device = slow(seed);
    scene(seed, |options| options.open_storage(device.clone()).unwrap())
}

fn in_a_file(seed: u64) -> Vec<Step> {
    let place = Place::new();
    scene(seed, |options| options.open(place.path()).unwrap())
}

#[track_caller]
fn assert_linearizable(seed: u64, steps: &[Step]) {
    assert!(
        is_linearizable(steps),
        "no order explains what seed {seed} has met:\n{}",
        shown(steps)
    );
}

fn shown(steps: &[Step]) -> String {
    let mut steps: Vec<_> = steps.iter().collect();
    steps.sort_by_key(|step| step.called);
    let line = |step: &&Step| {
        let Step { who, called, returned, ask, answer } = step;
        format!("{called:>3}..{returned:<3} thread {who}: {ask:?}\n         -> {answer:?}\n")
    };
    steps.iter().map(line).collect()
}

/// How often what happened.
#[derive(Default, Debug)]
struct Met {
    landed: [usize; 3],
    replayed: usize,
    conflicts: usize,
    documents: usize,
    conditions: usize,
    /// Pairs of operations of which neither had returned when the other was called.
    overlaps: usize,
}

impl Met {
    fn count(&mut self, steps: &[Step]) {
        for (nth, step) in steps.iter().enumerate() {
            match (&step.ask, &step.answer) {
                (_, Answer::Landed { replayed: true, .. }) => self.replayed += 1,
                (Ask::Commit(made), Answer::Landed { .. }) => {
                    self.landed[match made.durability {
                        Durability::Buffered => 0,
                        Durability::Synced => 1,
                        Durability::Strict => 2,
                    }] += 1;
                }
                (_, Answer::Conflict { .. }) => self.conflicts += 1,
                (_, Answer::DocumentConflict { .. }) => self.documents += 1,
                (_, Answer::ConditionFailed(..)) => self.conditions += 1,
                _ => {}
            }
            let overlap =
                |other: &&Step| step.called < other.returned && other.called < step.returned;
            self.overlaps += steps[nth + 1..].iter().filter(overlap).count();
        }
    }

    /// Asserts that there was something to check.
    fn assert_much(&self, rounds: usize) {
        let few = self.landed.iter().chain([&self.replayed, &self.documents]);
        assert!(
            few.chain([&self.conflicts, &self.conditions]).all(|n| *n >= rounds / 5),
            "{self:?}"
        );
        assert!(self.overlaps >= 10 * rounds, "{self:?}");
    }
}

/// Asserts that an order explains what each of these seeds meets.
fn check(seeds: Range<u64>, histories: impl Fn(u64) -> Vec<Step>) {
    let (mut met, rounds) = (Met::default(), seeds.clone().count());
    for seed in seeds {
        let steps = histories(seed);
        assert_linearizable(seed, &steps);
        met.count(&steps);
    }
    met.assert_much(rounds);
}

#[test]
fn recorded_histories_are_linearizable() {
    check(0..300, on_a_slow_device);
}

#[test]
fn recorded_histories_of_a_store_in_a_file_are_linearizable() {
    check(1_000..1_150, in_a_file);
}

/// Such histories, each with one lie in it.
#[test]
fn a_lie_planted_in_a_recorded_history_is_refused() {
    let mut planted = [0; 4];
    for seed in 2_000..2_080 {
        let steps = on_a_slow_device(seed);
        assert_linearizable(seed, &steps);
        let lies = [stale_read, doubled_success, lost_commit, lost_event];
        for (nth, lie) in lies.into_iter().enumerate() {
            if let Some(steps) = lie(steps.clone()) {
                planted[nth] += 1;
                assert!(!is_linearizable(&steps), "lie {nth}, seed {seed}:\n{}", shown(&steps));
            }
        }
    }
    assert!(planted.iter().all(|times| *times > 20), "{planted:?}");
}

/// Long after all others somebody sees the head of before the last event.
fn stale_read(steps: Vec<Step>) -> Option<Vec<Step>> {
    let before = head(&steps).checked_sub(1)?;
    Some(later(steps, Ask::Head, Answer::Number(before)))
}

/// A commit that landed at an exact version lands once more.
fn doubled_success(steps: Vec<Step>) -> Option<Vec<Step>> {
    let exact = |step: &&Step| match (&step.ask, &step.answer) {
        (Ask::Commit(made), Answer::Landed { .. }) => {
            let is_exact = matches!(made.parts[..], [(_, Expected::At(_), true)]);
            is_exact && !made.has_id && made.changes.is_empty()
        }
        _ => false,
    };
    let step = steps.iter().find(exact)?;
    let (ask, mut answer) = (step.ask.clone(), step.answer.clone());
    if let Answer::Landed { first, last, .. } = &mut answer {
        (*first, *last) = (head(&steps) + 1, head(&steps) + 1);
    }
    Some(later(steps, ask, answer))
}

/// Who made a commit that landed was told that it did not.
fn lost_commit(mut steps: Vec<Step>) -> Option<Vec<Step>> {
    let refused = |step: &Step| match (&step.ask, &step.answer) {
        (Ask::Commit(made), Answer::Landed { versions, .. }) if made.text < COMMON => {
            let &(stream, version) = versions.first()?;
            Some(Answer::Conflict { stream, current: version - 1 })
        }
        _ => None,
    };
    let nth = steps.iter().rposition(|step| refused(step).is_some())?;
    steps[nth].answer = refused(&steps[nth])?;
    Some(steps)
}

/// Opened again, the store has all events but the last.
fn lost_event(mut steps: Vec<Step>) -> Option<Vec<Step>> {
    match &mut steps.last_mut()?.answer {
        Answer::Whole { events, .. } => events.pop()?,
        other => panic!("{other:?}"),
    };
    Some(steps)
}

fn head(steps: &[Step]) -> u64 {
    match steps.last().map(|step| &step.answer) {
        Some(Answer::Whole { events, .. }) => events.len() as u64,
        other => panic!("{other:?}"),
    }
}

/// One more step, called when all others have returned.
fn later(mut steps: Vec<Step>, ask: Ask, answer: Answer) -> Vec<Step> {
    let end = steps.iter().map(|step| step.returned).max().unwrap_or(0);
    steps.push(Step { who: THREADS, called: end + 1, returned: end + 2, ask, answer });
    steps
}

/// An event in the first stream, if that is at this version.
fn note(version: u64, text: u64) -> Ask {
    let parts = vec![(0, Expected::At(version), true)];
    Ask::Commit(Made { parts, text, ..Made::default() })
}

/// The event that it appends then.
fn event(version: u64) -> Event {
    Event { position: version, stream: 0, version, tag: 0, text: version }
}

/// It was the event with this position, and version.
fn landed(position: u64) -> Answer {
    let versions = vec![(0, position)];
    Answer::Landed { first: position, last: position, versions, revisions: vec![], replayed: false }
}

/// Each with when it was called and had returned.
fn history<const N: usize>(steps: [(usize, usize, Ask, Answer); N]) -> Vec<Step> {
    let steps = steps.into_iter().enumerate();
    let step = |(who, (called, returned, ask, answer))| Step { who, called, returned, ask, answer };
    steps.map(step).collect()
}

#[test]
fn a_stale_read_is_not_linearizable() {
    for (ask, old, new) in [
        (Ask::Version(0), Answer::Number(0), Answer::Number(1)),
        (Ask::Head, Answer::Number(0), Answer::Number(1)),
        (Ask::Tagged(0, 0), Answer::Events(vec![], 0), Answer::Events(vec![event(1)], 1)),
    ] {
        let read = |called, answer: &Answer| {
            let read = (called, called + 1, ask.clone(), answer.clone());
            is_linearizable(&history([(0, 10, note(0, 1), landed(1)), read]))
        };
        // While the commit is under way either is right, but nothing else.
        assert!(read(3, &old) && read(3, &new));
        assert!(read(20, &new));
        assert!(!read(20, &old), "{ask:?}");
        // Nor does anybody go back once somebody has seen it.
        let [seen, again] = [(3, 4, &new), (5, 6, &old)]
            .map(|(called, returned, answer)| (called, returned, ask.clone(), answer.clone()));
        assert!(!is_linearizable(&history([(0, 10, note(0, 1), landed(1)), seen, again])));
    }
}

#[test]
fn a_doubled_success_is_not_linearizable() {
    for second in [0, 3, 20] {
        let twice = |answer| {
            let again = (second, second + 5, note(0, 2), answer);
            is_linearizable(&history([(1, 10, note(0, 1), landed(1)), again]))
        };
        assert!(!twice(landed(1)), "both at the same position");
        assert!(!twice(landed(2)), "both at the same version");
        assert!(twice(Answer::Conflict { stream: 0, current: 1 }));
    }
}

#[test]
fn half_a_commit_is_not_linearizable() {
    let both =
        Made { parts: vec![(0, Expected::Any, true), (1, Expected::Any, true)], ..Made::default() };
    let versions = vec![(0, 1), (1, 1)];
    let done = Answer::Landed { first: 1, last: 2, versions, revisions: vec![], replayed: false };
    for (head, right) in [(0, true), (1, false), (2, true)] {
        let read = (3, 4, Ask::Head, Answer::Number(head));
        let steps = history([(0, 10, Ask::Commit(both.clone()), done.clone()), read]);
        assert_eq!(is_linearizable(&steps), right, "head {head}");
    }
}
